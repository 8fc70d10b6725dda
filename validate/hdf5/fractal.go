package hdf5

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/loadlock/loadlock/validate"
)

// fractalHeap keeps the many links or attributes of one object (specification III.G).
type fractalHeap struct {
	f          *file
	at         int64
	idLen      int
	offLen     int // bytes of an offset in an id and in a block
	lenLen     int // bytes of a length in an id
	checked    bool
	width      int64
	first      int64 // size of the smallest block
	largest    int64 // size of the largest direct block
	maxManaged int64
	blocks     []heapBlock
	huge       map[uint64]span
	used       []span // in the file
}

// heapBlock is a direct block: heap offsets [heap, heap+size) are the file's bytes from at.
type heapBlock struct{ heap, at, size, head int64 }

const (
	maxHeapBlocks = 100_000
	objectMax     = 1 << 20 // bytes of one attribute or link in a heap
)

func (f *file) fractalHeap(at int64) (*fractalHeap, error) {
	if err := f.structure(at); err != nil {
		return nil, err
	}
	c, err := f.expect(at, int64(26+12*f.sl+3*f.so), "FRHP", 0)
	if err != nil {
		return nil, err
	}
	h := &fractalHeap{f: f, at: at, idLen: int(c.u16())}
	filters, flags := c.u16(), c.u8()
	h.checked = flags&2 != 0
	h.maxManaged = int64(c.u32())
	c.length() // next id of a huge object
	hugeTree := c.addr()
	c.length()
	space := c.addr()
	for range 8 { // sizes and counts of what is in it
		c.length()
	}
	h.width, h.first, h.largest = int64(c.u16()), c.length(), c.length()
	maxBits := int(c.u16())
	c.u16()
	root, rows := c.addr(), int64(c.u16())
	if filters != 0 {
		return nil, validate.Malformed(at, "a compressed heap of links or attributes")
	}
	if err := c.checksum("a heap header"); err != nil {
		return nil, err
	}
	powers := h.first > 0 && h.first&(h.first-1) == 0 && h.largest&(h.largest-1) == 0 && h.width > 0 && h.width&(h.width-1) == 0
	if !powers || h.first > h.largest || h.largest > 1<<31 || maxBits < 1 || maxBits > 62 || h.idLen < 2 || h.idLen > 4096 || rows > 64 {
		return nil, validate.Malformed(at, "a heap of blocks from %d to %d, width %d", h.first, h.largest, h.width)
	}
	h.offLen = (maxBits + 7) / 8
	h.lenLen = min((bits.Len64(uint64(h.largest))+6)/8, limitBytes(uint64(h.maxManaged)))
	f.claim(at, int64(len(c.b)))
	if err := h.tables(root, rows, hugeTree, space); err != nil {
		return nil, err
	}
	slices.SortFunc(h.blocks, func(a, b heapBlock) int { return cmp.Compare(a.heap, b.heap) })
	return h, nil
}

// tables reads the blocks, the index of huge objects and the free-space manager.
func (h *fractalHeap) tables(root, rows, hugeTree, space int64) (err error) {
	switch {
	case root == undefined:
	case rows == 0:
		err = h.direct(root, 0, h.first)
	default:
		err = h.indirect(root, 0, rows, 0)
	}
	if err == nil && hugeTree != undefined {
		err = h.hugeObjects(hugeTree)
	}
	if err == nil && space != undefined {
		err = h.f.freeSpaceManager(space)
	}
	return err
}

// rowSize is the size of the blocks in a row of the doubling table.
func (h *fractalHeap) rowSize(row int64) int64 {
	if row < 2 {
		return h.first
	}
	if row > 60 {
		return overflow
	}
	return times(h.first, 1<<(row-1))
}

// prefix reads what direct and indirect blocks begin with.
func (h *fractalHeap) prefix(c *cursor, at, heapOff int64) error {
	if owner := c.addr(); owner != h.at {
		return validate.Malformed(at, "a block of another heap")
	}
	if off := c.uint(h.offLen); off != uint64(heapOff) {
		return validate.Malformed(at, "a block for heap offset %d where %d belongs", off, heapOff)
	}
	return nil
}

func (h *fractalHeap) direct(at, heapOff, size int64) error {
	f := h.f
	if err := f.structure(at); err != nil {
		return err
	}
	if len(h.blocks) >= maxHeapBlocks {
		return tooMany(at, "blocks of one heap", maxHeapBlocks)
	}
	head := int64(5 + f.so + h.offLen)
	if h.checked {
		head += 4
	}
	c, err := f.expect(at, head, "FHDB", 0)
	if err != nil {
		return err
	}
	if err := h.prefix(c, at, heapOff); err != nil {
		return err
	}
	if size < head || size > f.end-at {
		return validate.Malformed(at, "a heap block of %d bytes", size)
	}
	f.claim(at, size)
	h.blocks = append(h.blocks, heapBlock{heapOff, at, size, head})
	return nil
}

