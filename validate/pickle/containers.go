package pickle

// bombWeight is how many nodes hashing a key may visit. Python hashes tuples without remembering.
const bombWeight = 1 << 26

// maxNesting is how deep values may be inside each other. Picklers recurse, and end at Python's limit of 1,000 unless
// somebody raises it. Hashing, comparing and printing recurse on the C stack: a key of 100,000 nested tuples ends
// CPython with a segmentation fault.
const maxNesting = 10_000

// container makes a node that holds items, of which it keeps the first few.
func (m *machine) container(k kind, off int64, items []*value) *value {
	v := &value{kind: k, off: off, n: int64(len(items)), weight: 1}
	if len(items) > m.keep {
		v.flags |= fCut
	}
	v.items = append(make([]*value, 0, min(len(items), m.keep)), items[:min(len(items), m.keep)]...)
	for _, item := range items {
		m.store(off, item)
		if k == kTuple || k == kFrozen {
			v.weight = addWeight(v.weight, item.weight)
		}
	}
	m.nest(off, v, items)
	return v
}

func (m *machine) nest(off int64, v *value, items []*value) {
	if v.nest(items) {
		m.ev.note(ruleExcessive, off, "values in values, more than %d deep", maxNesting)
	}
}

// store tells the judge when an imported name becomes data.
func (m *machine) store(off int64, v *value) {
	if v.kind == kImport {
		m.ev.stored(off, v)
	}
}

// hashed is what a dictionary or set does with a key.
func (m *machine) hashed(off int64, key *value) {
	if key.weight > bombWeight {
		m.ev.note(ruleExcessive, off, "a key whose hash visits more than %d values", bombWeight)
	}
}

func opEmpty(m *machine, op byte, off int64) error {
	return m.pushNew(&value{kind: emptyKind(op), off: off})
}

func emptyKind(op byte) kind {
	switch op {
	case ']':
		return kList
	case '}':
		return kDict
	}
	return kSet
}

func opTuple(m *machine, _ byte, off int64) error {
	i, err := m.marker(off)
	if err != nil {
		return err
	}
	return m.pushNew(m.container(kTuple, off, m.cutStack(i)))
}

func opTupleN(m *machine, op byte, off int64) error {
	n := int(op) - 0x84
	if len(m.stack)-m.fence() < n {
		return m.underflow(off)
	}
	return m.pushNew(m.container(kTuple, off, m.cutStack(len(m.stack)-n)))
}

func opList(m *machine, _ byte, off int64) error {
	i, err := m.marker(off)
	if err != nil {
		return err
	}
	return m.pushNew(m.container(kList, off, m.cutStack(i)))
}

func opFrozen(m *machine, _ byte, off int64) error {
	i, err := m.marker(off)
	if err != nil {
		return err
	}
	items := m.cutStack(i)
	for _, item := range items {
		m.hashed(off, item)
	}
	return m.pushNew(m.container(kFrozen, off, items))
}

func opDict(m *machine, _ byte, off int64) error {
	i, err := m.marker(off)
	if err != nil {
		return err
	}
	items := m.cutStack(i)
	if len(items)%2 != 0 {
		return &broken{off, "DICT with a key without a value"}
	}
	v := &value{kind: kDict, off: off, weight: 1}
	if err := m.grow(off, opSETITEMS, v, items); err != nil {
		return err
	}
	return m.pushNew(v)
}

// opFillOne is APPEND and SETITEM.
func opFillOne(m *machine, op byte, off int64) error {
	n := 1
	if op == opSETITEM {
		n = 2
	}
	if len(m.stack)-n <= m.fence() {
		return m.underflow(off)
	}
	return m.fill(off, op, len(m.stack)-n)
}

// opFillMany is APPENDS, SETITEMS and ADDITEMS: everything above the mark goes into what lies below it.
func opFillMany(m *machine, op byte, off int64) error {
	i, err := m.marker(off)
	if err != nil {
		return err
	}
	if i <= m.fence() {
		return m.underflow(off)
	}
	return m.fill(off, op, i)
}

func (m *machine) fill(off int64, op byte, i int) error {
	target, items := m.stack[i-1], m.stack[i:]
	if len(items) == 0 {
		return nil // the unpickler returns before it looks at the target
	}
	pairs := op == opSETITEM || op == opSETITEMS
	if pairs && len(items)%2 != 0 {
		return &broken{off, "SETITEM(S) with a key without a value"}
	}
	plain := kList
	if pairs {
		plain = kDict
	} else if op == opADDITEMS {
		plain = kSet
	}
	if target.kind != plain || target.flags&fSettled != 0 {
		m.ev.filled(off, op, target, items)
	}
	err := m.grow(off, op, target, items)
	m.cutStack(i)
	return err
}

// grow records the items on the target and what the judge wants to know about the keys.
func (m *machine) grow(off int64, op byte, target *value, items []*value) error {
	pairs := op == opSETITEM || op == opSETITEMS
	if (target.kind == kCall || target.kind == kInstance) && target.off >= 0 {
		target.flags |= fFilled
	}
	for k, item := range items {
		m.store(off, item)
		if key := pairs && k%2 == 0; key || op == opADDITEMS {
			m.hashed(off, item)
			if key && item.off >= 0 && target.n+int64(len(items)) <= int64(4*m.keep) {
				item.flags |= fRecalled // a name of an attribute, which other objects of the class have as well
			}
			if key && target.off >= 0 {
				target.noteKey(item)
			}
		}
	}
	if target.kind == kImport || target.off < 0 || target.kind <= kByteArray {
		return nil // shared or immutable: nothing is remembered about it
	}
	m.nest(off, target, items)
	if target.kind == kList || target.kind == kSet {
		for _, item := range items {
			target.weight = addWeight(target.weight, item.weight)
		}
	}
	if target.kind == kList || target.kind == kDict || target.kind == kSet {
		target.n += int64(len(items))
	}
	if target.kind == kPersist || target.kind == kCall || target.kind == kInstance || target.kind == kTuple || target.kind == kFrozen {
		return nil // items of these are arguments or fixed
	}
	room := max(2*m.keep-len(target.items), 0)
	if len(items) > room {
		target.flags |= fCut
		items = items[:room]
	}
	target.items = append(target.items, items...)
	return m.made(int64(len(items)+7) / 8)
}

// noteKey remembers the first key that is not a plain name, for the case that the target becomes state.
func (v *value) noteKey(key *value) {
	if v.flags&fSpecial != 0 || v.kind != kDict && v.kind != kCall && v.kind != kInstance {
		return
	}
	if what := special(key); what != "" {
		v.flags |= fSpecial
		v.text = what
	}
}

// special says why a key may not be a name in the state of an object, or "".
func special(key *value) string {
	switch {
	case key.flags&fForgotten != 0:
		return "a key that was written too long ago to be known"
	case key.kind == kStr && len(key.text) >= 2 && key.text[:2] == "__":
		return quote(key.text)
	case key.kind >= kImport:
		return "a key that is " + kindWords[key.kind]
	}
	return ""
}
