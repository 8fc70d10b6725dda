package syntax

type kind uint8

const (
	tEOF kind = iota
	tNewline
	tIndent
	tDedent
	tName
	tNumber
	tString
	tFString // the opening quote of an f-string or t-string

	tLPar
	tRPar
	tLBrack
	tRBrack
	tLBrace
	tRBrace
	tFieldEnd // the } of a replacement field
	tSpec     // the : in front of a format specification
	tBang     // the ! in front of a conversion
	tComma
	tColon
	tSemi
	tDot
	tEllipsis
	tArrow
	tAt
	tWalrus
	tAssign
	tAugAssign
	tPlus
	tMinus
	tStar
	tSlash
	tDoubleSlash
	tPercent
	tDoubleStar
	tLShift
	tRShift
	tAmp
	tPipe
	tCaret
	tTilde
	tEq
	tNe
	tLt
	tLe
	tGt
	tGe

	kFalse
	kNone
	kTrue
	kAnd
	kAs
	kAssert
	kAsync
	kAwait
	kBreak
	kClass
	kContinue
	kDef
	kDel
	kElif
	kElse
	kExcept
	kFinally
	kFor
	kFrom
	kGlobal
	kIf
	kImport
	kIn
	kIs
	kLambda
	kNonlocal
	kNot
	kOr
	kPass
	kRaise
	kReturn
	kTry
	kWhile
	kWith
	kYield
)

// token is a token; line and col are those of its first byte.
type token struct {
	off, end  uint32
	line, col uint32
	kind      kind
}

func (t token) pos() Pos { return Pos{Off: t.off, End: t.end, Line: t.line, Col: t.col} }

// keyword is the keyword that a word is, compared before NFKC as CPython does.
func keyword(word string) kind {
	if len(word) < 2 || len(word) > 8 {
		return tName
	}
	switch word {
	case "False":
		return kFalse
	case "None":
		return kNone
	case "True":
		return kTrue
	case "and":
		return kAnd
	case "as":
		return kAs
	case "assert":
		return kAssert
	case "async":
		return kAsync
	case "await":
		return kAwait
	case "break":
		return kBreak
	case "class":
		return kClass
	case "continue":
		return kContinue
	case "def":
		return kDef
	case "del":
		return kDel
	case "elif":
		return kElif
	case "else":
		return kElse
	case "except":
		return kExcept
	case "finally":
		return kFinally
	case "for":
		return kFor
	case "from":
		return kFrom
	case "global":
		return kGlobal
	case "if":
		return kIf
	case "import":
		return kImport
	case "in":
		return kIn
	case "is":
		return kIs
	case "lambda":
		return kLambda
	case "nonlocal":
		return kNonlocal
	case "not":
		return kNot
	case "or":
		return kOr
	case "pass":
		return kPass
	case "raise":
		return kRaise
	case "return":
		return kReturn
	case "try":
		return kTry
	case "while":
		return kWhile
	case "with":
		return kWith
	case "yield":
		return kYield
	}
	return tName
}

// punctuation lists the operators, longer ones before their prefixes.
var punctuation = [256][]struct {
	text string
	kind kind
}{
	'(': {{"(", tLPar}}, ')': {{")", tRPar}}, '[': {{"[", tLBrack}}, ']': {{"]", tRBrack}}, '{': {{"{", tLBrace}}, '}': {{"}", tRBrace}},
	',': {{",", tComma}}, ';': {{";", tSemi}}, '~': {{"~", tTilde}},
	':': {{":=", tWalrus}, {":", tColon}},
	'.': {{"...", tEllipsis}, {".", tDot}},
	'-': {{"->", tArrow}, {"-=", tAugAssign}, {"-", tMinus}},
	'+': {{"+=", tAugAssign}, {"+", tPlus}},
	'*': {{"**=", tAugAssign}, {"**", tDoubleStar}, {"*=", tAugAssign}, {"*", tStar}},
	'/': {{"//=", tAugAssign}, {"//", tDoubleSlash}, {"/=", tAugAssign}, {"/", tSlash}},
	'%': {{"%=", tAugAssign}, {"%", tPercent}},
	'@': {{"@=", tAugAssign}, {"@", tAt}},
	'&': {{"&=", tAugAssign}, {"&", tAmp}},
	'|': {{"|=", tAugAssign}, {"|", tPipe}},
	'^': {{"^=", tAugAssign}, {"^", tCaret}},
	'=': {{"==", tEq}, {"=", tAssign}},
	'!': {{"!=", tNe}},
	'<': {{"<<=", tAugAssign}, {"<<", tLShift}, {"<=", tLe}, {"<", tLt}},
	'>': {{">>=", tAugAssign}, {">>", tRShift}, {">=", tGe}, {">", tGt}},
}
