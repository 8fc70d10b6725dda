package hdf5

import (
	"math/bits"

	"github.com/loadlock/loadlock/validate"
)

// array is what fixed and extensible arrays have in common (specification VII.C and D): elements that are addresses of
// chunks, with sizes if the chunks are compressed.
type array struct {
	f       *file
	owner   int64
	client  byte
	element int
	full    int64
	chunk   func(at, n int64) error
	pageMax int64 // elements of a page
}

// elements reads n elements at the cursor.
func (a *array) elements(c *cursor, n int64) error {
	for range n {
		e := c.sub(a.element)
		if e.bad {
			return validate.Malformed(c.at, "an array that ends inside its elements")
		}
		at, size := e.addr(), a.full
		if a.client == 1 {
			size = int64(e.uint(a.element - a.f.so - 4))
		}
		if size < 0 {
			return validate.Malformed(e.at, "a chunk of more bytes than there are")
		}
		if err := a.chunk(at, size); err != nil {
			return err
		}
	}
	return nil
}

func (a *array) ok(at int64) error {
	want := a.f.so
	if a.client == 1 {
		want += 5
	}
	if a.client > 1 || a.element < want || a.client == 0 && a.element != want || a.element > a.f.so+12 {
		return validate.Malformed(at, "an array of client %d with elements of %d bytes", a.client, a.element)
	}
	return nil
}

// block reads a part of an array: signature, version, client, owner; extra is what follows, n elements after it.
func (a *array) block(at int64, sig string, extra, n int64) (*cursor, error) {
	f := a.f
	if err := f.structure(at); err != nil {
		return nil, err
	}
	size := plus(plus(int64(6+f.so), extra), plus(times(n, int64(a.element)), 4))
	c, err := f.expect(at, size, sig, 0)
	if err != nil {
		return nil, err
	}
	if client, owner := c.u8(), c.addr(); client != a.client || owner != a.owner {
		return nil, validate.Malformed(at, "a block of another array")
	}
	f.claim(at, size)
	return c, nil
}

// pages reads n elements in pages that stand one after another, each with a checksum. Pages that were never written,
// as the bitmap says, hold anything.
func (a *array) pages(at, n int64, bitmap []byte) error {
	for page := 0; n > 0; page++ {
		k := min(n, a.pageMax)
		size := k*int64(a.element) + 4
		if whole := a.pageMax*int64(a.element) + 4; bitmap == nil || page/8 < len(bitmap) && bitmap[page/8]>>(7-page%8)&1 != 0 {
			c, err := a.f.read(at, size)
			if err != nil {
				return err
			}
			if err := a.elements(c, k); err != nil {
				return err
			}
			if err := c.checksum("a page"); err != nil {
				return err
			}
		} else if err := a.f.unusedRange(at, min(whole, max(0, a.f.end-at))); err != nil {
			return err
		}
		a.f.claim(at, size)
		at += size
		n -= k
	}
	return nil
}

const maxPageBits = 20

func (f *file) fixedArray(at, full int64, chunk func(at, n int64) error) error {
	if err := f.structure(at); err != nil {
		return err
	}
	c, err := f.expect(at, int64(8+f.sl+f.so+4), "FAHD", 0)
	if err != nil {
		return err
	}
	a := &array{f: f, owner: at, full: full, chunk: chunk, client: c.u8(), element: int(c.u8())}
	pageBits := c.u8()
	n, block := c.length(), c.addr()
	if err := c.checksum("a fixed array"); err != nil {
		return err
	}
	f.claim(at, int64(len(c.b)))
	if err := a.ok(at); err != nil || block == undefined {
		return err
	}
	if pageBits > maxPageBits {
		return validate.Malformed(at, "pages of 2^%d elements", pageBits)
	}
	a.pageMax = 1 << pageBits
	if n <= a.pageMax {
		c, err := a.block(block, "FADB", 0, n)
		if err != nil {
			return err
		}
		if err := a.elements(c, n); err != nil {
			return err
		}
		return c.checksum("a fixed array block")
	}
	bitmap := ((n+a.pageMax-1)/a.pageMax + 7) / 8
	c, err = a.block(block, "FADB", bitmap, 0)
	if err != nil {
		return err
	}
	written := c.take(int(bitmap))
	if err := c.checksum("a fixed array block"); err != nil {
		return err
	}
	return a.pages(c.pos(), n, written)
}

// extensible is an extensible array.
type extensible struct {
	array
	maxBits  int
	inIndex  int64 // elements in the index block
	smallest int64 // elements of the smallest data block
	supers   int64 // smallest number of data blocks in a super block
}

