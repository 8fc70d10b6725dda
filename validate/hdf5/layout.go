package hdf5

import (
	"compress/zlib"
	"io"

	"github.com/loadlock/loadlock/validate"
)

// Storage classes (specification IV.A.2.i).
const (
	storeCompact    = 0
	storeContiguous = 1
	storeChunked    = 2
	storeVirtual    = 3
)

// layout is where the numbers of a dataset are.
type layout struct {
	class   byte
	at      int64 // of the data, or of the index of chunks
	size    int64 // of contiguous data; -1: as the dataspace says
	inside  span  // of compact data
	chunk   []int64
	element int64
	index   byte // of version 4: 1 single, 2 implicit, 3 fixed array, 4 extensible array, 5 B-tree; 0: B-tree of version 1
	single  int64
	flags   byte
}

func (o *object) readLayout(c *cursor) error {
	l := &layout{at: undefined, size: -1}
	o.layout = l
	version := c.u8()
	switch version {
	case 1, 2:
		return l.old(c)
	case 3, 4, 5:
	default:
		return validate.Malformed(c.at, "a layout of version %d", version)
	}
	l.class = c.u8()
	switch {
	case l.class == storeCompact:
		l.compact(c, int(c.u16()))
	case l.class == storeContiguous:
		l.at, l.size = c.addr(), c.length()
	case l.class == storeChunked && version == 3:
		n := int(c.u8())
		l.at = c.addr()
		return l.dimensions(c, n, 4)
	case l.class == storeChunked:
		return l.chunked(c)
	case l.class == storeVirtual:
		where, index := c.addr(), uint16(c.u32())
		if err := c.ok("a layout"); err != nil {
			return err
		}
		return o.virtual(c.at, where, index)
	default:
		return validate.Malformed(c.at, "a layout of class %d", l.class)
	}
	return c.ok("a layout")
}

// old reads versions 1 and 2.
func (l *layout) old(c *cursor) error {
	n := int(c.u8())
	l.class = c.u8()
	c.skip(5)
	if l.class != storeCompact {
		l.at = c.addr()
	}
	switch l.class {
	case storeCompact:
		c.skip(4 * n)
		l.compact(c, int(c.u32()))
	case storeContiguous:
		c.skip(4 * n)
		c.rest() // writers left more here
	case storeChunked:
		return l.dimensions(c, n, 4)
	default:
		return validate.Malformed(c.at, "a layout of class %d", l.class)
	}
	return c.ok("a layout")
}

func (l *layout) compact(c *cursor, n int) {
	l.inside = span{c.pos(), c.pos() + int64(n)}
	c.skip(n)
}

// dimensions reads the n sizes of a chunk, the last of which is that of an element.
func (l *layout) dimensions(c *cursor, n, width int) error {
	if n < 2 || n > 33 {
		return validate.Malformed(c.at, "a chunk of %d dimensions", n-1)
	}
	for range n {
		d := c.uint(width)
		if d == 0 || d > 1<<40 {
			return validate.Malformed(c.at, "a chunk of %d elements in one dimension", d)
		}
		l.chunk = append(l.chunk, int64(d))
	}
	l.element, l.chunk = l.chunk[n-1], l.chunk[:n-1]
	return c.ok("a layout")
}

// chunked reads versions 4 and 5.
func (l *layout) chunked(c *cursor) error {
	l.flags = c.u8()
	n, width := int(c.u8()), int(c.u8())
	if width < 1 || width > 8 {
		return validate.Malformed(c.at, "dimensions of %d bytes", width)
	}
	if err := l.dimensions(c, n, width); err != nil {
		return err
	}
	l.index = c.u8()
	switch l.index {
	case 1:
		if l.flags&2 != 0 {
			l.single = c.length()
			c.skip(4)
		}
	case 2:
	case 3:
		c.skip(1)
	case 4:
		c.skip(5)
	case 5:
		c.skip(6)
	default:
		return validate.Malformed(c.at, "an index of chunks of type %d", l.index)
	}
	l.at = c.addr()
	return c.ok("a layout")
}

