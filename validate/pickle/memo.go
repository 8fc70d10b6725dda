package pickle

// Bounds of the memo. Indices that nobody writes in order are rare and expensive.
const (
	maxMemo  = 20 << 20
	sweepAt  = 1 << 14 // entries that are held in full before old ones are forgotten
	maxGap   = 64      // indices that may be left out; the C pickler of Python 2 begins with 1
	chunkLen = 1 << 16
)

// memo is the unpickler's memo. Entries are held in full while there is room; older ones are known by their kind
// alone. What could matter later stays: names, what was looked up before, and text that was part of a name.
type memo struct {
	dense  []*value // entries from base on, as long as indices grow by one, as every pickler writes them
	base   int64
	codes  [][]uint8        // below base: an index into forms, or what is kept
	forms  []*value         // one stand-in per kind, and per class
	kept   map[int64]*value // below base, in full
	sparse map[int64]*value
	n      int64 // entries in use; MEMOIZE stores under it
}

const (
	codeNone = 0   // never written
	codeKept = 255 // in kept
)

func (m *memo) get(i int64) *value {
	switch {
	case i < 0:
		return nil
	case i < m.base:
		switch c := m.codes[i/chunkLen][i%chunkLen]; c {
		case codeNone:
			return nil
		case codeKept:
			return m.kept[i]
		default:
			return m.forms[c-1]
		}
	case i < m.base+int64(len(m.dense)):
		return m.dense[i-m.base]
	}
	return m.sparse[i]
}

func (m *memo) put(i int64, v *value) {
	if m.get(i) == nil {
		m.n++
	}
	end := m.base + int64(len(m.dense))
	switch {
	case i < m.base:
		m.codes[i/chunkLen][i%chunkLen] = codeKept
		m.keep(i, v)
	case i < end:
		m.dense[i-m.base] = v
	case i <= end+maxGap && len(m.sparse) == 0:
		for ; end < i; end++ {
			m.dense = append(m.dense, nil)
		}
		if m.dense = append(m.dense, v); len(m.dense) >= sweepAt {
			m.forget(false)
		}
	default:
		if m.sparse == nil {
			m.sparse = map[int64]*value{}
		}
		m.sparse[i] = v
	}
}

func (m *memo) keep(i int64, v *value) {
	if m.kept == nil {
		m.kept = map[int64]*value{}
	}
	m.kept[i] = v
}

// each calls f with every value that is held in full.
func (m *memo) each(f func(*value)) {
	for _, v := range m.dense {
		f(v)
	}
	for _, v := range m.kept {
		f(v)
	}
	for _, v := range m.sparse {
		f(v)
	}
}

// forget leaves of most entries no more than their kind. all also takes those that were looked up before.
func (m *memo) forget(all bool) {
	for i, v := range m.dense {
		at := m.base + int64(i)
		if at%chunkLen == 0 {
			m.codes = append(m.codes, make([]uint8, chunkLen))
		}
		code := &m.codes[at/chunkLen][at%chunkLen]
		switch {
		case v == nil:
		case worthKeeping(v, all):
			*code = codeKept
			m.keep(at, v)
		default:
			*code = m.form(v)
		}
	}
	m.base += int64(len(m.dense))
	clear(m.dense)
	m.dense = m.dense[:0]
	if !all {
		return
	}
	for i, v := range m.kept {
		if !worthKeeping(v, true) {
			m.codes[i/chunkLen][i%chunkLen] = m.form(v)
			delete(m.kept, i)
		}
	}
}

func worthKeeping(v *value, all bool) bool {
	switch v.kind {
	case kImport, kPersist, kExt, kBuffer, kUnknown:
		return true
	}
	if v.weight > 1<<12 || v.depth > maxNesting/100 { // a stand-in would hide what hashing it costs
		return true
	}
	if v.flags&fName != 0 || isDtype(v) {
		return true
	}
	short := v.literal() && v.kind >= kStr && v.n <= 2 // byte orders, memory orders
	return !all && v.off >= 0 && (v.flags&fRecalled != 0 || short)
}

// form finds the stand-in for a value: its kind and class. It is cut, so that nothing passes for what it was.
func (m *memo) form(v *value) uint8 {
	var fn *value
	if v.class() != nil {
		fn = v.fn
	}
	for i, f := range m.forms {
		if f.kind == v.kind && (f.fn == fn || fn != nil && f.fn != nil && f.fn.g == fn.g) {
			return uint8(i + 1)
		}
	}
	f := &value{kind: v.kind, flags: fCut | fForgotten, off: -1, weight: 1, fn: fn}
	if v.kind <= kBool { // these are what they are
		f = v
	}
	if len(m.forms) == codeKept-2 {
		f = &value{kind: kUnknown, flags: fCut | fForgotten, off: -1, weight: 1}
	}
	if len(m.forms) == codeKept-1 {
		return codeKept - 1
	}
	m.forms = append(m.forms, f)
	return uint8(len(m.forms))
}
