package syntax

// Operator is a binary operator, also of an augmented assignment.
type Operator uint8

// The operators of CPython's operator.
const (
	Add Operator = iota
	Sub
	Mult
	MatMult
	Div
	Mod
	Pow
	LShift
	RShift
	BitOr
	BitXor
	BitAnd
	FloorDiv
)

var operators = [...]string{"Add", "Sub", "Mult", "MatMult", "Div", "Mod", "Pow", "LShift", "RShift", "BitOr", "BitXor", "BitAnd", "FloorDiv"}

func (o Operator) String() string { return operators[o] }

// UnaryOperator is an operator in front of its operand.
type UnaryOperator uint8

// The operators of CPython's unaryop.
const (
	Invert UnaryOperator = iota
	Not
	UAdd
	USub
)

var unaryOperators = [...]string{"Invert", "Not", "UAdd", "USub"}

func (o UnaryOperator) String() string { return unaryOperators[o] }

// CmpOp is a comparison.
type CmpOp uint8

// The comparisons of CPython's cmpop.
const (
	Eq CmpOp = iota
	NotEq
	Lt
	LtE
	Gt
	GtE
	Is
	IsNot
	In
	NotIn
)

var cmpOps = [...]string{"Eq", "NotEq", "Lt", "LtE", "Gt", "GtE", "Is", "IsNot", "In", "NotIn"}

func (o CmpOp) String() string { return cmpOps[o] }
