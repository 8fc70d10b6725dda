package pickle

import "unicode/utf8"

// find is what the unpickler does with a module and a name: map, import, look up.
func (m *machine) find(off int64, module, nm string) error {
	key := nameKey{name{module, nm}, m.proto < 3}
	g := m.names[key]
	if g == nil {
		g = m.lists().resolve(module, nm, m.proto)
		m.names[key] = g
		m.named += 1 + int64(len(module)+len(nm))/64
	}
	m.ev.imported(off, g)
	return m.pushNew(&value{kind: kImport, off: off, g: g})
}

// nameLine reads a name of GLOBAL or INST.
func (m *machine) nameLine(off int64) (string, error) {
	s, err := m.textLine(off, 2)
	if err == nil && !utf8.ValidString(s) {
		err = &broken{off, "a name that is not UTF-8"}
	}
	return s, err
}

func (m *machine) twoNames(off int64) (module, nm string, err error) {
	if module, err = m.nameLine(off); err == nil {
		nm, err = m.nameLine(off)
	}
	return module, nm, err
}

func opGlobal(m *machine, _ byte, off int64) error {
	module, nm, err := m.twoNames(off)
	if err != nil {
		return err
	}
	return m.find(off, module, nm)
}

func opStackGlobal(m *machine, _ byte, off int64) error {
	n, err := m.pop(off)
	if err != nil {
		return err
	}
	mod, err := m.pop(off)
	if err != nil {
		return err
	}
	for _, v := range []*value{n, mod} {
		if v.off >= 0 {
			v.flags |= fName
		}
	}
	nm, ok1 := n.str()
	module, ok2 := mod.str()
	if !ok1 || !ok2 {
		m.ev.note(ruleComputedName, off, "import of module %s, name %s", render(mod), render(n))
		if n.kind != kUnknown && n.kind != kCall && n.kind != kStr || mod.kind != kUnknown && mod.kind != kCall && mod.kind != kStr {
			return &broken{off, "STACK_GLOBAL needs two strings"}
		}
		return m.pushNew(&value{kind: kUnknown, off: off})
	}
	return m.find(off, module, nm)
}

// invoke tells the judge about a call and pushes what it returns.
func (m *machine) invoke(c *call) error {
	v, err := m.ev.called(c)
	if err != nil {
		return err
	}
	return m.pushNew(v)
}

func opInst(m *machine, op byte, off int64) error {
	i, err := m.marker(off)
	if err != nil {
		return err
	}
	module, nm, err := m.twoNames(off)
	if err != nil {
		return err
	}
	args := append([]*value(nil), m.cutStack(i)...)
	if err := m.find(off, module, nm); err != nil {
		return err
	}
	fn, err := m.pop(off)
	if err != nil {
		return err
	}
	return m.invoke(m.newCall(op, off, fn, args))
}

func opObj(m *machine, op byte, off int64) error {
	i, err := m.marker(off)
	if err != nil {
		return err
	}
	items := m.cutStack(i)
	if len(items) < 1 {
		return m.underflow(off)
	}
	return m.invoke(m.newCall(op, off, items[0], append([]*value(nil), items[1:]...)))
}

// newCall bounds the arguments that stay alive with the result.
func (m *machine) newCall(op byte, off int64, fn *value, args []*value) *call {
	c := &call{op: op, off: off, fn: fn, args: args}
	for _, a := range args {
		m.store(off, a)
	}
	if len(args) > m.keep {
		c.args, c.cut = args[:m.keep:m.keep], true
	}
	return c
}

func opReduce(m *machine, op byte, off int64) error {
	args, err := m.pop(off)
	if err != nil {
		return err
	}
	fn, err := m.pop(off)
	if err != nil {
		return err
	}
	return m.invoke(m.unpackCall(op, off, fn, args))
}

// unpackCall makes a call of an argument tuple. The pure-Python unpickler takes any iterable, the C one only
// a tuple; what the former would call is judged all the same.
func (m *machine) unpackCall(op byte, off int64, fn, args *value) *call {
	if args.kind != kTuple {
		m.ev.note(ruleDivergence, off, "the arguments of a call are %s, not a tuple", kindWords[args.kind])
		if args.kind != kList && args.kind != kSet && args.kind != kFrozen {
			return &call{op: op, off: off, fn: fn, args: []*value{args}, cut: true}
		}
	}
	return &call{op: op, off: off, fn: fn, args: args.items, cut: args.cut()}
}

func opNewObj(m *machine, op byte, off int64) error {
	var kw *value
	var err error
	if op == opNEWOBJEX {
		if kw, err = m.pop(off); err != nil {
			return err
		}
	}
	args, err := m.pop(off)
	if err != nil {
		return err
	}
	fn, err := m.pop(off)
	if err != nil {
		return err
	}
	c := m.unpackCall(op, off, fn, args)
	if kw != nil && (kw.kind != kDict || kw.n > 0) {
		c.kw = kw
	}
	return m.invoke(c)
}

func opBuild(m *machine, _ byte, off int64) error {
	if len(m.stack)-2 < m.fence() {
		return m.underflow(off)
	}
	state, err := m.pop(off)
	if err != nil {
		return err
	}
	m.store(off, state)
	target := m.stack[len(m.stack)-1]
	m.ev.built(off, target, state)
	if isWrapper(target, "NumpyArrayWrapper") || isWrapper(target, "NDArrayWrapper") {
		v, err := m.ev.array(m, off, target, state)
		if err != nil {
			return err
		}
		m.stack[len(m.stack)-1] = v
	}
	return nil
}

func opBinPersid(m *machine, _ byte, off int64) error {
	id, err := m.pop(off)
	if err != nil {
		return err
	}
	return m.pushNew(m.ev.persistent(off, id))
}

func opPersid(m *machine, _ byte, off int64) error {
	s, err := m.textLine(off, 1)
	if err != nil {
		return err
	}
	if !ascii(s) {
		return &broken{off, "PERSID that is not ASCII"}
	}
	return m.pushNew(m.ev.persistent(off, keepLong(&value{kind: kStr, flags: fEncoded, off: off, n: int64(len(s)), text: s})))
}
