package pysource

// arguments are the values of one call.
type arguments struct {
	pos   []value
	named map[string]value
	more  bool // *args or **kwargs that are not known
}

func (g arguments) at(i int, name string) value {
	if i < len(g.pos) {
		return g.pos[i]
	}
	if v, ok := g.named[name]; ok {
		return v
	}
	return unknown
}

func (g arguments) has(i int, name string) bool {
	_, ok := g.named[name]
	return ok || i < len(g.pos)
}

// textArg is a text or bytes argument, if it is the only possibility.
func (g arguments) textArg(i int, name string) (*atom, bool) {
	a, ok := g.at(i, name).constant()
	return a, ok && a.textual()
}

func (g arguments) intArg(i int, name string, absent int64) (int64, bool) {
	if !g.has(i, name) {
		return absent, true
	}
	a, ok := g.at(i, name).constant()
	return a2n(a), ok && a.kind == isInt
}

func a2n(a *atom) int64 {
	if a == nil {
		return 0
	}
	return a.n
}
