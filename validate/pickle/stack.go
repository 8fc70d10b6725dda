package pickle

import (
	"fmt"
	"math"
)

// fence is where the current mark sits; nothing below it can be popped.
func (m *machine) fence() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

func (m *machine) push(v *value) error {
	if len(m.stack) >= maxStack {
		return m.excess("more than %d values on the stack", maxStack)
	}
	m.stack = append(m.stack, v)
	return nil
}

// pushNew pushes a node that was just made.
func (m *machine) pushNew(v *value) error {
	if v.weight == 0 {
		v.weight = 1
	}
	if err := m.push(v); err != nil {
		return err
	}
	return m.made(1 + int64(len(v.text))/64 + int64(len(v.items))/8)
}

func (m *machine) underflow(off int64) error {
	if len(m.marks) > 0 && len(m.stack) > 0 {
		return &broken{off, "a mark is where a value should be"}
	}
	return &broken{off, "the stack is empty"}
}

func (m *machine) pop(off int64) (*value, error) {
	k := len(m.stack)
	if k <= m.fence() {
		if m.blind {
			return &value{kind: kUnknown, off: off, weight: 1}, nil
		}
		return nil, m.underflow(off)
	}
	v := m.stack[k-1]
	m.stack[k-1] = nil
	m.stack = m.stack[:k-1]
	return v, nil
}

// top is the value on top of the stack, above the fence.
func (m *machine) top(off int64) (*value, error) {
	if len(m.stack) <= m.fence() {
		return nil, m.underflow(off)
	}
	return m.stack[len(m.stack)-1], nil
}

// marker removes the last mark and returns its position.
func (m *machine) marker(off int64) (int, error) {
	if len(m.marks) == 0 {
		if m.blind {
			return 0, nil
		}
		return 0, &broken{off, "there is no mark"}
	}
	i := m.marks[len(m.marks)-1]
	m.marks = m.marks[:len(m.marks)-1]
	return i, nil
}

// cutStack removes and returns what is above i. The slice is valid until the next push.
func (m *machine) cutStack(i int) []*value {
	items := m.stack[i:]
	m.stack = m.stack[:i]
	return items
}

func opMark(m *machine, _ byte, _ int64) error {
	if len(m.marks) >= maxMarks {
		return m.excess("more than %d open marks", maxMarks)
	}
	m.marks = append(m.marks, len(m.stack))
	return nil
}

// opPop pops a value, or the mark when it is on top (load_pop in _pickle.c).
func opPop(m *machine, _ byte, off int64) error {
	if len(m.marks) > 0 && m.fence() == len(m.stack) {
		m.marks = m.marks[:len(m.marks)-1]
		return nil
	}
	_, err := m.pop(off)
	return err
}

func opPopMark(m *machine, _ byte, off int64) error {
	i, err := m.marker(off)
	if err != nil {
		return err
	}
	m.cutStack(i)
	return nil
}

func opDup(m *machine, _ byte, off int64) error {
	v, err := m.top(off)
	if err != nil {
		return err
	}
	return m.push(v)
}

func (m *machine) recall(off, i int64) error {
	v := m.memo.get(i)
	if v == nil && m.blind {
		return m.pushNew(&value{kind: kUnknown, off: off})
	}
	if v != nil && v.off >= 0 {
		v.flags |= fRecalled
	}
	if v == nil {
		return &broken{off, fmt.Sprintf("memo entry %d was never written", i)}
	}
	return m.push(v)
}

func (m *machine) remember(off, i int64) error {
	v, err := m.top(off)
	if err != nil {
		return err
	}
	if i > math.MaxInt64/16 {
		return &broken{off, "memo index out of range"}
	}
	if i > 1<<26 && m.memo.get(i) == nil {
		m.ev.note(ruleExcessive, off, "memo index %d makes the unpickler allocate %d MiB", i, i>>16)
	}
	if m.memo.n >= maxMemo {
		return m.excess("more than %d memo entries", maxMemo)
	}
	m.memo.put(i, v)
	return nil
}
