package syntax

// Parts of statements and expressions, patterns and type parameters.
type (
	// Comprehension is one for of a comprehension with its ifs.
	Comprehension struct {
		Pos
		Target  Expression
		Iter    Expression
		Ifs     []Expression
		IsAsync bool
	}
	// ExceptHandler is except; Type may be nil and Name may be "".
	ExceptHandler struct {
		Pos
		Type Expression
		Name string
		Body []Statement
	}
	// Arguments are the parameters of a function. Defaults belong to the last of PosOnlyArgs and Args together;
	// KwDefaults has an entry for each of KwOnlyArgs, nil without default.
	Arguments struct {
		Pos
		PosOnlyArgs []*Arg
		Args        []*Arg
		Vararg      *Arg
		KwOnlyArgs  []*Arg
		KwDefaults  []Expression
		Kwarg       *Arg
		Defaults    []Expression
	}
	// Arg is one parameter.
	Arg struct {
		Pos
		Arg        string
		Annotation Expression // or nil
	}
	// Keyword is name=value in a call; Arg is "" for **value.
	Keyword struct {
		Pos
		Arg   string
		Value Expression
	}
	// Alias is name as asname in an import.
	Alias struct {
		Pos
		Name   string // with dots; "*"
		Asname string // or ""
	}
	// WithItem is context as vars; OptionalVars may be nil.
	WithItem struct {
		Pos
		ContextExpr  Expression
		OptionalVars Expression
	}
	// MatchCase is case; Guard may be nil.
	MatchCase struct {
		Pos
		Pattern Pattern
		Guard   Expression
		Body    []Statement
	}
	// MatchValue compares with a value.
	MatchValue struct {
		Pos
		Value Expression
	}
	// MatchSingleton compares with None, True or False.
	MatchSingleton struct {
		Pos
		Kind ConstantKind
	}
	// MatchSequence is [a, b].
	MatchSequence struct {
		Pos
		Patterns []Pattern
	}
	// MatchMapping is {key: pattern, **rest}.
	MatchMapping struct {
		Pos
		Keys     []Expression
		Patterns []Pattern
		Rest     string
	}
	// MatchClass is cls(patterns, attr=pattern).
	MatchClass struct {
		Pos
		Cls         Expression
		Patterns    []Pattern
		KwdAttrs    []string
		KwdPatterns []Pattern
	}
	// MatchStar is *name; Name is "" for *_.
	MatchStar struct {
		Pos
		Name string
	}
	// MatchAs is pattern as name, a capture (without Pattern) or the wildcard (without both).
	MatchAs struct {
		Pos
		Pattern Pattern
		Name    string
	}
	// MatchOr is a | b.
	MatchOr struct {
		Pos
		Patterns []Pattern
	}
	// TypeVar is a type parameter; both expressions may be nil.
	TypeVar struct {
		Pos
		Name         string
		Bound        Expression
		DefaultValue Expression
	}
	// ParamSpec is **name.
	ParamSpec struct {
		Pos
		Name         string
		DefaultValue Expression
	}
	// TypeVarTuple is *name.
	TypeVarTuple struct {
		Pos
		Name         string
		DefaultValue Expression
	}
)

func (*MatchValue) pattern()     {}
func (*MatchSingleton) pattern() {}
func (*MatchSequence) pattern()  {}
func (*MatchMapping) pattern()   {}
func (*MatchClass) pattern()     {}
func (*MatchStar) pattern()      {}
func (*MatchAs) pattern()        {}
func (*MatchOr) pattern()        {}
func (*TypeVar) typeParam()      {}
func (*ParamSpec) typeParam()    {}
func (*TypeVarTuple) typeParam() {}