// indirect reads a table of blocks; those of the first rows are direct.
func (h *fractalHeap) indirect(at, heapOff, rows int64, depth int) error {
	f := h.f
	if err := f.structure(at); err != nil {
		return err
	}
	n := int64(5+f.so+h.offLen) + rows*h.width*int64(f.so) + 4
	if n > nodeMax || depth > 8 {
		return tooMany(at, "bytes of one heap table", nodeMax)
	}
	c, err := f.expect(at, n, "FHIB", 0)
	if err != nil {
		return err
	}
	f.claim(at, n)
	if err := h.prefix(c, at, heapOff); err != nil {
		return err
	}
	directRows := int64(bits.Len64(uint64(h.largest))-bits.Len64(uint64(h.first))) + 2
	for row := range rows {
		size := h.rowSize(row)
		for range h.width {
			if child := c.addr(); child != undefined {
				if row < directRows {
					err = h.direct(child, heapOff, size)
				} else {
					below := int64(bits.Len64(uint64(size))-bits.Len64(uint64(times(h.first, h.width)))) + 1
					err = h.indirect(child, heapOff, max(1, below), depth+1)
				}
				if err != nil {
					return err
				}
			}
			heapOff = plus(heapOff, size)
		}
	}
	return c.checksum("a heap table")
}

// hugeObjects reads the index of objects that stand outside the blocks.
func (h *fractalHeap) hugeObjects(at int64) error {
	h.huge = map[uint64]span{}
	direct := h.idLen-1 >= h.f.so+h.f.sl
	kind := byte(recordHuge)
	if direct {
		kind = recordHugeDirect
	}
	return h.f.btree2(at, kind, func(r *cursor) error {
		off, n := r.addr(), r.length()
		key := uint64(off)
		if !direct {
			key = r.uint(h.f.sl)
		}
		if r.bad || len(h.huge) >= maxNames || n > h.f.end || off < 0 || off > h.f.end {
			return validate.Malformed(r.at, "a huge object of %d bytes", n)
		}
		h.huge[key] = span{off, off + n}
		h.f.claim(off, n)
		return nil
	})
}

// open reads the object of an id (specification III.G, heap ids).
func (h *fractalHeap) open(id []byte, visit func(*cursor) error) error {
	r := &cursor{f: h.f, b: id}
	head := r.u8()
	var at, n int64
	switch head >> 4 & 3 {
	case 0:
		off := int64(r.uint(h.offLen))
		n = int64(r.uint(h.lenLen))
		i, found := slices.BinarySearchFunc(h.blocks, off, func(b heapBlock, off int64) int { return cmp.Compare(b.heap, off) })
		if !found {
			i--
		}
		if i < 0 || r.bad || off-h.blocks[i].heap < h.blocks[i].head || n > h.blocks[i].size-(off-h.blocks[i].heap) {
			return validate.Malformed(h.at, "an object at heap offset %d that is in no block", off)
		}
		at = h.blocks[i].at + off - h.blocks[i].heap
		h.used = append(h.used, span{at, at + n})
	case 1:
		key := r.uint(min(h.f.sl, h.idLen-1))
		if h.idLen-1 >= h.f.so+h.f.sl {
			r.i = 1
			key = uint64(r.addr())
		}
		s, known := h.huge[key]
		if !known || r.bad {
			return validate.Malformed(h.at, "a huge object that no index lists")
		}
		at, n = s.off, s.end-s.off
	case 2:
		n = int64(head&0xf) + 1
		if h.idLen > 17 {
			n = (n-1)<<8 + int64(r.u8()) + 1
		}
		body := r.sub(int(n))
		if body.bad {
			return validate.Malformed(h.at, "a tiny object of %d bytes", n)
		}
		body.at = h.at
		return visit(body)
	default:
		return validate.Malformed(h.at, "a heap id of kind 3")
	}
	if n > objectMax {
		return h.large(at, n, visit)
	}
	c, err := h.f.read(at, n)
	if err != nil {
		return err
	}
	if err := visit(c); err != nil {
		return err
	}
	if err := c.ok("a message in a heap"); err != nil {
		return err
	}
	c.unused()
	return nil
}

// large reads an attribute whose value is not to be held: its head, and the value by place.
func (h *fractalHeap) large(at, n int64, visit func(*cursor) error) error {
	c, err := h.f.read(at, min(n, 64<<10))
	if err != nil {
		return err
	}
	c.beyond = n - int64(len(c.b))
	return visit(c)
}

// close judges what no object of the heap uses.
func (h *fractalHeap) close() error {
	slices.SortFunc(h.used, func(a, b span) int { return cmp.Compare(a.off, b.off) })
	byPlace := slices.Clone(h.blocks)
	slices.SortFunc(byPlace, func(a, b heapBlock) int { return cmp.Compare(a.at, b.at) })
	i := 0
	for _, b := range byPlace {
		at := b.at + b.head
		for ; i < len(h.used) && h.used[i].off < b.at+b.size; i++ {
			if err := h.f.unusedRange(at, h.used[i].off-at); err != nil {
				return err
			}
			at = max(at, h.used[i].end)
		}
		if err := h.f.unusedRange(at, b.at+b.size-at); err != nil {
			return err
		}
	}
	return nil
}
