package hdf5

import (
	"bytes"

	"github.com/loadlock/loadlock/validate"
)

// linkMessage reads one link (specification IV.A.2.g).
func (o *object) linkMessage(c *cursor) error {
	at := c.pos()
	version, flags := c.u8(), c.u8()
	if version != 1 || flags&^0x1f != 0 {
		return validate.Malformed(at, "a link of version %d and flags %#x", version, flags)
	}
	kind := byte(0)
	if flags&(1<<3) != 0 {
		kind = c.u8()
	}
	if flags&(1<<2) != 0 {
		c.skip(8) // creation order
	}
	if flags&(1<<4) != 0 {
		c.skip(1) // character set
	}
	n := c.uint(1 << (flags & 3))
	if n > uint64(c.left()) {
		return validate.Malformed(at, "a link name of %d bytes", n)
	}
	name := string(c.take(int(n)))
	if kind == 0 {
		target := c.addr()
		if err := c.ok("a link"); err != nil {
			return err
		}
		return o.member(name, target, at)
	}
	value := c.take(int(c.u16()))
	if err := c.ok("a link"); err != nil {
		return err
	}
	switch {
	case kind == 1: // soft: a path of this file
	case kind == 64:
		file, path, _ := bytes.Cut(value[min(1, len(value)):], []byte{0})
		o.f.p.ReportAt(externalLink, validate.Place{Offset: at, Evidence: validate.Quote(file, 120)}, "%s leads to file %s, object %s",
			validate.Quote("/"+o.join(name), 120), validate.Quote(file, 120), validate.Quote(bytes.TrimRight(path, "\x00"), 80))
	default:
		o.f.p.Report(userLink, at, "%s is a link of type %d", validate.Quote("/"+o.join(name), 120), kind)
	}
	return o.member(name, undefined, at)
}

// linkInfo reads where a group of the new kind keeps its links when they are many.
func (o *object) linkInfo(c *cursor) error {
	version, flags := c.u8(), c.u8()
	if version != 0 || flags&^3 != 0 {
		return validate.Malformed(c.at, "link info of version %d and flags %#x", version, flags)
	}
	if flags&1 != 0 {
		c.skip(8)
	}
	return o.dense(c, flags&2 != 0, recordLinkName, recordLinkOrder, o.linkMessage)
}

// attributeInfo reads where an object keeps its attributes when they are many or large.
func (o *object) attributeInfo(c *cursor) error {
	version, flags := c.u8(), c.u8()
	if version != 0 || flags&^3 != 0 {
		return validate.Malformed(c.at, "attribute info of version %d and flags %#x", version, flags)
	}
	if flags&1 != 0 {
		c.skip(2)
	}
	return o.dense(c, flags&2 != 0, recordAttributeName, recordAttributeOrder, o.attribute)
}

// dense reads messages that are kept in a fractal heap, indexed by name and perhaps by order. Both indexes must list the
// same messages: one of them is what looking up uses, the other what listing uses.
func (o *object) dense(c *cursor, ordered bool, byName, byOrder byte, visit func(*cursor) error) error {
	heap, names, orders := c.addr(), c.addr(), undefined
	if ordered {
		orders = c.addr()
	}
	if err := c.ok("dense storage info"); err != nil || heap == undefined {
		return err
	}
	h, err := o.f.fractalHeap(heap)
	if err != nil {
		return err
	}
	index := map[string]struct{}{}
	err = o.f.btree2(names, byName, func(r *cursor) error {
		id := recordID(r, byName, h.idLen)
		if len(index) >= maxNames {
			return tooMany(names, "messages of one object", maxNames)
		}
		index[string(id)] = struct{}{}
		return h.open(id, visit)
	})
	if err != nil {
		return err
	}
	if orders != undefined {
		n := 0
		err = o.f.btree2(orders, byOrder, func(r *cursor) error {
			n++
			if _, known := index[string(recordID(r, byOrder, h.idLen))]; !known {
				return validate.Malformed(r.at, "a message that only one of two indexes lists")
			}
			return nil
		})
		if err == nil && n != len(index) {
			err = validate.Malformed(orders, "%d messages by order and %d by name", n, len(index))
		}
		if err != nil {
			return err
		}
	}
	return h.close()
}

// recordID takes the heap id out of an index record (specification III.A.2, types 5, 6, 8 and 9).
func recordID(r *cursor, kind byte, idLen int) []byte {
	switch kind {
	case recordLinkName:
		r.skip(4) // hash of the name
	case recordLinkOrder:
		r.skip(8)
	}
	return r.take(idLen)
}
