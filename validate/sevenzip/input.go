package sevenzip

import (
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf16"
)

// reader reads a header. The first error stops it; what is read after that is zero.
type reader struct {
	b    []byte
	max  int64 // files
	err  error
	main *streams
	odd  string
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	r.b = nil
}

var errShort = errors.New("it ends too early")

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail("%w", errShort)
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// number reads the format's numbers: as many bytes follow as the first has leading ones.
func (r *reader) number() (n uint64) {
	first := r.byte()
	more := bits.LeadingZeros8(^first)
	for i, c := range r.bytes(uint64(more)) {
		n |= uint64(c) << (8 * i)
	}
	if more < 7 {
		n |= uint64(first&(1<<(7-more)-1)) << (8 * more)
	}
	return n
}

// count reads how many things follow, each of which takes at least one byte of the header, or one bit when eighth.
func (r *reader) count(what string) int {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.fail("%d %s in %d bytes", n, what, len(r.b))
		return 0
	}
	return int(n)
}

// vector reads n bits, filled up to a byte with zeros.
func (r *reader) vector(n int) []bool {
	b := r.bytes(uint64(n+7) / 8)
	if b == nil {
		return make([]bool, n)
	}
	out := make([]bool, n)
	for i := range out {
		out[i] = b[i/8]&(0x80>>(i%8)) != 0
	}
	if n%8 != 0 && b[len(b)-1]&(0xFF>>(n%8)) != 0 {
		r.fail("bits behind a vector")
	}
	return out
}

// defined reads a vector that may be left out when all bits are set.
func (r *reader) defined(n int) []bool {
	if r.byte() == 0 {
		return r.vector(n)
	}
	out := make([]bool, min(n, len(r.b)+1))
	for i := range out {
		out[i] = true
	}
	if len(out) < n {
		r.fail("%w", errShort)
		out = make([]bool, n)
	}
	return out
}

// utf16Name decodes a name; names are little endian and end with a zero.
func utf16Name(b []byte) (name string, rest []byte, ok bool) {
	var u []uint16
	for len(b) >= 2 {
		c := le.Uint16(b)
		b = b[2:]
		if c == 0 {
			return string(utf16.Decode(u)), b, true
		}
		u = append(u, c)
	}
	return "", nil, false
}
