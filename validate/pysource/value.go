package pysource

import (
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// kind says what is known about one possible value.
type kind uint8

const (
	isStr       kind = iota
	isBytes          // also bytearray
	isInt            // also bool
	isNone           // None, and other constants that select nothing
	isSeq            // a tuple, list, set or iterator with known elements
	isDict           // a dictionary with known keys
	isRef            // an object of a library, by its path
	isNamespace      // the dictionary of the module at a path; "" is this module
	isFunc           // a function or lambda of this module
	isClass          // a class of this module
	isMethod         // a method of a constant, or of something that looks names up
	isPartial        // functools.partial, operator.attrgetter and their like
	isComputed       // text or bytes that were computed and not followed to their end
)

// atom is one possible value of an expression. Atoms are never changed once made.
type atom struct {
	kind  kind
	text  string  // of a str or bytes; the path of a reference or namespace; the name of a method
	n     int64   // of an int
	items []value // of a sequence, dictionary (values) or partial (arguments)
	keys  []*atom // of a dictionary
	recv  *atom   // of a method, of a partial
	fn    *function
	scope *scope // of a function or class
	built bool   // a constant that is not written as it is: assembled, decoded
	how   *step  // how the value came about, for the report
}

// step is one link of the path from source to sink.
type step struct {
	line uint32
	what string
	prev *step
}

// value is what an expression may be: any of the atoms, and if open, also something that is not known.
type value struct {
	atoms []*atom
	open  bool
}

// maxAtoms bounds a union. What does not fit makes the value open.
const maxAtoms = 12

var unknown = value{open: true}

func only(a *atom) value { return value{atoms: []*atom{a}} }

func text(s string) *atom { return &atom{kind: isStr, text: s} }

func number(n int64) *atom { return &atom{kind: isInt, n: n} }

func ref(path string, how *step) *atom { return &atom{kind: isRef, text: path, how: how} }

func seq(items []value) *atom { return &atom{kind: isSeq, items: items} }

// union joins possible values without repeating them.
func union(vs ...value) value {
	var out value
	for _, v := range vs {
		out.open = out.open || v.open
		for _, a := range v.atoms {
			if slices.ContainsFunc(out.atoms, func(b *atom) bool { return same(a, b) }) {
				continue
			}
			if len(out.atoms) == maxAtoms {
				out.open = true
				out.atoms = append(out.atoms, &atom{kind: isComputed})
				return out
			}
			if len(out.atoms) > maxAtoms {
				return out
			}
			out.atoms = append(out.atoms, a)
		}
	}
	return out
}

func same(a, b *atom) bool {
	return a == b || a.kind == b.kind && a.text == b.text && a.n == b.n && a.fn == b.fn && a.scope == b.scope && a.recv == b.recv && a.items == nil && b.items == nil
}

// constant is the single known value, if there is exactly one.
func (v value) constant() (*atom, bool) {
	if v.open || len(v.atoms) != 1 {
		return nil, false
	}
	return v.atoms[0], true
}

// str is the single known text.
func (v value) str() (string, bool) {
	if a, ok := v.constant(); ok && a.kind == isStr {
		return a.text, true
	}
	return "", false
}

func (a *atom) textual() bool { return a.kind == isStr || a.kind == isBytes }

// each calls f for every element that a walk over the atom meets; false when they are not all known.
func (a *atom) each(f func(value)) bool {
	switch a.kind {
	case isSeq:
		for _, v := range a.items {
			f(v)
		}
	case isDict:
		for _, k := range a.keys {
			f(only(k))
		}
	case isStr:
		for _, r := range a.text {
			f(only(&atom{kind: isStr, text: string(r), built: a.built}))
		}
	case isBytes:
		for i := range len(a.text) {
			f(only(number(int64(a.text[i]))))
		}
	default:
		return false
	}
	return true
}

// elements is what a walk over the value may give.
func (v value) elements() value {
	out := value{open: v.open}
	n := 0
	for _, a := range v.atoms {
		if !a.each(func(e value) {
			if n++; n <= 64 {
				out = union(out, e)
			} else {
				out.open = true
			}
		}) {
			out.open = true
		}
	}
	return out
}

// trail tells how a value came about, newest step last.
func (s *step) trail() string {
	var parts []string
	for n := 0; s != nil && n < 6; s, n = s.prev, n+1 {
		parts = append(parts, s.what+" on line "+itoa(s.line))
	}
	slices.Reverse(parts)
	return strings.Join(parts, ", ")
}

func itoa(n uint32) string {
	var b [10]byte
	i := len(b)
	for {
		i--
		b[i] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return string(b[i:])
		}
	}
}

// function is a def or lambda.
type function struct {
	name    string
	args    *syntax.Arguments
	body    []syntax.Statement // of a def
	expr    syntax.Expression  // of a lambda
	outer   *scope             // where defaults are evaluated
	inner   *scope
	returns []syntax.Expression
	yields  []syntax.Expression
	calls   []callSite
	handed  []callSite          // calls that the function is an argument of
	wraps   []syntax.Expression // decorators
	early   bool                // runs while the module is imported
	method  bool                // the first parameter is bound by the call
}

type callSite struct {
	call  *syntax.Call
	scope *scope
}
