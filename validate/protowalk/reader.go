package protowalk

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"unicode/utf8"

	"github.com/loadlock/loadlock/validate"
)

// reader reads a file through a small window, so that stepping over weights costs nothing.
type reader struct {
	src    io.ReaderAt
	size   int64
	window []byte
	own    bool // the window may be written to
	at     int64
	n      int
}

const windowSize = 8 << 10

// bytes gives up to max bytes at off, at least one; they hold until the next call.
func (r *reader) bytes(off int64, max int64) ([]byte, error) {
	if off < r.at || off >= r.at+int64(r.n) || off+min(max, 4<<10) > r.at+int64(r.n) && r.at+int64(r.n) < r.size {
		if !r.own {
			r.window, r.own = make([]byte, windowSize), true
		}
		n, err := r.src.ReadAt(r.window, off)
		if n == 0 {
			if err == nil || errors.Is(err, io.EOF) {
				err = validate.Malformed(off, "the file ends")
			}
			r.n = 0
			return nil, err
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		r.at, r.n = off, n
	}
	b := r.window[off-r.at : r.n]
	return b[:min(int64(len(b)), max)], nil
}

// varint reads a number and gives the offset behind it.
func (r *reader) varint(off, end int64) (x uint64, next int64, err error) {
	if off >= end {
		return 0, 0, validate.Malformed(off, "a message ends inside a field")
	}
	b, err := r.bytes(off, min(end-off, binary.MaxVarintLen64))
	if err != nil {
		return 0, 0, err
	}
	x, n := binary.Uvarint(b)
	switch {
	case n <= 0:
		return 0, 0, validate.Malformed(off, "a number that does not end")
	case n > 1 && n != (bits.Len64(x)+6)/7:
		return 0, 0, validate.Malformed(off, "a number in %d bytes where fewer do", n)
	}
	return x, off + int64(n), nil
}

func (r *reader) fixed(off, end int64, width int64) (x uint64, next int64, err error) {
	if width > end-off {
		return 0, 0, validate.Malformed(off, "a message ends inside a field")
	}
	b, err := r.bytes(off, width)
	if err != nil {
		return 0, 0, err
	}
	if int64(len(b)) < width {
		return 0, 0, validate.Malformed(off, "the file ends")
	}
	if width == 4 {
		return uint64(binary.LittleEndian.Uint32(b)), off + 4, nil
	}
	return binary.LittleEndian.Uint64(b), off + 8, nil
}

// utf8 checks a text without holding it.
func (r *reader) utf8(off, n int64, what string) error {
	for end := off + n; off < end; {
		b, err := r.bytes(off, end-off)
		if err != nil {
			return err
		}
		for len(b) > 0 {
			c, size := utf8.DecodeRune(b)
			if c == utf8.RuneError && size <= 1 {
				if !utf8.FullRune(b) && off+int64(len(b)) < end {
					break // the rest of the rune is in the next window
				}
				return validate.Malformed(off, "%s is not UTF-8", what)
			}
			b, off = b[size:], off+int64(size)
		}
	}
	return nil
}

// Text gives the content of a String or Bytes field that is at most max bytes long.
func (w *Walker) Text(v Value, max int64) (string, error) {
	if v.N > max {
		return "", validate.Malformed(v.Off, "%d bytes in field %s, where at most %d are read", v.N, v.Field.Name, max)
	}
	if v.N == 0 {
		return "", nil
	}
	if v.N <= 4<<10 { // what the window has
		b, err := w.src.bytes(v.Off, v.N)
		if err == nil && int64(len(b)) < v.N {
			err = validate.Malformed(v.Off, "the file ends")
		}
		return string(b), err
	}
	b, err := w.p.Bytes(v.Off, v.N)
	return string(b), err
}

// Ints gives the numbers of one occurrence of a repeated or single field, at most max of them.
func (w *Walker) Ints(v Value, max int64) (out []int64, err error) {
	if v.Count > max {
		return nil, validate.Malformed(v.Off, "%d numbers in field %s, where at most %d are read", v.Count, v.Field.Name, max)
	}
	if v.Count == 1 && wireOf(v.Field.Kind) == wireVarint && !w.isPacked(v) {
		return []int64{v.Int()}, nil
	}
	return out, w.numbers(v, func(x uint64, _ int64) error {
		out = append(out, int64(x))
		return nil
	})
}

// isPacked tells a packed number from a single one by the tag.
func (w *Walker) isPacked(v Value) bool {
	tag, _, err := w.src.varint(v.At, v.Off)
	return err == nil && tag&7 == wireBytes
}

// numbers calls f for every varint of a packed field.
func (w *Walker) numbers(v Value, f func(x uint64, at int64) error) error {
	for at, end := v.Off, v.Off+v.N; at < end; {
		x, next, err := w.src.varint(at, end)
		if err != nil {
			return err
		}
		if err := f(x, at); err != nil {
			return err
		}
		at = next
	}
	return nil
}
