package syntax

import "fmt"

// Limits bound what Parse may use. The zero value of a field stands for its default.
type Limits struct {
	Bytes  int // of source
	Tokens int
	Nodes  int
	Memory int // bytes of tree, by estimate
	Depth  int // of nested constructs while parsing
	Height int // of the finished tree, so that a recursive reader of it is safe
}

// The defaults. CPython limits parentheses to 200 and indentations to 100, which hold here too, and its compiler
// gives up at a few thousand levels of tree.
const (
	defaultBytes  = 4 << 20
	defaultTokens = 1 << 20
	defaultNodes  = 400_000
	defaultMemory = 24 << 20
	defaultDepth  = 1000
	defaultHeight = 3000
)

func (l Limits) orDefault() Limits {
	set := func(p *int, n int) {
		if *p <= 0 {
			*p = n
		}
	}
	set(&l.Bytes, defaultBytes)
	set(&l.Tokens, defaultTokens)
	set(&l.Nodes, defaultNodes)
	set(&l.Memory, defaultMemory)
	set(&l.Depth, defaultDepth)
	set(&l.Height, defaultHeight)
	return l
}

// SyntaxError says where a source is not Python of any version read here, or exceeds a limit.
type SyntaxError struct {
	Offset int64
	Line   int // from 1
	Col    int // bytes, from 0
	What   string
	Limit  bool // it may be Python; it is too large, too deep, or in an encoding not read here
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Col, e.What)
}
