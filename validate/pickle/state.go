package pickle

import "strings"

// knownState judges state that only the library itself should write; other targets take any.
func (j *judge) knownState(g *global, target, state *value) string {
	switch {
	case strings.HasPrefix(g.module, "torch.nn.modules."):
		return layerState(state)
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
