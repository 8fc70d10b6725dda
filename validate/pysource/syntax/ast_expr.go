package syntax

type (
	// BoolOp is values joined by and (And) or by or.
	BoolOp struct {
		Pos
		And    bool
		Values []Expression
	}
	// NamedExpr is target := value.
	NamedExpr struct {
		Pos
		Target *Name
		Value  Expression
	}
	// BinOp is left op right.
	BinOp struct {
		Pos
		Op    Operator
		Left  Expression
		Right Expression
	}
	// UnaryOp is op operand.
	UnaryOp struct {
		Pos
		Op      UnaryOperator
		Operand Expression
	}
	// Lambda is lambda.
	Lambda struct {
		Pos
		Args *Arguments
		Body Expression
	}
	// IfExp is body if test else orelse.
	IfExp struct {
		Pos
		Test   Expression
		Body   Expression
		Orelse Expression
	}
	// Dict is a display of a dictionary; the key of **value is nil.
	Dict struct {
		Pos
		Keys   []Expression
		Values []Expression
	}
	// Set is {a, b}.
	Set struct {
		Pos
		Elts []Expression
	}
	// ListComp is [elt for ...].
	ListComp struct {
		Pos
		Elt        Expression
		Generators []*Comprehension
	}
	// SetComp is {elt for ...}.
	SetComp ListComp
	// GeneratorExp is (elt for ...).
	GeneratorExp ListComp
	// DictComp is {key: value for ...}.
	DictComp struct {
		Pos
		Key        Expression
		Value      Expression
		Generators []*Comprehension
	}
	// Await is await.
	Await struct {
		Pos
		Value Expression
	}
	// Yield is yield; Value may be nil.
	Yield struct {
		Pos
		Value Expression
	}
	// YieldFrom is yield from.
	YieldFrom struct {
		Pos
		Value Expression
	}
	// Compare is left op comparator op comparator ...
	Compare struct {
		Pos
		Left        Expression
		Ops         []CmpOp
		Comparators []Expression
	}
	// Call is func(args, keywords). A Starred in Args is *x, a Keyword without a name is **x.
	Call struct {
		Pos
		Func     Expression
		Args     []Expression
		Keywords []*Keyword
	}
	// FormattedValue is a replacement field of an f-string.
	FormattedValue struct {
		Pos
		Value      Expression
		Conversion int8       // 's', 'r', 'a', or -1
		FormatSpec *JoinedStr // or nil
	}
	// Interpolation is a replacement field of a t-string.
	Interpolation struct {
		Pos
		Value      Expression
		Str        string // the text of the expression
		Conversion int8
		FormatSpec *JoinedStr
	}
	// JoinedStr is an f-string: Constants, FormattedValues and, in a format spec of a t-string, Interpolations.
	JoinedStr struct {
		Pos
		Values []Expression
	}
	// TemplateStr is a t-string (3.14).
	TemplateStr struct {
		Pos
		Values []Expression
	}
	// Constant is a literal; see ConstantKind.
	Constant struct {
		Pos
		Text    string // the value of a str or bytes; the digits of a number without _, as written but in lower case
		Kind    ConstantKind
		U       bool // a str written with the prefix u
		Unknown bool // the value is not known: \N{...} with a name that is not in our table
	}
	// Attribute is value.attr.
	Attribute struct {
		Pos
		Value Expression
		Attr  string
		Ctx   Context
	}
	// Subscript is value[slice].
	Subscript struct {
		Pos
		Value Expression
		Slice Expression
		Ctx   Context
	}
	// Starred is *value.
	Starred struct {
		Pos
		Value Expression
		Ctx   Context
	}
	// Name is an identifier, in the spelling that CPython uses (NFKC).
	Name struct {
		Pos
		Id        string
		Ctx       Context
		Respelled bool // the file spells it differently
	}
	// List is [a, b].
	List struct {
		Pos
		Elts []Expression
		Ctx  Context
	}
	// Tuple is a, b.
	Tuple struct {
		Pos
		Elts []Expression
		Ctx  Context
	}
	// Slice is lower:upper:step, each of which may be nil.
	Slice struct {
		Pos
		Lower Expression
		Upper Expression
		Step  Expression
	}
)

func (*BoolOp) expression()         {}
func (*NamedExpr) expression()      {}
func (*BinOp) expression()          {}
func (*UnaryOp) expression()        {}
func (*Lambda) expression()         {}
func (*IfExp) expression()          {}
func (*Dict) expression()           {}
func (*Set) expression()            {}
func (*ListComp) expression()       {}
func (*SetComp) expression()        {}
func (*GeneratorExp) expression()   {}
func (*DictComp) expression()       {}
func (*Await) expression()          {}
func (*Yield) expression()          {}
func (*YieldFrom) expression()      {}
func (*Compare) expression()        {}
func (*Call) expression()           {}
func (*FormattedValue) expression() {}
func (*Interpolation) expression()  {}
func (*JoinedStr) expression()      {}
func (*TemplateStr) expression()    {}
func (*Constant) expression()       {}
func (*Attribute) expression()      {}
func (*Subscript) expression()      {}
func (*Starred) expression()        {}
func (*Name) expression()           {}
func (*List) expression()           {}
func (*Tuple) expression()          {}
func (*Slice) expression()          {}
