package hdf5

import (
	"slices"

	"github.com/loadlock/loadlock/validate"
)

// superblock reads the head of the file (specification II.A) and queues the root group.
func (f *file) superblock(at int64) error {
	f.base, f.end, f.so, f.sl = at, f.p.Size, 8, 8
	head, err := f.read(at, min(16, f.p.Size-at))
	if err != nil {
		return err
	}
	head.skip(len(signature))
	version := head.u8()
	if version > 3 {
		return validate.Malformed(at, "superblock version %d", version)
	}
	sizes := 9
	if version < 2 {
		sizes = 13
	}
	if len(head.b) < 16 {
		return validate.Malformed(at, "a superblock of %d bytes", len(head.b))
	}
	f.so, f.sl = int(head.b[sizes]), int(head.b[sizes+1])
	for _, n := range []int{f.so, f.sl} {
		if !slices.Contains([]int{2, 4, 8}, n) {
			return validate.Malformed(at, "addresses of %d and lengths of %d bytes", f.so, f.sl)
		}
	}
	if version < 2 {
		return f.superblock0(at, version)
	}
	return f.superblock2(at)
}

// superblock0 reads versions 0 and 1.
func (f *file) superblock0(at int64, version byte) error {
	n := int64(24 + 4*f.so + 2*f.so + 24)
	if version == 1 {
		n += 4
	}
	c, err := f.read(at, n)
	if err != nil {
		return err
	}
	c.skip(len(signature) + 1)
	var inner byte
	for range 4 {
		inner |= byte(c.u8())
	}
	if inner != 0 {
		return validate.Malformed(at, "a superblock with unknown versions inside")
	}
	c.skip(3) // sizes and a reserved byte
	f.leafK, f.groupK = int64(c.u16()), int64(c.u16())
	c.skip(4) // consistency flags
	if version == 1 {
		f.chunkK = int64(c.u16())
		c.skip(2)
	}
	if err := f.addresses(at, c, func() int64 { return c.addr() /* free-space info, never used */ }); err != nil {
		return err
	}
	if block := c.addr(); block != undefined {
		if err := f.driverBlock(block); err != nil {
			return err
		}
	}
	f.claim(at, n)
	c.skip(f.so) // name of the root
	root := c.addr()
	cached, scratch := c.u32(), c
	scratch.skip(4)
	if cached > 1 {
		return validate.Malformed(at, "a root group of kind %d", cached)
	}
	if f.leafK == 0 || f.groupK == 0 || f.chunkK == 0 {
		return validate.Malformed(at, "a B-tree of no children")
	}
	return f.root(root)
}

// addresses reads the base address, what stands between, and the end of the file.
func (f *file) addresses(at int64, c *cursor, between func() int64) error {
	f.base = 0
	base := c.addr()
	f.base = at
	if base != at {
		return validate.Malformed(at, "base address %d in a superblock at %d", base, at)
	}
	if extra := between(); extra != undefined {
		if err := f.extension(extra); err != nil {
			return err
		}
	}
	end := c.addr() // of the whole file, user block included (H5F__super_read)
	if end != undefined {
		end -= f.base
	}
	if err := c.ok("a superblock"); err != nil {
		return err
	}
	if end > f.p.Size || end < c.at {
		return validate.Malformed(at, "the file should end at %d and has %d bytes", end, f.p.Size)
	}
	f.end = end // what is behind it nobody claims
	return nil
}

// superblock2 reads versions 2 and 3.
func (f *file) superblock2(at int64) error {
	n := int64(16 + 4*f.so)
	c, err := f.read(at, n)
	if err != nil {
		return err
	}
	c.skip(len(signature) + 4)
	if err := f.addresses(at, c, func() int64 { return c.addr() }); err != nil {
		return err
	}
	root := c.addr()
	if err := c.checksum("a superblock"); err != nil {
		return err
	}
	f.claim(at, n)
	return f.root(root)
}

func (f *file) root(addr int64) error {
	if addr == undefined {
		return validate.Malformed(f.base, "a file without a root group")
	}
	return f.visit(addr, "")
}

const extensionPath = "superblock extension"

// extension reads the object header that extends the superblock at once, because it says how wide B-trees are.
func (f *file) extension(addr int64) error {
	if err := f.structure(addr); err != nil {
		return err
	}
	return f.object(item{addr, extensionPath})
}

// driverBlock reads the driver information of old files (specification II.B).
func (f *file) driverBlock(at int64) error {
	if err := f.structure(at); err != nil {
		return err
	}
	c, err := f.read(at, 16)
	if err != nil {
		return err
	}
	c.skip(4)
	n := int64(c.u32())
	f.p.Report(driver, at, "driver %s", validate.Quote(c.take(8), 8))
	f.claim(at, 16+n)
	return nil
}
