package hdf5

import (
	"github.com/loadlock/loadlock/validate"
)

// Record types of a B-tree of version 2 (specification III.A.2).
const (
	recordHuge           = 1
	recordHugeDirect     = 3
	recordLinkName       = 5
	recordLinkOrder      = 6
	recordAttributeName  = 8
	recordAttributeOrder = 9
	recordChunk          = 10
	recordChunkFiltered  = 11
)

// btree2 is a B-tree of version 2 being walked.
type btree2 struct {
	f       *file
	kind    byte
	node    int64
	record  int
	levels  []level
	visit   func(*cursor) error
	records uint64
}

// level is what a node of some height can hold.
type level struct {
	max     uint64 // records in a node
	total   uint64 // records in a node and below it
	maxLen  int    // bytes of a count up to max
	totalSz int    // bytes of a count up to total
}

// btree2 calls visit for every record of the tree at an address.
func (f *file) btree2(at int64, kind byte, visit func(*cursor) error) error {
	if at == undefined {
		return nil
	}
	if err := f.structure(at); err != nil {
		return err
	}
	c, err := f.expect(at, int64(22+f.so+f.sl), "BTHD", 0)
	if err != nil {
		return err
	}
	t := &btree2{f: f, kind: c.u8(), visit: visit}
	t.node, t.record = int64(c.u32()), int(c.u16())
	depth := int(c.u16())
	c.skip(2) // when nodes split and merge
	root, n, all := c.addr(), uint64(c.u16()), uint64(c.length())
	if err := c.checksum("a B-tree header"); err != nil {
		return err
	}
	f.claim(at, int64(len(c.b)))
	if t.kind != kind || t.record == 0 || depth > maxLevel || t.node > nodeMax || t.node < 10+int64(t.record) {
		return validate.Malformed(at, "a B-tree of type %d, depth %d, nodes of %d and records of %d bytes", t.kind, depth, t.node, t.record)
	}
	t.shape(depth)
	if root != undefined {
		if err := t.walk(root, depth, n); err != nil {
			return err
		}
	}
	if t.records != all {
		return validate.Malformed(at, "a B-tree with %d records that announces %d", t.records, all)
	}
	return nil
}

// shape computes how counts are written on every level, as H5B2__hdr_init does.
func (t *btree2) shape(depth int) {
	most := uint64(t.node-10) / uint64(t.record)
	leaf := level{max: most, total: most, maxLen: limitBytes(most)}
	t.levels = append(t.levels, leaf)
	for u := 1; u <= depth; u++ {
		below := t.levels[u-1]
		pointer := uint64(t.f.so + leaf.maxLen + below.totalSz)
		l := level{maxLen: leaf.maxLen}
		if room := uint64(t.node) - 10; room > pointer {
			l.max = (room - pointer) / (uint64(t.record) + pointer)
		}
		if l.total = (l.max+1)*below.total + l.max; l.total < below.total || l.total > 1<<62 {
			l.total = 1 << 62
		}
		l.totalSz = limitBytes(l.total)
		t.levels = append(t.levels, l)
	}
}

// limitBytes is H5VM_limit_enc_size: bytes for numbers up to a limit.
func limitBytes(limit uint64) int { return max(1, bytesFor(int64(limit))) }

func (t *btree2) walk(at int64, depth int, n uint64) error {
	f := t.f
	if err := f.structure(at); err != nil {
		return err
	}
	sig := "BTLF"
	if depth > 0 {
		sig = "BTIN"
	}
	c, err := f.expect(at, t.node, sig, 0)
	if err != nil {
		return err
	}
	if kind := c.u8(); kind != t.kind || n > t.levels[depth].max {
		return validate.Malformed(at, "a node of type %d with %d records", kind, n)
	}
	f.claim(at, t.node)
	for range n {
		t.records++
		at := c.pos()
		if err := t.visit(&cursor{f: f, b: c.take(t.record), at: at}); err != nil {
			return err
		}
	}
	if depth > 0 {
		for range n + 1 {
			child, k := c.addr(), c.uint(t.levels[0].maxLen)
			if depth > 1 {
				c.skip(t.levels[depth-1].totalSz)
			}
			if err := c.ok("a B-tree node"); err != nil {
				return err
			}
			if err := t.walk(child, depth-1, k); err != nil {
				return err
			}
		}
	}
	if err := c.checksum("a B-tree node"); err != nil {
		return err
	}
	c.unused()
	return nil
}
