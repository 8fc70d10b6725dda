package pickle

import "strings"

// knownState judges state that only the library itself should write; other targets take any.
func (j *judge) knownState(g *global, target, state *value) string {
	switch {
	case strings.HasPrefix(g.module, "torch.nn.modules."):
		return layerState(state)
	case strings.HasPrefix(g.module, "torch."):
		if what := hookState(state); what != "" {
			return "the state sets hooks: " + what
		}
		return ""
	case strings.HasPrefix(g.module, "numpy.random."):
		return randomState(state)
	}
	return j.numpyState(target, state)
}

// specialState looks at what BUILD would make attributes of: a dictionary, or a pair of them.
func specialState(state *value) string {
	if why := specialTable(state); why != "" {
		return why
	}
	if opaque(state) {
		return "attributes that nobody can read, those of " + render(state)
	}
	if state.kind == kTuple && len(state.items) == 2 && (alias(state.items[0]) || alias(state.items[1])) {
		return "attributes that nobody can read, those of " + render(state)
	}
	if state.kind == kTuple {
		if state.flags&fForgotten != 0 {
			return "what was made too long ago to be known"
		}
		for _, part := range state.items {
			if why := specialTable(part); why != "" {
				return why
			}
		}
	}
	return ""
}

// opaque reports a state whose keys are not in this stream: what a call returned that is neither a table nor bytes.
func opaque(v *value) bool {
	if v.kind < kCall || v.bytesLike() {
		return false
	}
	g := v.class()
	return g == nil || g.entry == nil || g.entry.acts&actItems == 0
}

// alias reports what may be any object of another stream, or of this one under another name.
func alias(v *value) bool {
	return v.kind == kUnknown || v.kind == kCall && (v.fn.kind != kImport || v.fn.g.module == "torch.jit._pickle" || v.fn.is("torch.storage", "_load_from_bytes"))
}

// specialTable looks at the keys of one dictionary. OrderedDict([["__class__", x]]) is one as well, and its keys are in
// the arguments of the call.
func specialTable(v *value) string {
	table := v.kind == kDict
	if g := v.class(); g != nil && g.entry != nil && g.entry.acts&actItems != 0 {
		table = true
		if v.kind == kCall && (len(v.items) > 0 || v.cut()) && !emptyArguments(v) {
			return "keys that are arguments of " + showName(g)
		}
	}
	switch {
	case v.flags&fSpecial != 0:
		return v.text
	case table && v.flags&fForgotten != 0:
		return "what was made too long ago to be known"
	}
	return ""
}

// emptyArguments reports that a container was made of nothing.
func emptyArguments(v *value) bool {
	for _, a := range v.items {
		if a.kind == kImport || a.kind == kNone { // the factory of a defaultdict
			continue
		}
		if a.kind < kTuple || a.kind > kFrozen || a.n > 0 {
			return false
		}
	}
	return !v.cut()
}
