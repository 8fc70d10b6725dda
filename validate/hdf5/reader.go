package hdf5

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/loadlock/loadlock/validate"
)

// blockMax is the largest structure that is held in memory: a heap of link names, a node of a wide B-tree.
const blockMax = 8 << 20

func tooMany(at int64, what string, max int64) error {
	return fmt.Errorf("%w: more than %d %s, at offset %#x", validate.ErrBudget, max, what, at)
}

// cursor reads a structure from the front. Reading past its end sets bad and gives zeros.
type cursor struct {
	f   *file
	b   []byte
	at  int64 // of b[0] in the file
	i   int
	bad bool

	beyond int64 // bytes of the structure that are in the file behind b
}

// read holds the n bytes at an absolute offset.
func (f *file) read(at, n int64) (*cursor, error) {
	if n > blockMax {
		return nil, tooMany(at, "bytes of one structure", blockMax)
	}
	if at < f.base || at > f.end || n > f.end-at {
		return nil, validate.Malformed(max(0, min(at, f.p.Size)), "a structure of %d bytes that ends outside the file", n)
	}
	b, err := f.p.Bytes(at, n)
	return &cursor{f: f, b: b, at: at}, err
}

// expect reads n bytes and checks that they begin with a signature and one of two versions.
func (f *file) expect(at, n int64, sig string, versions ...byte) (*cursor, error) {
	c, err := f.read(at, n)
	if err != nil {
		return nil, err
	}
	if got := c.take(len(sig)); string(got) != sig {
		return nil, validate.Malformed(at, "%s where %s belongs", validate.Quote(got, 8), sig)
	}
	if len(versions) > 0 {
		v := c.u8()
		for _, want := range versions {
			if v == want {
				return c, nil
			}
		}
		return nil, validate.Malformed(at, "version %d of %s", v, sig)
	}
	return c, nil
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b)-c.i {
		c.bad = true
		c.i = len(c.b)
		return nil
	}
	b := c.b[c.i : c.i+n]
	c.i += n
	return b
}

func (c *cursor) skip(n int) { c.take(n) }

// uint reads a little-endian number of n bytes, n at most 8.
func (c *cursor) uint(n int) uint64 {
	var v uint64
	for i, b := range c.take(n) {
		v |= uint64(b) << (8 * i)
	}
	return v
}

func (c *cursor) u8() byte    { return byte(c.uint(1)) }
func (c *cursor) u16() uint16 { return uint16(c.uint(2)) }
func (c *cursor) u32() uint32 { return uint32(c.uint(4)) }

// undefined is the address of nothing: all bits set.
const undefined = int64(-1)

// addr reads an address and makes it absolute. An address that cannot be one is outside every file.
func (c *cursor) addr() int64 {
	v := c.uint(c.f.so)
	if v == math.MaxUint64>>(64-8*c.f.so) {
		return undefined
	}
	if v > math.MaxInt64-uint64(c.f.base) {
		return math.MaxInt64
	}
	return int64(v) + c.f.base
}

// length reads a size. What does not fit is larger than every file.
func (c *cursor) length() int64 {
	if v := c.uint(c.f.sl); v <= math.MaxInt64 {
		return int64(v)
	}
	return math.MaxInt64
}

// cstring reads up to a NUL; pad rounds what it takes up to a multiple.
func (c *cursor) cstring(pad int) string {
	for n := 0; c.i+n < len(c.b); n++ {
		if c.b[c.i+n] == 0 {
			s := string(c.b[c.i : c.i+n])
			c.skip((n + pad) / pad * pad)
			return s
		}
	}
	c.bad = true
	return ""
}

func (c *cursor) left() int    { return len(c.b) - c.i }
func (c *cursor) rest() []byte { return c.take(c.left()) }
func (c *cursor) pos() int64   { return c.at + int64(c.i) }

// sub is a cursor over the next n bytes.
func (c *cursor) sub(n int) *cursor {
	at := c.pos()
	return &cursor{f: c.f, b: c.take(n), at: at, bad: c.bad}
}

// ok is the error of a structure that was too short for its fields.
func (c *cursor) ok(what string) error {
	if c.bad {
		return validate.Malformed(c.at, "%s that ends inside its fields", what)
	}
	return nil
}

// checksum verifies the four bytes at the cursor against everything before them.
func (c *cursor) checksum(what string) error {
	want := lookup3(c.b[:min(c.i, len(c.b))])
	if got := c.u32(); got != want || c.bad {
		return validate.Malformed(c.at, "%s with checksum %08x, its bytes give %08x", what, got, want)
	}
	return nil
}

// unused judges what is left of a structure after its fields.
func (c *cursor) unused() { c.f.unusedBytes(c.pos(), c.rest()) }

// lookup3 is Bob Jenkins' hash of 2006, the checksum of all metadata since HDF5 1.8 (specification, appendix).
func lookup3(k []byte) uint32 {
	a := 0xdeadbeef + uint32(len(k))
	b, c := a, a
	rot := func(x uint32, n uint) uint32 { return x<<n | x>>(32-n) }
	for len(k) > 12 {
		a += binary.LittleEndian.Uint32(k)
		b += binary.LittleEndian.Uint32(k[4:])
		c += binary.LittleEndian.Uint32(k[8:])
		a -= c
		a ^= rot(c, 4)
		c += b
		b -= a
		b ^= rot(a, 6)
		a += c
		c -= b
		c ^= rot(b, 8)
		b += a
		a -= c
		a ^= rot(c, 16)
		c += b
		b -= a
		b ^= rot(a, 19)
		a += c
		c -= b
		c ^= rot(b, 4)
		b += a
		k = k[12:]
	}
	if len(k) == 0 {
		return c
	}
	var tail [12]byte
	copy(tail[:], k)
	a += binary.LittleEndian.Uint32(tail[:])
	b += binary.LittleEndian.Uint32(tail[4:])
	c += binary.LittleEndian.Uint32(tail[8:])
	c ^= b
	c -= rot(b, 14)
	a ^= c
	a -= rot(c, 11)
	b ^= a
	b -= rot(a, 25)
	c ^= b
	c -= rot(b, 16)
	a ^= c
	a -= rot(c, 4)
	b ^= a
	b -= rot(a, 14)
	c ^= b
	c -= rot(b, 24)
	return c
}
