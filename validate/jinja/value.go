package jinja

import "slices"

// nature says what else than a known string a value may be.
type nature uint16

const (
	number   nature = 1 << iota // a number, a truth value, none, undefined
	data                        // what the program hands to the template: messages, tools, and parts of them
	plain                       // strings of the template that are too many to keep, each harmless as a name
	built                       // a string made in a way that is not followed
	holder                      // a list or a dict that the template makes
	space                       // a namespace
	function                    // a listed function
	macro                       // a macro of this template
	looping                     // the loop object
	caller                      // the body of a call block
	taboo                       // an object of Jinja that leads to its internals
	foreign                     // something of another template
)

// value is what an expression may be, over all runs of the template. A list or dict has the strings and natures of
// everything in it, so reading any part of it gives it again.
type value struct {
	nature nature
	strs   []string // sorted
	list   []string // of a list of known strings in their order; nil when that is not known
}

const (
	maxStrings = 12  // known strings of one value
	maxPairs   = 16  // strings that two values can give together
	maxFolded  = 512 // bytes of a known string
)

// known is the value of text that stands in the template.
func known(s string) value {
	if len(s) > maxFolded {
		return value{nature: built}
	}
	return value{strs: []string{s}}
}

func of(n nature) value { return value{nature: n} }

// join is either of two values.
func (v value) join(w value) value {
	out := value{nature: v.nature | w.nature}
	if len(v.list) > 0 && len(w.strs) == 0 && w.nature&(data|built|plain|holder) == 0 {
		out.list = v.list
	} else if len(w.list) > 0 && len(v.strs) == 0 && v.nature&(data|built|plain|holder) == 0 {
		out.list = w.list
	}
	switch {
	case len(w.strs) == 0:
		out.strs = v.strs
	case len(v.strs) == 0:
		out.strs = w.strs
	default:
		out.strs = slices.Concat(v.strs, w.strs)
		slices.Sort(out.strs)
		out.strs = slices.Compact(out.strs)
	}
	if len(out.strs) > maxStrings {
		out.strs, out.nature = keep(out.strs), out.nature|plain
	}
	return out
}

// keep drops strings of a value that may be too many, those that say least first.
func keep(strs []string) []string {
	var out []string
	for _, s := range strs {
		if internal(s) && len(out) < maxStrings {
			out = append(out, s)
		}
	}
	return out
}

func (v value) equal(w value) bool {
	return v.nature == w.nature && slices.Equal(v.strs, w.strs) && slices.Equal(v.list, w.list)
}

// textual reports whether the value may be a string.
func (v value) textual() bool { return len(v.strs) > 0 || v.nature&(data|built|plain) != 0 }

// exact reports whether the value is one of its strings and nothing else.
func (v value) exact() bool { return v.nature == 0 && len(v.strs) > 0 }

// fold applies a function of strings to each known one; what else the value may be becomes a built string.
func (v value) fold(f func(string) (string, bool)) value {
	out := value{}
	if v.nature != 0 || len(v.strs) == 0 {
		out.nature = built
	}
	for _, s := range v.strs {
		r, ok := f(s)
		if !ok || len(r) > maxFolded {
			out.nature |= built
			continue
		}
		out = out.join(known(r))
	}
	return out
}

// concat is v ~ w, or v + w of strings.
func concat(v, w value) value {
	out := value{}
	if !v.exact() || !w.exact() {
		out.nature = built
	}
	for i, a := range v.strs {
		for k, b := range w.strs {
			if (i+1)*(k+1) > maxPairs {
				out.nature |= built
				break
			}
			if len(a)+len(b) > maxFolded {
				out.nature |= built
				continue
			}
			out = out.join(known(a + b))
		}
	}
	return out
}
