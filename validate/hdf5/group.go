package hdf5

import (
	"bytes"
	"slices"

	"github.com/loadlock/loadlock/validate"
)

// symbolTable reads a group of the old kind: a B-tree of symbol table nodes and a heap of names (specification III.B-D).
func (o *object) symbolTable(btree, heap int64) error {
	h, err := o.f.localHeap(heap)
	if err != nil {
		return err
	}
	err = o.f.btree1(btree, 0, func(node int64) error { return o.symbolNode(node, h) }, nil)
	if err != nil {
		return err
	}
	return h.close()
}

// symbolNode reads one node of up to 2K members.
func (o *object) symbolNode(at int64, h *localHeap) error {
	f := o.f
	if err := f.structure(at); err != nil {
		return err
	}
	entry := 2*f.so + 24
	c, err := f.expect(at, 8+2*f.leafK*int64(entry), "SNOD", 1)
	if err != nil {
		return err
	}
	f.claim(at, int64(len(c.b)))
	c.skip(1)
	n := int(c.u16())
	if int64(n) > 2*f.leafK {
		return validate.Malformed(at, "%d members in a node for %d", n, 2*f.leafK)
	}
	for range n {
		e := c.sub(entry)
		name, err := h.name(int64(e.uint(f.so)))
		if err != nil {
			return err
		}
		target, kind := e.addr(), e.u32()
		e.skip(4)
		if kind == 2 { // a soft link: its text is in the heap
			value := int64(e.u32())
			if _, err := h.name(value); err != nil {
				return err
			}
			target = undefined
		} else if kind > 2 {
			return validate.Malformed(e.at, "a symbol table entry of kind %d", kind)
		}
		if err := o.member(name, target, e.at); err != nil {
			return err
		}
	}
	c.unused()
	return nil
}

// member notes one link of a group and queues its target.
func (o *object) member(name string, target, at int64) error {
	fresh, err := o.links.add(name)
	if err != nil {
		return err
	}
	if !fresh {
		o.f.p.Report(duplicateLink, at, "%s in %s", validate.Quote(name, 80), validate.Quote("/"+o.path, 120))
	}
	if target == undefined {
		return nil
	}
	if target < o.f.base || target >= o.f.end {
		return validate.Malformed(at, "member %s outside the file", validate.Quote(name, 80))
	}
	return o.f.visit(target, o.join(name))
}

// localHeap is the names of a group.
type localHeap struct {
	f    *file
	at   int64
	data []byte
	used []span
}

func (f *file) localHeap(at int64) (*localHeap, error) {
	if err := f.structure(at); err != nil {
		return nil, err
	}
	c, err := f.expect(at, int64(8+2*f.sl+f.so), "HEAP", 0)
	if err != nil {
		return nil, err
	}
	c.skip(3)
	size := c.length()
	free := c.uint(f.sl)
	data, err := f.read(c.addr(), size)
	if err != nil {
		return nil, err
	}
	f.claim(at, int64(len(c.b)))
	f.claim(data.at, size)
	h := &localHeap{f: f, at: data.at, data: data.b}
	return h, h.freeList(free)
}

// freeList notes the link fields of the free blocks, each the offset of the next and a size.
func (h *localHeap) freeList(next uint64) error {
	for n := 0; next != 1 && next != 1<<(8*h.f.sl)-1; n++ {
		if next > uint64(len(h.data)) || uint64(len(h.data))-next < uint64(2*h.f.sl) || n > len(h.data)/16 {
			return validate.Malformed(h.at, "a heap whose list of free blocks leaves it")
		}
		c := &cursor{f: h.f, b: h.data[next:], at: h.at + int64(next)}
		h.use(int64(next), int64(next)+int64(2*h.f.sl))
		next = c.uint(h.f.sl)
	}
	return nil
}

func (h *localHeap) use(off, end int64) { h.used = append(h.used, span{off, end}) }

// name is the text at an offset of the heap.
func (h *localHeap) name(off int64) (string, error) {
	if off < 0 || off >= int64(len(h.data)) {
		return "", validate.Malformed(h.at, "a name outside its heap")
	}
	n := bytes.IndexByte(h.data[off:], 0)
	if n < 0 {
		return "", validate.Malformed(h.at+off, "a name without an end")
	}
	h.use(off, off+int64(n))
	return string(h.data[off : off+int64(n)]), h.f.p.Charge(validate.Entries, 0)
}

// close judges what is neither name nor free list. A group without members keeps no promise about its first bytes.
func (h *localHeap) close() error {
	slices.SortFunc(h.used, func(a, b span) int { return int(a.off - b.off) })
	at := int64(0)
	for _, u := range append(h.used, span{int64(len(h.data)), 0}) {
		if u.off > at {
			h.f.unusedBytes(h.at+at, h.data[at:u.off])
		}
		at = max(at, u.end)
	}
	return nil
}

// maxLevel bounds the height of a B-tree, nodeMax its nodes, so that a path from the root fits into memory. The library
// writes nodes of some kilobytes with at least sixteen children.
const (
	maxLevel = 12
	nodeMax  = 512 << 10
)

// btree1 walks a B-tree of version 1 (specification III.A.1). Type 0 is of groups, 1 of chunks; leaf gets the children
// of level 0, key the raw key before each of them.
func (f *file) btree1(at int64, kind byte, leaf func(child int64) error, key *chunkKey) error {
	return f.node1(at, kind, -1, leaf, key)
}

func (f *file) node1(at int64, kind byte, level int, leaf func(child int64) error, key *chunkKey) error {
	if err := f.structure(at); err != nil {
		return err
	}
	keySize, k := f.sl, f.groupK
	if kind == 1 {
		keySize, k = 8+8*key.rank, f.chunkK
	}
	size := int64(8+2*f.so) + (2*k+1)*int64(keySize) + 2*k*int64(f.so)
	if size > nodeMax {
		return tooMany(at, "bytes of one B-tree node", nodeMax)
	}
	c, err := f.expect(at, size, "TREE")
	if err != nil {
		return err
	}
	f.claim(at, int64(len(c.b)))
	got, lev, n := c.u8(), int(c.u8()), int(c.u16())
	if got != kind || level >= 0 && lev != level || lev > maxLevel || int64(n) > 2*k {
		return validate.Malformed(at, "a B-tree node of type %d, level %d and %d children", got, lev, n)
	}
	c.addr() // its neighbours, which the tree itself gives
	c.addr()
	for range n {
		raw := c.sub(keySize)
		if kind == 1 {
			key.size, key.mask = int64(raw.u32()), raw.u32()
		}
		child := c.addr()
		if lev > 0 {
			err = f.node1(child, kind, lev-1, leaf, key)
		} else {
			err = leaf(child)
		}
		if err != nil {
			return err
		}
	}
	c.skip(keySize)
	if err := c.ok("a B-tree node"); err != nil {
		return err
	}
	c.unused()
	return nil
}

// chunkKey is what the key of a chunk says.
type chunkKey struct {
	rank int // of the key: dimensions and the element
	size int64
	mask uint32
}
