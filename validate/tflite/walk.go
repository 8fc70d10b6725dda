package tflite

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/loadlock/loadlock/validate"
)

// Bounds of what is gone through and remembered.
const (
	maxDepth   = 64 // flatbuffers::Verifier, default
	maxObjects = 250_000
)

// span is the place of one object.
type span struct{ off, end int64 }

// walker follows every offset of a FlatBuffer (https://flatbuffers.dev/internals/) and remembers what lies where.
type walker struct {
	p       *validate.Pass
	on      map[string]func(table) error
	spans   []span
	visited map[int64]any // the type as which an object was read
	depth   int
	pages   [16]page
	next    int
}

type page struct {
	off int64
	b   []byte
}

const pageSize = 4 << 10

// read gives a little-endian number of 1, 2, 4 or 8 bytes.
func (w *walker) read(off, width int64) (uint64, error) {
	var b [8]byte
	if off < 0 || off > w.p.Size-width {
		return 0, validate.Malformed(min(max(off, 0), w.p.Size), "an offset outside the file")
	}
	for i := range width {
		c, err := w.byteAt(off + i)
		if err != nil {
			return 0, err
		}
		b[i] = c
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}

func (w *walker) byteAt(off int64) (byte, error) {
	start := off &^ (pageSize - 1)
	for i := range w.pages {
		if pg := &w.pages[i]; pg.b != nil && pg.off == start && off-start < int64(len(pg.b)) {
			return pg.b[off-start], nil
		}
	}
	pg := &w.pages[w.next]
	w.next = (w.next + 1) % len(w.pages)
	if cap(pg.b) == 0 {
		pg.b = make([]byte, pageSize)
	}
	pg.off, pg.b = start, pg.b[:pageSize]
	n, err := w.p.ReadAt(pg.b, start)
	pg.b = pg.b[:n]
	if err != nil && !errors.Is(err, io.EOF) || int64(n) <= off-start {
		return 0, errors.Join(err, validate.Malformed(off, "the file ends"))
	}
	return pg.b[off-start], nil
}

// object notes the place of an object. seen says that it was read before, as the same; as something else is a finding.
func (w *walker) object(off, n int64, as any) (seen bool, err error) {
	if off < 0 || n < 0 || off > w.p.Size || n > w.p.Size-off {
		return false, validate.Malformed(min(max(off, 0), w.p.Size), "an object of %d bytes outside the file", n)
	}
	if before, ok := w.visited[off]; ok && before == as {
		return true, nil
	}
	if len(w.spans) >= maxObjects {
		return false, validate.Malformed(off, "more than %d objects", maxObjects)
	}
	w.visited[off] = as
	w.spans = append(w.spans, span{off, off + n})
	return false, w.p.Charge(validate.Entries, 0)
}

// follow reads a forward offset.
func (w *walker) follow(at int64) (int64, error) {
	x, err := w.read(at, 4)
	if err == nil && (x == 0 || x > uint64(w.p.Size-at)) {
		err = validate.Malformed(at, "an offset of %d", x)
	}
	return at + int64(x), err
}

// table goes through a table and everything that it refers to.
func (w *walker) table(at int64, d *def) error {
	if w.depth++; w.depth > maxDepth {
		return validate.Malformed(at, "tables nested deeper than %d", maxDepth)
	}
	defer func() { w.depth-- }()
	t, seen, err := w.open(at, d)
	if err != nil || seen {
		return err
	}
	if f := w.on[d.name]; f != nil {
		if err := f(t); err != nil {
			return err
		}
	}
	for slot := range maxSlots {
		place, ok := t.fields[slot]
		if !ok {
			continue
		}
		if err := w.value(t, slot, place); err != nil {
			return err
		}
	}
	return nil
}

// maxSlots is far above the fields of any table of the format.
const maxSlots = 64

// open reads the vtable: the size of the table and the place of each field in it.
func (w *walker) open(at int64, d *def) (t table, seen bool, err error) {
	back, err := w.read(at, 4)
	if err != nil {
		return t, false, err
	}
	vtable := at - int64(int32(back))
	size, err := w.read(vtable, 2)
	if err != nil {
		return t, false, err
	}
	length, err := w.read(vtable+2, 2)
	if err != nil {
		return t, false, err
	}
	if at%4 != 0 || vtable%2 != 0 || size < 4 || size%2 != 0 || size > 4+2*maxSlots || length < 4 {
		return t, false, validate.Malformed(at, "a table %s whose form is %d and %d bytes", d.name, size, length)
	}
	if _, err := w.object(vtable, int64(size), "vtable"); err != nil {
		return t, false, err
	}
	t = table{w: w, def: d, at: at, fields: map[int]int64{}}
	used := int64(4) // readers do not look at the length, and some writers give two bytes too many
	for slot := range int(size-4) / 2 {
		off, err := w.read(vtable+4+2*int64(slot), 2)
		if err != nil {
			return t, false, err
		}
		if off == 0 {
			continue
		}
		f, known := d.fields[slot]
		if !known {
			w.p.Report(unknownField, at, "field %d of %s", slot, d.name)
			continue
		}
		if width := f.typ.size(); off < 4 || int64(off)+width > int64(length) {
			return t, false, validate.Malformed(at, "field %s of %s lies outside of it", f.name, d.name)
		}
		t.fields[slot] = at + int64(off)
		used = max(used, int64(off)+f.typ.size())
	}
	seen, err = w.object(at, used, d)
	return t, seen, err
}

// size is what a field takes in its table.
func (t typ) size() int64 {
	if t.vector || t.text || t.table != nil || t.union != nil {
		return 4
	}
	return t.width
}

// value goes through one field.
func (w *walker) value(t table, slot int, place int64) error {
	f := t.def.fields[slot]
	switch {
	case f.typ.vector:
		at, err := w.follow(place)
		if err != nil {
			return err
		}
		return w.vector(at, f.typ)
	case f.typ.text:
		return w.text(place)
	case f.typ.table != nil:
		at, err := w.follow(place)
		if err != nil {
			return err
		}
		return w.table(at, f.typ.table)
	case f.typ.union != nil:
		kind, err := t.num(slot-1, 1)
		if err != nil {
			return err
		}
		member, ok := f.typ.union.fields[int(kind)]
		if !ok {
			w.p.Report(unknownField, t.at, "%s of type %d", f.name, kind)
			return nil
		}
		at, err := w.follow(place)
		if err != nil {
			return err
		}
		return w.table(at, member.typ.table)
	}
	return nil
}

// vector goes through a vector; one of scalars is stepped over unread.
func (w *walker) vector(at int64, of typ) error {
	n, err := w.read(at, 4)
	if err != nil {
		return err
	}
	of.vector = false
	seen, err := w.object(at, 4+int64(n)*of.size(), of)
	if err != nil || seen || of.width > 0 {
		return err
	}
	for i := range int64(n) {
		place := at + 4 + 4*i
		if of.text {
			err = w.text(place)
		} else {
			var element int64
			if element, err = w.follow(place); err == nil {
				err = w.table(element, of.table)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// text goes through a string: a length, the bytes, and a zero.
func (w *walker) text(place int64) error {
	at, err := w.follow(place)
	if err != nil {
		return err
	}
	n, err := w.read(at, 4)
	if err != nil {
		return err
	}
	if _, err := w.object(at, 4+int64(n)+1, "string"); err != nil {
		return err
	}
	if end, err := w.read(at+4+int64(n), 1); err != nil || end != 0 {
		return errors.Join(err, validate.Malformed(at, "a string without its zero"))
	}
	return nil
}
