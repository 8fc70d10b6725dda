package pickle

// Bounds of what one stream may keep alive. A node is about 100 bytes, so that even a file made for it keeps the heap
// near 40 MiB.
const (
	maxLive  = 3 << 16
	maxStack = 1 << 20
	maxMarks = 1 << 18
	countGap = 1 << 15 // nodes made between two counts
)

// made accounts for a new node, or the growth of one. Every countGap nodes it counts what is still reachable, so that
// the cost stays linear and a long stream of short-lived values is fine. Picklers put nearly every value into the
// memo, so the memo forgets what values were when there are too many; see memo.forget.
func (m *machine) made(units int64) error {
	if m.fresh += units; m.fresh < countGap {
		return nil
	}
	m.fresh = 0
	if m.count() <= maxLive/4 {
		return nil
	}
	m.memo.forget(false)
	if m.count() <= maxLive/2 {
		return nil
	}
	m.memo.forget(true)
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
	drain := func(v *value) {
		for see(v); len(todo) > 0; {
			v := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			see(v.fn)
			for _, item := range v.items {
				see(item)
			}
		}
	}
	for _, v := range m.stack {
		drain(v)
	}
	m.memo.each(drain)
	return live + m.named + int64(len(m.memo.kept)+len(m.memo.sparse))
}
