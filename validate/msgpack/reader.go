package msgpack

import (
	"bufio"
	"encoding/binary"
	"io"
	"unicode/utf8"

	"github.com/loadlock/loadlock/validate"
)

// The kinds of value.
const (
	isNumber = iota + 1 // also nil, booleans and fractions
	isText
	isBytes
	isList
	isMap
	isExtension
)

// head is what stands in front of a value's content.
type head struct {
	kind int
	n    int64 // bytes, elements or pairs
	v    int64 // of an integer
	ext  int8
}

// reader gives heads and texts.
type reader struct {
	p    *validate.Pass
	r    *bufio.Reader
	off  int64
	open []frame
	keys int // bytes that the keys of open maps need
	buf  [8]byte
}

func newReader(p *validate.Pass) *reader {
	return &reader{p: p, r: bufio.NewReaderSize(p.Section(0, p.Size), 32<<10)}
}

// uint reads a number of n bytes.
func (r *reader) uint(n int) (uint64, error) {
	clear(r.buf[:])
	if _, err := io.ReadFull(r.r, r.buf[8-n:]); err != nil {
		return 0, validate.Malformed(r.off, "the file ends early")
	}
	r.off += int64(n)
	return binary.BigEndian.Uint64(r.buf[:]), nil
}

func (r *reader) head() (h head, err error) {
	first, err := r.uint(1)
	if err != nil {
		return h, err
	}
	c := byte(first)
	switch {
	case c < 0x80:
		return head{kind: isNumber, v: int64(c)}, nil
	case c < 0x90:
		return head{kind: isMap, n: int64(c & 0x0f)}, nil
	case c < 0xa0:
		return head{kind: isList, n: int64(c & 0x0f)}, nil
	case c < 0xc0:
		return head{kind: isText, n: int64(c & 0x1f)}, nil
	case c >= 0xe0:
		return head{kind: isNumber, v: int64(int8(c))}, nil
	}
	switch c {
	case 0xc0, 0xc2, 0xc3:
		return head{kind: isNumber, v: -1}, nil
	case 0xc4, 0xc5, 0xc6:
		return r.sized(isBytes, 1<<(c-0xc4))
	case 0xc7, 0xc8, 0xc9:
		if h, err = r.sized(isExtension, 1<<(c-0xc7)); err == nil {
			err = r.kindOfExtension(&h)
		}
		return h, err
	case 0xca, 0xcb:
		_, err = r.uint(4 << (c - 0xca))
		return head{kind: isNumber, v: -1}, err
	case 0xcc, 0xcd, 0xce, 0xcf:
		v, err := r.uint(1 << (c - 0xcc))
		return head{kind: isNumber, v: int64(v)}, err
	case 0xd0, 0xd1, 0xd2, 0xd3:
		n := 1 << (c - 0xd0)
		v, err := r.uint(n)
		return head{kind: isNumber, v: int64(v) << (64 - 8*n) >> (64 - 8*n)}, err
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		h = head{kind: isExtension, n: 1 << (c - 0xd4)}
		err = r.kindOfExtension(&h)
		return h, err
	case 0xd9, 0xda, 0xdb:
		return r.sized(isText, 1<<(c-0xd9))
	case 0xdc, 0xdd:
		return r.sized(isList, 2<<(c-0xdc))
	case 0xde, 0xdf:
		return r.sized(isMap, 2<<(c-0xde))
	}
	return h, validate.Malformed(r.off-1, "byte %#02x begins no value", c)
}

func (r *reader) sized(kind, width int) (head, error) {
	n, err := r.uint(width)
	return head{kind: kind, n: int64(n)}, err
}

func (r *reader) kindOfExtension(h *head) error {
	v, err := r.uint(1)
	h.ext = int8(v)
	return err
}

func (r *reader) text(n int64) (string, error) {
	if n > maxText || n > r.p.Size-r.off {
		return "", validate.Malformed(r.off, "a text of %d bytes", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r.r, b); err != nil {
		return "", validate.Malformed(r.off, "the file ends early")
	}
	if !utf8.Valid(b) {
		return "", validate.Malformed(r.off, "text that is not UTF-8")
	}
	r.off += n
	return string(b), nil
}

// skip passes bytes without reading them.
func (r *reader) skip(n int64) error {
	if n < 0 || n > r.p.Size-r.off {
		return validate.Malformed(r.off, "%d bytes, %d remain", n, r.p.Size-r.off)
	}
	r.off += n
	if n <= int64(r.r.Buffered()) {
		_, err := r.r.Discard(int(n))
		return err
	}
	r.r.Reset(r.p.Section(r.off, r.p.Size-r.off))
	return nil
}
