package tflite

import "github.com/loadlock/loadlock/validate"

// table is one table, with the places of its fields.
type table struct {
	w      *walker
	def    *def
	at     int64
	fields map[int]int64
}

// num is the scalar in a slot, 0 if the table has none.
func (t table) num(slot int, width int64) (uint64, error) {
	place, ok := t.fields[slot]
	if !ok {
		return 0, nil
	}
	return t.w.read(place, width)
}

// bytes is the place and length of the vector of bytes or string in a slot.
func (t table) bytes(slot int) (off, n int64, err error) {
	place, ok := t.fields[slot]
	if !ok {
		return 0, 0, nil
	}
	at, err := t.w.follow(place)
	if err != nil {
		return 0, 0, err
	}
	x, err := t.w.read(at, 4)
	if n = int64(x); err == nil && n > t.w.p.Size-at-4 {
		err = validate.Malformed(at, "a vector of %d bytes", n)
	}
	return at + 4, n, err
}

// maxText is above any name.
const maxText = 4096

// str is the string in a slot.
func (t table) str(slot int) (string, error) {
	off, n, err := t.bytes(slot)
	if err == nil && n > maxText {
		err = validate.Malformed(off, "a name of %d bytes", n)
	}
	if err != nil || n == 0 {
		return "", err
	}
	b, err := t.w.p.Bytes(off, n)
	return string(b), err
}
