package trees

import (
	"bufio"
	"encoding/binary"
	"io"

	"github.com/loadlock/loadlock/validate"
)

// reader gives the bytes, lengths and strings of UBJSON.
type reader struct {
	p    *validate.Pass
	r    *bufio.Reader
	off  int64
	open []frame
	keys int // bytes that the keys of open objects need
	buf  []byte
}

func newReader(p *validate.Pass) *reader {
	return &reader{p: p, r: bufio.NewReaderSize(p.Section(0, p.Size), 32<<10)}
}

func (u *reader) byte() (byte, error) {
	c, err := u.r.ReadByte()
	if err != nil {
		return 0, validate.Malformed(u.off, "the file ends early")
	}
	u.off++
	return c, nil
}

func (u *reader) peek() (byte, error) {
	b, err := u.r.Peek(1)
	if err != nil {
		return 0, validate.Malformed(u.off, "the file ends early")
	}
	return b[0], nil
}

// skip passes bytes without reading them.
func (u *reader) skip(n int64) error {
	if n > u.p.Size-u.off {
		return validate.Malformed(u.off, "%d bytes of numbers, %d remain", n, u.p.Size-u.off)
	}
	u.off += n
	if n <= int64(u.r.Buffered()) {
		_, err := u.r.Discard(int(n))
		return err
	}
	u.r.Reset(u.p.Section(u.off, u.p.Size-u.off))
	return nil
}

// length is a number of type typ that must not be negative.
func (u *reader) length(typ byte) (int64, error) {
	at := u.off
	w := widths[typ]
	if w == 0 || typ == 'C' || typ == 'd' || typ == 'D' {
		return 0, validate.Malformed(at, "a length of type %#02x", typ)
	}
	var b [8]byte
	if _, err := io.ReadFull(u.r, b[8-w:]); err != nil {
		return 0, validate.Malformed(at, "the file ends early")
	}
	u.off += w
	n := int64(binary.BigEndian.Uint64(b[:]))
	if typ != 'U' { // extend the sign
		n = n << (64 - 8*w) >> (64 - 8*w)
	}
	if n < 0 {
		return 0, validate.Malformed(at, "a length of %d", n)
	}
	return n, nil
}

// str is a string whose length has type typ. The next call reuses its bytes.
func (u *reader) str(typ byte) ([]byte, error) {
	n, err := u.length(typ)
	if err != nil {
		return nil, err
	}
	if n > maxText || n > u.p.Size-u.off {
		return nil, validate.Malformed(u.off, "a text of %d bytes", n)
	}
	if int64(cap(u.buf)) < n {
		u.buf = make([]byte, n)
	}
	u.buf = u.buf[:n]
	if _, err := io.ReadFull(u.r, u.buf); err != nil {
		return nil, validate.Malformed(u.off, "the file ends early")
	}
	u.off += n
	return u.buf, nil
}
