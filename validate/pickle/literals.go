package pickle

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// pushInt shares nothing: even small numbers are nodes, because a node knows its offset.
func (m *machine) pushInt(off, n int64) error {
	return m.pushNew(&value{kind: kInt, off: off, n: n})
}

func opConst(m *machine, op byte, _ int64) error {
	switch op {
	case 0x88:
		return m.push(yes)
	case 0x89:
		return m.push(no)
	case ')':
		return m.push(empty)
	}
	return m.push(none)
}

func opBinInt(m *machine, op byte, off int64) error {
	b, err := m.r.take(width(op))
	if err != nil {
		return err
	}
	if op == 'J' {
		return m.pushInt(off, int64(int32(binary.LittleEndian.Uint32(b))))
	}
	return m.pushInt(off, int64(uint64le(b)))
}

// opBinLong reads LONG1 and LONG4: a two's complement number in little endian.
func opBinLong(m *machine, op byte, off int64) error {
	b, err := m.r.take(width(op))
	if err != nil {
		return err
	}
	n := int64(uint64le(b))
	if op == 0x8b && n > math.MaxInt32 {
		return &broken{off, "LONG4 with a negative length"}
	}
	at := m.r.pos
	text, err := m.r.literal(n)
	if err != nil {
		return err
	}
	if n > 8 {
		return m.pushNew(&value{kind: kLong, off: at, n: n, text: text})
	}
	var v uint64
	if n > 0 {
		v = uint64le([]byte(text))
		if shift := 64 - 8*uint(n); text[n-1]&0x80 != 0 && shift > 0 {
			v |= math.MaxUint64 << (64 - shift)
		}
	}
	return m.pushInt(off, int64(v))
}

func opBinFloat(m *machine, _ byte, off int64) error {
	b, err := m.r.take(8)
	if err != nil {
		return err
	}
	return m.pushNew(&value{kind: kFloat, off: off, n: int64(binary.BigEndian.Uint64(b))})
}

// width is how many bytes follow the opcode as a number, or as the length of a literal.
func width(op byte) int64 {
	switch op {
	case 'K', 0x8a, 0x82, 'h', 'q', 'U', 0x8c, 'C':
		return 1
	case 'M', 0x83:
		return 2
	case 'J', 0x8b, 0x84, 'j', 'r', 'T', 'X', 'B':
		return 4
	}
	return 8 // BINUNICODE8, BINBYTES8, BYTEARRAY8
}

func sizedKind(op byte) kind {
	switch op {
	case 'B', 'C', 0x8e:
		return kBytes
	case 0x96:
		return kByteArray
	}
	return kStr
}

// opSized reads every literal with a length in front. Long ones are skipped; an error of their encoding is
// not seen, which can only make us see more than the unpickler runs.
func opSized(m *machine, op byte, off int64) error {
	b, err := m.r.take(width(op))
	if err != nil {
		return err
	}
	n := uint64le(b)
	if op == 'T' && n > math.MaxInt32 || n > math.MaxInt64 {
		return &broken{off, "a literal with a negative length"}
	}
	at := m.r.pos
	text, err := m.r.literal(int64(n))
	if err != nil {
		return err
	}
	v := &value{kind: sizedKind(op), off: at, n: int64(n), text: text}
	if int64(len(text)) < v.n {
		v.flags |= fCut
	}
	if v.kind != kStr || v.cut() {
		return m.pushNew(v)
	}
	switch legacy := op == 'T' || op == 'U'; {
	case legacy && !ascii(text):
		// bytes of Python 2: an error, Latin-1 or UTF-8, by the encoding that the loader chooses
		m.ev.note(ruleDivergence, off, "text of Python 2 that is not ASCII: %s", quote(text))
	case !legacy && !validUTF8(text):
		return &broken{off, "text that is not UTF-8"}
	}
	return m.pushNew(v)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// validUTF8 allows lone surrogates, as the unpickler does (surrogatepass).
func validUTF8(s string) bool {
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n <= 1 {
			if len(s) >= 3 && s[0] == 0xed && s[1] >= 0xa0 && s[1] <= 0xbf && s[2]&0xc0 == 0x80 {
				n = 3
			} else {
				return false
			}
		}
		s = s[n:]
	}
	return true
}

func opExt(m *machine, op byte, off int64) error {
	b, err := m.r.take(width(op))
	if err != nil {
		return err
	}
	code := uint64le(b)
	m.ev.note(ruleExtension, off, "extension code %d", code)
	return m.pushNew(&value{kind: kExt, off: off, n: int64(code)})
}

// opBuffer: a file has no out-of-band buffers, so the unpickler raises unless its caller passes some.
func opBuffer(m *machine, op byte, off int64) error {
	if op == 0x98 {
		_, err := m.top(off)
		return err
	}
	m.ev.note(rulePersistent, off, "data from an out-of-band buffer, which no file holds")
	return m.pushNew(&value{kind: kBuffer, off: off})
}

func opMemoize(m *machine, _ byte, off int64) error { return m.remember(off, m.memo.n) }

func opBinGet(m *machine, op byte, off int64) error {
	b, err := m.r.take(width(op))
	if err != nil {
		return err
	}
	return m.recall(off, int64(uint64le(b)))
}

func opBinPut(m *machine, op byte, off int64) error {
	b, err := m.r.take(width(op))
	if err != nil {
		return err
	}
	return m.remember(off, int64(uint64le(b)))
}

func opGet(m *machine, _ byte, off int64) error {
	i, err := m.index(off, "GET")
	if err != nil {
		return err
	}
	return m.recall(off, i)
}

func opPut(m *machine, _ byte, off int64) error {
	i, err := m.index(off, "PUT")
	if err != nil {
		return err
	}
	if i < 0 {
		return &broken{off, "PUT with a negative index"}
	}
	return m.remember(off, i)
}

// index reads the decimal argument of GET and PUT (PyLong_FromString with base 10).
func (m *machine) index(off int64, op string) (int64, error) {
	line, err := m.textLine(off, 2)
	if err != nil {
		return 0, err
	}
	n, ok := parseLong(line, 10)
	if !ok || n.big {
		return 0, &broken{off, fmt.Sprintf("%s with %s", op, quote(line))}
	}
	if !decimal(line, false) {
		m.ev.note(ruleDivergence, off, "%s with %s", op, quote(line))
	}
	return n.v, nil
}
