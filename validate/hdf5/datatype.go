package hdf5

import (
	"math/bits"

	"github.com/loadlock/loadlock/validate"
)

// Datatype classes (specification IV.A.2.d).
const (
	classFixed     = 0
	classFloat     = 1
	classTime      = 2
	classString    = 3
	classBitfield  = 4
	classOpaque    = 5
	classCompound  = 6
	classReference = 7
	classEnum      = 8
	classVlen      = 9
	classArray     = 10
	classComplex   = 11
)

// datatype is what is needed to know how large a value is and whether it can hold a file.
type datatype struct {
	class byte
	size  int64
	base  *datatype // of vlen and array
	text  bool      // a variable-length string
}

const (
	maxTypeDepth = 32
	maxMembers   = 65_535
)

func readDatatype(c *cursor, depth int) (*datatype, error) {
	if depth > maxTypeDepth {
		return nil, validate.Malformed(c.pos(), "a datatype nested deeper than %d", maxTypeDepth)
	}
	at := c.pos()
	head, field := c.u8(), uint32(c.uint(3))
	version := head >> 4
	dt := &datatype{class: head & 0xf, size: int64(c.u32())}
	if version < 1 || version > 5 || c.bad || dt.size == 0 && dt.class != classString && dt.class != classOpaque {
		return nil, validate.Malformed(at, "a datatype of version %d, class %d and size %d", version, dt.class, dt.size)
	}
	var err error
	switch dt.class {
	case classFixed, classBitfield:
		c.skip(4)
	case classFloat:
		c.skip(12)
	case classTime:
		c.skip(2)
	case classString, classReference:
	case classOpaque:
		c.skip(int(field & 0xff))
	case classCompound:
		err = compound(c, int(field&0xffff), version, dt.size, depth)
	case classEnum:
		err = enum(c, int(field&0xffff), version, depth)
	case classVlen:
		dt.text = field&0xf == 1
		dt.base, err = readDatatype(c, depth+1)
	case classArray:
		n := int(c.u8())
		if version < 3 {
			c.skip(3)
		}
		c.skip(4 * n)
		if version < 3 {
			c.skip(4 * n)
		}
		dt.base, err = readDatatype(c, depth+1)
	case classComplex:
		dt.base, err = readDatatype(c, depth+1)
	default:
		err = validate.Malformed(at, "a datatype of class %d", dt.class)
	}
	if err == nil {
		err = c.ok("a datatype")
	}
	return dt, err
}

// compound reads the members of a structure.
func compound(c *cursor, n int, version byte, size int64, depth int) error {
	for range n {
		pad := 8
		if version >= 3 {
			pad = 1
		}
		c.cstring(pad)
		switch {
		case version >= 3:
			c.skip(bytesFor(size))
		case version == 2:
			c.skip(4)
		default:
			c.skip(4 + 4 + 4 + 4 + 16) // offset, dimensionality, permutation, reserved, dimensions
		}
		if err := c.ok("a compound datatype"); err != nil {
			return err
		}
		if _, err := readDatatype(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func enum(c *cursor, n int, version byte, depth int) error {
	base, err := readDatatype(c, depth+1)
	if err != nil {
		return err
	}
	pad := 8
	if version >= 3 {
		pad = 1
	}
	for range n {
		if c.cstring(pad); c.bad {
			break
		}
	}
	if base.size > 8 {
		return validate.Malformed(c.at, "an enumeration of values of %d bytes", base.size)
	}
	c.skip(n * int(base.size))
	return nil
}

// bytesFor is how many bytes the library uses for numbers up to max.
func bytesFor(max int64) int { return (bits.Len64(uint64(max)) + 7) / 8 }

// dataspace is how many values there are.
type dataspace struct {
	rank  int
	count int64 // product of the dimensions, or overflow
	null  bool
	dims  []int64
}

const overflow = int64(1<<63 - 1)

func readDataspace(c *cursor) (*dataspace, error) {
	at := c.pos()
	version, rank, flags := c.u8(), int(c.u8()), c.u8()
	s := &dataspace{rank: rank, count: 1}
	switch version {
	case 1:
		c.skip(5)
	case 2:
		s.null = c.u8() == 2
	default:
		return nil, validate.Malformed(at, "a dataspace of version %d", version)
	}
	if rank > 32 || flags&^3 != 0 {
		return nil, validate.Malformed(at, "a dataspace of rank %d and flags %#x", rank, flags)
	}
	for range rank {
		n := c.length()
		s.dims = append(s.dims, n)
		s.count = times(s.count, n)
	}
	for bit := byte(1); bit <= 2; bit <<= 1 { // maximum sizes, permutation
		if flags&bit != 0 {
			c.skip(rank * c.f.sl)
		}
	}
	if s.null {
		s.count = 0
	}
	return s, c.ok("a dataspace")
}

// times multiplies sizes that are not negative; what does not fit is overflow.
func times(a, b int64) int64 {
	high, low := bits.Mul64(uint64(a), uint64(b))
	if high != 0 || low > uint64(overflow) {
		return overflow
	}
	return int64(low)
}

// plus adds sizes that are not negative; what does not fit is overflow.
func plus(a, b int64) int64 {
	if a > overflow-b {
		return overflow
	}
	return a + b
}
