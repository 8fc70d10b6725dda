package hdf5

import (
	"slices"

	"github.com/loadlock/loadlock/validate"
)

// attribute reads an attribute message (specification IV.A.2.m) and judges its value.
func (o *object) attribute(c *cursor) error {
	at := c.pos()
	version, flags := c.u8(), c.u8()
	if version < 1 || version > 3 || version > 1 && flags&^3 != 0 {
		return validate.Malformed(at, "an attribute of version %d and flags %#x", version, flags)
	}
	nameLen, typeLen, spaceLen := int(c.u16()), int(c.u16()), int(c.u16())
	if version == 3 {
		c.skip(1) // character set of the name
	}
	pad := func(n int) int {
		if version == 1 {
			return (n + 7) / 8 * 8
		}
		return n
	}
	name := c.sub(pad(nameLen)).cstring(1)
	kindCursor, spaceCursor := c.sub(pad(typeLen)), c.sub(pad(spaceLen))
	if err := c.ok("an attribute"); err != nil {
		return err
	}
	fresh, err := o.names.add(name)
	if err != nil {
		return err
	}
	if o.f.visited != nil {
		o.listed = append(o.listed, name)
		slices.Sort(o.listed)
	}
	if !fresh {
		o.f.p.Report(duplicateAttribute, at, "%s of %s", validate.Quote(name, 80), validate.Quote("/"+o.path, 120))
	}
	var kind *datatype
	if version > 1 && flags&1 != 0 {
		var where int64
		if where, err = sharedAddress(kindCursor); err == nil {
			kind, err = o.f.committed(where)
		}
	} else {
		kind, err = readDatatype(kindCursor, 0)
	}
	if err != nil {
		return err
	}
	if version > 1 && flags&2 != 0 {
		return validate.Malformed(at, "an attribute with a shared dataspace")
	}
	size, err := readDataspace(spaceCursor)
	if err != nil {
		return err
	}
	kindCursor.unused()
	spaceCursor.unused()
	return o.attributeValue(c, name, kind, size.count)
}

// attributeValue judges the value that begins at the cursor.
func (o *object) attributeValue(c *cursor, name string, kind *datatype, count int64) error {
	n := times(kind.size, count)
	if n > plus(int64(c.left()), c.beyond) {
		return validate.Malformed(c.pos(), "attribute %s of %d bytes in %d", validate.Quote(name, 80), n, c.left())
	}
	at := c.pos()
	c.skip(int(min(n, int64(c.left()))))
	if c.beyond > 0 {
		c.rest()
	}
	member := "attrs/" + o.join(name)
	switch {
	case kind.class == classVlen:
		return o.f.variable(member, name, kind, at, count)
	case kind.class == classString && count != 1:
		return o.f.texts(member, at, kind.size, count)
	case kind.class == classString, kind.class == classOpaque, kind.class == classFixed && kind.size == 1,
		kind.class == classArray && kind.base.size == 1, kind.class == classCompound:
		return o.f.value1(member, name, at, n)
	}
	return nil
}

// value1 judges one value as a file.
func (f *file) value1(member, name string, at, n int64) error {
	if configuration(name) {
		return f.descend(member, at, n)
	}
	return f.peek(member, at, n, true)
}

// configuration tells attributes that Keras reads as JSON, whatever they begin with.
func configuration(name string) bool {
	switch name {
	case "model_config", "training_config", "config", "metadata", "keras_metadata":
		return true
	}
	return false
}

// texts judges the texts of an array, one by one.
func (f *file) texts(member string, at, size, count int64) error {
	if size == 0 {
		return nil
	}
	for i := range count {
		if err := f.peek(member, at+i*size, size, true); err != nil {
			return err
		}
	}
	return nil
}

// variable judges values that stand in global heap collections. An element is a length, an address and an index.
func (f *file) variable(member, name string, kind *datatype, at, count int64) error {
	const piece = 4096
	size := int64(8 + f.so)
	for done := int64(0); done < count; done += piece {
		k := min(piece, count-done)
		c, err := f.read(at+done*size, k*size)
		if err != nil {
			return err
		}
		for range k {
			if err := f.element(c, member, name, kind.text); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxJudged bounds the values that are remembered so that none is judged twice.
const maxJudged = 50_000

func (f *file) element(c *cursor, member, name string, text bool) error {
	at := c.pos()
	n, where, index := int64(c.u32()), c.addr(), uint16(c.u32())
	if n == 0 || index == 0 {
		return nil // empty
	}
	o, err := f.value(where, index)
	if err != nil || !text {
		return err
	}
	if n > o.len {
		return validate.Malformed(at, "a text of %d bytes in a heap object of %d", n, o.len)
	}
	key := span{o.at, o.at + n}
	if _, before := f.judged[key]; before {
		return f.p.Charge(validate.Entries, 0)
	}
	if len(f.judged) < maxJudged {
		f.judged[key] = struct{}{}
	}
	return f.value1(member, name, o.at, n)
}
