package sentencepiece

import (
	"bufio"
	"io"

	"github.com/loadlock/loadlock/validate"
)

// The wire types of protocol buffers that the messages use.
const (
	varint  = 0
	fixed64 = 1
	bytesOf = 2
	fixed32 = 5
)

// wire reads fields of protocol buffers one after the other, with a buffer of fixed size.
type wire struct {
	p   *validate.Pass
	r   *bufio.Reader
	off int64
	buf []byte
}

func newWire(p *validate.Pass) *wire {
	return &wire{p: p, r: bufio.NewReaderSize(p.Section(0, p.Size), 32<<10)}
}

func (w *wire) byte() (byte, error) {
	c, err := w.r.ReadByte()
	if err != nil {
		return 0, validate.Malformed(w.off, "the file ends inside a field")
	}
	w.off++
	return c, nil
}

// uvarint refuses more bytes than a number of 64 bits needs, and forms longer than necessary.
func (w *wire) uvarint() (v uint64, err error) {
	for shift := 0; ; shift += 7 {
		c, err := w.byte()
		if err != nil {
			return 0, err
		}
		if shift == 63 && c > 1 || c == 0 && shift > 0 {
			return 0, validate.Malformed(w.off-1, "a number that no writer encodes so")
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, nil
		}
	}
}

// field is the head of a field, and the place of its content.
type field struct {
	num, kind int
	off       int64 // of the head
	at, n     int64 // of the content; n is 0 for a varint, whose value is v
	v         uint64
}

func (w *wire) field(end int64) (f field, err error) {
	f.off = w.off
	head, err := w.uvarint()
	if err != nil {
		return f, err
	}
	if head>>3 == 0 || head>>3 >= 1<<29 {
		return f, validate.Malformed(f.off, "field number %d", head>>3)
	}
	f.num, f.kind = int(head>>3), int(head&7)
	switch f.kind {
	case varint:
		f.v, err = w.uvarint()
	case fixed64:
		f.n = 8
	case fixed32:
		f.n = 4
	case bytesOf:
		var n uint64
		if n, err = w.uvarint(); err == nil && n > uint64(end-min(w.off, end)) {
			return f, validate.Malformed(f.off, "a field of %d bytes, %d remain", n, end-w.off)
		}
		f.n = int64(n)
	default:
		return f, validate.Malformed(f.off, "wire type %d", f.kind)
	}
	f.at = w.off
	if err == nil && f.n > end-f.at {
		err = validate.Malformed(f.off, "a field beyond the end of its message")
	}
	return f, err
}

// content reads the bytes of a field into a buffer that the next call reuses.
func (w *wire) content(f field, max int64) ([]byte, error) {
	if f.n > max {
		return nil, validate.Malformed(f.off, "%d bytes of text, more than %d", f.n, max)
	}
	if int64(cap(w.buf)) < f.n {
		w.buf = make([]byte, f.n)
	}
	w.buf = w.buf[:f.n]
	if _, err := io.ReadFull(w.r, w.buf); err != nil {
		return nil, validate.Malformed(f.at, "the file ends inside a field")
	}
	w.off += f.n
	return w.buf, nil
}

func (w *wire) skip(n int64) error {
	for n > 0 {
		k, err := w.r.Discard(int(min(n, 1<<20)))
		w.off += int64(k)
		n -= int64(k)
		if err != nil {
			return validate.Malformed(w.off, "the file ends inside a field")
		}
	}
	return nil
}
