package jinja

// form is what a node of the tree is.
type form byte

const (
	// Expressions.
	fConst  form = iota // number, true, false, none
	fStr                // text
	fName               // s
	fAttr               // kids[0] . s
	fItem               // kids[0] [ kids[1] ]
	fSlice              // kids: start, stop, step, any may be nil
	fCall               // kids[0] ( args )
	fFilter             // kids[0] | s ( args ); kids[0] is nil in a filter block
	fTest               // kids[0] is s ( args )
	fBinary             // kids[0] s kids[1]
	fUnary              // s kids[0]
	fList               // kids; s is the bracket: [ or (
	fDict               // kids: key, value, key, value
	fCond               // kids: then, condition, else (nil)
	// Statements.
	fBody    // kids
	fText    // s
	fOutput  // kids
	fFor     // kids: target, iterable, condition (nil), body, else (nil)
	fIf      // kids: condition, body, condition, body, …, nil, else
	fSet     // kids: target, value
	fSetBody // kids: target, body, filter (nil)
	fMacro   // s ( args ) kids[0]: body
	fCallOf  // call block: kids[0] call, kids[1] body; args are the parameters
	fFilterOf
	fScope  // kids: bodies and expressions in a scope of their own
	fWith   // kids: target, value, …, body
	fDo     // kids[0]
	fOther  // kids[0] (nil): include, import, from, extends; s is the word, args the names it binds
	fNoCode // break, continue
)

// arg is an argument of a call, or a parameter of a macro.
type arg struct {
	name  string // of a keyword argument or a parameter
	stars int    // 1: *x, 2: **x
	value *node  // nil for a parameter without default
}

// node is a part of the tree. depth bounds every recursion over it.
type node struct {
	form  form
	depth int16
	dim   bool // fStr: the value is not known exactly
	pos   int
	s     string
	kids  []*node
	args  []arg
}

// maxDepth bounds the tree, and so every walk over it. A chain of operators is as deep as it is long; the longest
// of published templates have about thirty links.
const maxDepth = 400

func depthOf(n *node) int16 {
	if n == nil {
		return 0
	}
	return n.depth
}

// make builds a node above its kids.
func (p *parser) make(f form, pos int, s string, kids ...*node) *node {
	n := &node{form: f, pos: pos, s: s, kids: kids}
	for _, k := range kids {
		n.depth = max(n.depth, depthOf(k)+1)
	}
	if n.depth > maxDepth {
		p.fail(pos, "nested deeper than %d", maxDepth)
	}
	return n
}

// with gives a node its arguments.
func (p *parser) with(n *node, args []arg) *node {
	n.args = args
	for _, a := range args {
		n.depth = max(n.depth, depthOf(a.value)+1)
	}
	if n.depth > maxDepth {
		p.fail(n.pos, "nested deeper than %d", maxDepth)
	}
	return n
}