// dataset claims the numbers of a dataset and looks at how they begin if they are bytes.
func (o *object) dataset() error {
	l, f := o.layout, o.f
	if o.kind == nil || o.space == nil {
		return validate.Malformed(o.at, "a dataset without a type or a size")
	}
	if o.once>>kindExternal&1 != 0 {
		return nil // reported: its numbers are elsewhere
	}
	size := times(o.kind.size, o.space.count)
	if l.class == storeCompact && size > l.inside.end-l.inside.off || l.class == storeContiguous && l.size >= 0 && l.at != undefined && size > l.size {
		return validate.Malformed(o.at, "a dataset of %d bytes in storage for less", size)
	}
	switch {
	case l.class == storeCompact:
		if err := f.unusedRange(l.inside.off+size, l.inside.end-l.inside.off-size); err != nil {
			return err
		}
		return o.beginning(l.inside.off, size)
	case l.at == undefined || l.class == storeVirtual:
		return nil // never written
	case l.class == storeContiguous:
		n := l.size
		if n < 0 {
			n = size
		}
		f.claim(l.at, n)
		if l.at >= f.base && l.at <= f.end && n <= f.end-l.at {
			if err := f.unusedRange(l.at+size, n-size); err != nil {
				return err
			}
		}
		return o.beginning(l.at, size)
	}
	return o.chunks()
}

// bytes reports whether the values of a dataset are bytes or text. Numbers are not looked at.
func (k *datatype) bytes() bool {
	return k.class == classOpaque || k.class == classFixed && k.size == 1 || k.class == classString
}

// beginning looks at the first bytes of data.
func (o *object) beginning(at, n int64) error {
	if !o.kind.bytes() || at < o.f.base || at > o.f.end || n > o.f.end-at {
		return nil // a claim outside the file says so itself
	}
	return o.f.peek("data/"+o.path, at, n, o.kind.class == classString)
}

// deflated looks at the first bytes of a chunk that is compressed with deflate alone, or with a shuffle that has nothing
// to do because values are single bytes. What begins like a file is judged decompressed.
func (o *object) deflated(at, n int64) error {
	f := o.f
	for i, step := range o.filters {
		if step.id != filterDeflate && (step.id != filterShuffle || o.kind.size != 1) || i > 0 && o.filters[i-1].id == filterDeflate {
			return nil
		}
	}
	if !o.kind.bytes() || at < f.base || at > f.end || n > f.end-at || o.filters[len(o.filters)-1].id != filterDeflate {
		return nil
	}
	open := func() (io.Reader, error) { return zlib.NewReader(f.p.Section(at, n)) }
	r, err := open()
	if err != nil {
		return f.p.Charge(validate.Entries, 0) // the library cannot read it either
	}
	b := make([]byte, peekSize)
	k, _ := io.ReadFull(r, b)
	if err := f.p.Charge(validate.Expanded, int64(k)); err != nil {
		return err
	}
	if !begins(b[:k]) {
		return nil
	}
	e, err := f.p.Expand("data/"+o.path, open)
	if err == nil && !e.Cleared {
		f.dirty = append(f.dirty, span{at, at + n})
	}
	return err
}

// external reports the files of a dataset whose numbers are outside (specification IV.A.2.h).
func (o *object) external(c *cursor) error {
	if version := c.u8(); version != 1 {
		return validate.Malformed(c.at, "an external file list of version %d", version)
	}
	c.skip(3)
	slots, used := int(c.u16()), int(c.u16())
	heap, err := o.f.localHeap(c.addr())
	if err != nil {
		o.f.p.Report(externalData, c.at, "dataset %s keeps its numbers in other files", validate.Quote("/"+o.path, 120))
		return err
	}
	for i := range slots {
		name := int64(c.uint(o.f.sl))
		c.skip(2 * o.f.sl)
		if c.bad || i >= used {
			continue
		}
		file, err := heap.name(name)
		if err != nil {
			return err
		}
		o.f.p.ReportAt(externalData, validate.Place{Offset: c.at, Evidence: validate.Quote(file, 120)}, "dataset %s reads file %s", validate.Quote("/"+o.path, 120), validate.Quote(file, 120))
	}
	if used == 0 {
		o.f.p.Report(externalData, c.at, "dataset %s keeps its numbers in other files", validate.Quote("/"+o.path, 120))
	}
	return heap.close()
}

// virtual reports a virtual dataset. The mapping is a heap object: version, count, then for each source the names of
// its file and dataset and two selections; the first names are read.
func (o *object) virtual(at, where int64, index uint16) error {
	name := validate.Quote("/"+o.path, 120)
	if where == undefined {
		o.f.p.Report(virtualInside, at, "dataset %s", name)
		return nil
	}
	v, err := o.f.value(where, index)
	if err != nil {
		o.f.p.Report(virtualInside, at, "dataset %s", name)
		return err
	}
	c, err := o.f.read(v.at, min(v.len, 4096))
	if err != nil {
		return err
	}
	c.skip(1 + o.f.sl)
	if file := c.cstring(1); file != "." {
		o.f.p.ReportAt(virtual, validate.Place{Offset: at, Evidence: validate.Quote(file, 120)}, "dataset %s reads file %s", name, validate.Quote(file, 120))
		return nil
	}
	o.f.p.Report(virtualInside, at, "dataset %s", name)
	return nil
}
