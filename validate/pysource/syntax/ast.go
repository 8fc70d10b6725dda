package syntax

// Pos is where a node stands in the file. Offsets count the bytes of the file as it is, a byte order mark included.
type Pos struct {
	Off  uint32 // of the first byte
	End  uint32 // of the first byte behind
	Line uint32 // of the first byte, from 1
	Col  uint32 // bytes from the beginning of that line, from 0, without a byte order mark
}

// Position makes every node that embeds a Pos a Node.
func (p Pos) Position() Pos { return p }

// Node is any part of the tree.
type Node interface{ Position() Pos }

// Statement is a node of CPython's stmt.
type Statement interface {
	Node
	statement()
}

// Expression is a node of CPython's expr.
type Expression interface {
	Node
	expression()
}

// Pattern is a node of CPython's pattern.
type Pattern interface {
	Node
	pattern()
}

// TypeParam is a node of CPython's type_param.
type TypeParam interface {
	Node
	typeParam()
}

// Context tells what a name, attribute, subscript, starred, list or tuple is used for.
type Context uint8

// The contexts of CPython's expr_context.
const (
	Load Context = iota
	Store
	Del
)

// Module is a whole file, and what the file says about itself beside the tree.
type Module struct {
	Pos
	Body  []Statement
	Facts Facts
}

// Facts are properties of the text which the tree does not show.
type Facts struct {
	BOM         bool         // the file begins with the UTF-8 byte order mark
	Cookie      string       // the encoding which a PEP 263 comment names, as written; "" without one
	CookieAt    Pos          // of that comment
	Comments    []Pos        // every comment, from its # to the end of the line
	Respelled   []Respelled  // identifiers that CPython reads under another spelling (NFKC), the first 64, each spelling once
	FormFeeds   []uint32     // offsets of form feeds outside of strings and comments, the first 64
	CarriageNLs int          // lines that end in \r\n
	LoneCRs     []uint32     // offsets of \r that is a line end by itself, the first 64
	BadEscapes  []uint32     // offsets of backslashes of unknown escape sequences, which CPython keeps with a warning, the first 64
	Joined      []uint32     // offsets of backslashes that join lines, the first 64
	MixedTabs   bool         // a line is indented with both tabs and spaces
	Lines       int          // physical lines
	NewerThan   []NewerThan  // constructs that older versions in the range reject, the first of each kind
	Suspicious  []Suspicious // characters to look at, the first 64
}

// Respelled is an identifier whose spelling in the file differs from the name that CPython uses.
type Respelled struct {
	Pos
	Raw string
	Id  string
}

// NewerThan is a construct that Python knows since a version.
type NewerThan struct {
	Pos
	What  string
	Since string // "3.12"
}

// Suspicious is a character that displays as something else than what it is: a bidirectional control (CVE-2021-42574)
// or an invisible one, anywhere in the file.
type Suspicious struct {
	Off  uint32
	Line uint32
	Rune rune
}

// ---- statements

type (
	// FunctionDef is def.
	FunctionDef struct {
		Pos
		Name          string
		Args          *Arguments
		Body          []Statement
		DecoratorList []Expression
		Returns       Expression // or nil
		TypeParams    []TypeParam
	}
	// AsyncFunctionDef is async def.
	AsyncFunctionDef FunctionDef
	// ClassDef is class.
	ClassDef struct {
		Pos
		Name          string
		Bases         []Expression
		Keywords      []*Keyword
		Body          []Statement
		DecoratorList []Expression
		TypeParams    []TypeParam
	}
	// Return is return; Value may be nil.
	Return struct {
		Pos
		Value Expression
	}
	// Delete is del.
	Delete struct {
		Pos
		Targets []Expression
	}
	// Assign is a = b = value.
	Assign struct {
		Pos
		Targets []Expression
		Value   Expression
	}
	// TypeAlias is type Name[...] = Value.
	TypeAlias struct {
		Pos
		Name       *Name
		TypeParams []TypeParam
		Value      Expression
	}
	// AugAssign is target += value.
	AugAssign struct {
		Pos
		Target Expression
		Op     Operator
		Value  Expression
	}
	// AnnAssign is target: annotation = value; Value may be nil.
	AnnAssign struct {
		Pos
		Target     Expression
		Annotation Expression
		Value      Expression
		Simple     bool // the target is a bare name
	}
	// For is for.
	For struct {
		Pos
		Target Expression
		Iter   Expression
		Body   []Statement
		Orelse []Statement
	}
	// AsyncFor is async for.
	AsyncFor For
	// While is while.
	While struct {
		Pos
		Test   Expression
		Body   []Statement
		Orelse []Statement
	}
	// If is if; an elif is an If alone in Orelse.
	If struct {
		Pos
		Test   Expression
		Body   []Statement
		Orelse []Statement
	}
	// With is with.
	With struct {
		Pos
		Items []*WithItem
		Body  []Statement
	}
	// AsyncWith is async with.
	AsyncWith With
	// Match is match.
	Match struct {
		Pos
		Subject Expression
		Cases   []*MatchCase
	}
	// Raise is raise; both may be nil.
	Raise struct {
		Pos
		Exc   Expression
		Cause Expression
	}
	// Try is try with except.
	Try struct {
		Pos
		Body      []Statement
		Handlers  []*ExceptHandler
		Orelse    []Statement
		Finalbody []Statement
	}
	// TryStar is try with except*.
	TryStar Try
	// Assert is assert; Msg may be nil.
	Assert struct {
		Pos
		Test Expression
		Msg  Expression
	}
	// Import is import.
	Import struct {
		Pos
		Names []*Alias
	}
	// ImportFrom is from Module import Names; Level counts the leading dots.
	ImportFrom struct {
		Pos
		Module string // "" in from . import x
		Names  []*Alias
		Level  int
	}
	// Global is global.
	Global struct {
		Pos
		Names []string
	}
	// Nonlocal is nonlocal.
	Nonlocal struct {
		Pos
		Names []string
	}
	// Expr is an expression as a statement.
	Expr struct {
		Pos
		Value Expression
	}
	// Pass is pass.
	Pass struct{ Pos }
	// Break is break.
	Break struct{ Pos }
	// Continue is continue.
	Continue struct{ Pos }
)

func (*FunctionDef) statement()      {}
func (*AsyncFunctionDef) statement() {}
func (*ClassDef) statement()         {}
func (*Return) statement()           {}
func (*Delete) statement()           {}
func (*Assign) statement()           {}
func (*TypeAlias) statement()        {}
func (*AugAssign) statement()        {}
func (*AnnAssign) statement()        {}
func (*For) statement()              {}
func (*AsyncFor) statement()         {}
func (*While) statement()            {}
func (*If) statement()               {}
func (*With) statement()             {}
func (*AsyncWith) statement()        {}
func (*Match) statement()            {}
func (*Raise) statement()            {}
func (*Try) statement()              {}
func (*TryStar) statement()          {}
func (*Assert) statement()           {}
func (*Import) statement()           {}
func (*ImportFrom) statement()       {}
func (*Global) statement()           {}
func (*Nonlocal) statement()         {}
func (*Expr) statement()             {}
func (*Pass) statement()             {}
func (*Break) statement()            {}
func (*Continue) statement()         {}
