package pysource

import (
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// scope holds the names of a module, class, function or comprehension, with everything that is ever bound to them.
// The order of bindings does not matter: a value cannot be hidden by giving its name another one.
type scope struct {
	parent *scope
	class  bool
	names  map[string][]binding
	far    map[string]bool // global or nonlocal here; the value says global
	fn     *function
	early  bool // runs while the module is imported
}

// way says how a name gets its value.
type way uint8

const (
	byValue   way = iota // the expression, then the steps of an unpacking
	byModule             // the module at path
	byMember             // the member at path of a module
	byFunc               // def
	byClass              // class
	byParam              // a parameter
	byElement            // an element of the expression
	byEnter              // with expr as name
	byAttr               // the attribute path of the expression (patterns)
	byUpdate             // name op= expr
	byOther              // something that is not followed
)

// binding is one way in which a name gets a value.
type binding struct {
	way   way
	expr  syntax.Expression
	scope *scope // of the expression
	index []int  // of an unpacking, outermost first; -1 is any element
	path  string
	fn    *function
	class *scope
	op    syntax.Operator
	line  uint32
	off   uint32
	firm  bool // not inside a branch
}

func newScope(parent *scope) *scope {
	s := &scope{parent: parent, names: map[string][]binding{}}
	if parent != nil {
		s.early = parent.early
	}
	return s
}

// maxBindings bounds what is remembered of one name.
const maxBindings = 64

func (s *scope) bind(name string, b binding) {
	at := s
	if global, ok := s.far[name]; ok {
		at = s.home(name, global)
	}
	if len(at.names[name]) < maxBindings {
		at.names[name] = append(at.names[name], b)
	} else if len(at.names[name]) == maxBindings {
		at.names[name] = append(at.names[name], binding{way: byOther, line: b.line})
	}
}

// home is the scope that a global or nonlocal statement means.
func (s *scope) home(name string, global bool) *scope {
	for at := s.parent; at != nil; at = at.parent {
		if at.parent == nil || !global && !at.class && at.names[name] != nil {
			return at
		}
	}
	return s
}

// find is where a name that is used in s gets its values; nil when it is bound nowhere.
func (s *scope) find(name string) *scope {
	if global, ok := s.far[name]; ok {
		if h := s.home(name, global); h.names[name] != nil {
			return h
		}
		return nil
	}
	for at := s; at != nil; at = at.parent {
		if at.names[name] != nil && (!at.class || at == s || s.sees(at)) {
			return at
		}
	}
	return nil
}

// sees reports whether s is a comprehension directly inside the class; its first iterable sees the class's names.
func (s *scope) sees(class *scope) bool { return s.fn == nil && s.parent == class }