func (f *file) extensibleArray(at, full int64, chunk func(at, n int64) error) error {
	if err := f.structure(at); err != nil {
		return err
	}
	c, err := f.expect(at, int64(12+6*f.sl+f.so+4), "EAHD", 0)
	if err != nil {
		return err
	}
	a := &extensible{array: array{f: f, owner: at, full: full, chunk: chunk, client: c.u8(), element: int(c.u8())}}
	a.maxBits, a.inIndex, a.smallest, a.supers = int(c.u8()), int64(c.u8()), int64(c.u8()), int64(c.u8())
	pageBits := c.u8()
	c.skip(6 * f.sl) // statistics
	index := c.addr()
	if err := c.checksum("an extensible array"); err != nil {
		return err
	}
	f.claim(at, int64(len(c.b)))
	if err := a.ok(at); err != nil || index == undefined {
		return err
	}
	power := func(n int64) bool { return n > 0 && n&(n-1) == 0 }
	if a.maxBits > 62 || pageBits > maxPageBits || !power(a.smallest) || !power(a.supers) || a.supers < 2 || log2(a.smallest) > a.maxBits {
		return validate.Malformed(at, "an extensible array of 2^%d elements in blocks of %d", a.maxBits, a.smallest)
	}
	a.pageMax = 1 << pageBits
	return a.index(index)
}

func log2(n int64) int { return bits.Len64(uint64(n)) - 1 }

// index reads the index block: the first elements, then addresses of data blocks, then of super blocks.
func (a *extensible) index(at int64) error {
	superCount := 1 + int64(a.maxBits-log2(a.smallest))
	inIndex := int64(2 * log2(a.supers))
	blocks, supers := 2*(a.supers-1), max(0, superCount-inIndex)
	c, err := a.block(at, "EAIB", (blocks+supers)*int64(a.f.so), a.inIndex)
	if err != nil {
		return err
	}
	if err := a.elements(c, a.inIndex); err != nil {
		return err
	}
	var done int64 // elements before the blocks of this size
	for s, i := int64(0), int64(0); i < blocks; s++ {
		n, per := min(blocks-i, int64(1)<<(s/2)), a.perBlock(s)
		for range n {
			// The library counts i from the first block of all and writes that down (H5EA__lookup_elmt).
			if err := a.data(c.addr(), per, done+i*per); err != nil {
				return err
			}
			i++
		}
		done += n * per
	}
	for s := inIndex; s < inIndex+supers; s++ {
		if err := a.super(c.addr(), s, done); err != nil {
			return err
		}
		done += a.perBlock(s) << (s / 2)
	}
	return c.checksum("an extensible array index")
}

// perBlock is how many elements the data blocks of a super block hold.
func (a *extensible) perBlock(super int64) int64 { return a.smallest << ((super + 1) / 2) }

func (a *extensible) offsetSize() int64 { return int64(a.maxBits+7) / 8 }

func (a *extensible) super(at, s, first int64) error {
	if at == undefined {
		return nil
	}
	n, per := int64(1)<<(s/2), a.perBlock(s)
	bitmap := int64(0)
	if per > a.pageMax {
		bitmap = (per/a.pageMax + 7) / 8
	}
	if n > 1<<20 || times(n, bitmap) > nodeMax {
		return tooMany(at, "bytes of one super block", nodeMax)
	}
	c, err := a.block(at, "EASB", a.offsetSize()+n*bitmap+n*int64(a.f.so), 0)
	if err != nil {
		return err
	}
	if c.uint(int(a.offsetSize())) != uint64(first) {
		return validate.Malformed(at, "a super block out of its place")
	}
	written := c.take(int(n * bitmap))
	for i := range n {
		child := c.addr()
		if bitmap > 0 && child != undefined {
			err = a.paged(child, per, first+i*per, written[i*bitmap:(i+1)*bitmap])
		} else {
			err = a.data(child, per, first+i*per)
		}
		if err != nil {
			return err
		}
	}
	return c.checksum("a super block")
}

func (a *extensible) data(at, n, first int64) error {
	if at == undefined {
		return nil
	}
	c, err := a.block(at, "EADB", a.offsetSize(), n)
	if err != nil {
		return err
	}
	if c.uint(int(a.offsetSize())) != uint64(first) {
		return validate.Malformed(at, "a data block out of its place")
	}
	if err := a.elements(c, n); err != nil {
		return err
	}
	return c.checksum("a data block")
}

func (a *extensible) paged(at, n, first int64, written []byte) error {
	c, err := a.block(at, "EADB", a.offsetSize(), 0)
	if err != nil {
		return err
	}
	if c.uint(int(a.offsetSize())) != uint64(first) {
		return validate.Malformed(at, "a data block out of its place")
	}
	if err := c.checksum("a data block"); err != nil {
		return err
	}
	return a.pages(c.pos(), n, written)
}
