package hdf5

// freeSpaceManager claims a manager and its list of sections (specification III.H); both hold numbers only.
func (f *file) freeSpaceManager(at int64) error {
	if err := f.structure(at); err != nil {
		return err
	}
	c, err := f.expect(at, int64(5+1+5*f.sl+8+f.so+3*f.sl+4-f.sl), "FSHD", 0)
	if err != nil {
		return err
	}
	c.skip(1)
	for range 4 {
		c.length()
	}
	c.skip(8)
	c.length() // size of a section
	list := c.addr()
	used, allocated := c.length(), c.length()
	if err := c.checksum("a free-space manager"); err != nil {
		return err
	}
	f.claim(at, int64(len(c.b)))
	if list == undefined {
		return nil
	}
	if err := f.structure(list); err != nil {
		return err
	}
	s, err := f.expect(list, used, "FSSE", 0)
	if err != nil {
		return err
	}
	s.i = len(s.b)
	f.claim(list, allocated)
	return f.unusedRange(list+used, max(0, allocated-used))
}
