package pickle

// Bounds of what one stream may keep alive. A node is about 100 bytes.
const (
	maxLive  = 1 << 20
	maxStack = 1 << 22
	maxMemo  = 1 << 21
	maxMarks = 1 << 20
	countGap = 1 << 19 // nodes made between two counts
)

// memo is the unpickler's memo: dense as long as indices grow by one, as every pickler writes them.
type memo struct {
	dense  []*value
	sparse map[int64]*value
	n      int64 // entries in use; MEMOIZE stores under it
}

func (m *memo) get(i int64) *value {
	if i < int64(len(m.dense)) {
		return m.dense[i]
	}
	return m.sparse[i]
}

func (m *memo) put(i int64, v *value) {
	if m.get(i) == nil {
		m.n++
	}
	switch {
	case i < int64(len(m.dense)):
		m.dense[i] = v
	case i == int64(len(m.dense)) && m.sparse[i] == nil:
		m.dense = append(m.dense, v)
	default:
		if m.sparse == nil {
			m.sparse = map[int64]*value{}
		}
		m.sparse[i] = v
	}
}

// made accounts for a new node, or the growth of one. Every countGap nodes it counts what is still reachable,
// so that the cost stays linear and a long stream of short-lived values is fine.
func (m *machine) made(units int64) error {
	if m.fresh += units; m.fresh < countGap {
		return nil
	}
	m.fresh = 0
	if m.count() > maxLive {
		return m.excess("more than %d values alive at once", maxLive)
	}
	return nil
}

// count walks the live values without recursion.
func (m *machine) count() (live int64) {
	m.epoch++
	var todo []*value
	see := func(v *value) {
		if v != nil && v.mark != m.epoch && v.off >= 0 {
			v.mark = m.epoch
			live += 1 + int64(len(v.text))/64 + int64(len(v.items))/8
			todo = append(todo, v)
		}
	}
	drain := func() {
		for len(todo) > 0 {
			v := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			see(v.fn)
			for _, item := range v.items {
				see(item)
			}
		}
	}
	for _, v := range m.stack {
		see(v)
		drain()
	}
	for _, v := range m.memo.dense {
		see(v)
		drain()
	}
	for _, v := range m.memo.sparse {
		see(v)
		drain()
	}
	return live + m.named
}
