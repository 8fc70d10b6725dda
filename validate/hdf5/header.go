package hdf5

import (
	"github.com/loadlock/loadlock/validate"
)

// message is one message of an object header (specification IV.A.1).
type message struct {
	kind   uint16
	flags  byte
	body   *cursor
	header *header
}

const (
	flagShared     = 1 << 1
	flagFailAlways = 1 << 7
)

// header reads the messages of one object header, block by block.
type header struct {
	f       *file
	at      int64
	version byte
	order   bool // messages carry their creation order
	todo    []span
	blocks  int
	seen    int // messages
}

const (
	maxBlocks   = 4096
	maxMessages = 100_000
)

// messages calls visit for every message of the object header at an address, in the order of the file.
func (f *file) messages(at int64, visit func(*message) error) error {
	h := &header{f: f, at: at}
	first, err := f.read(at, min(16, f.end-at))
	if err != nil {
		return err
	}
	if first.u8() == 1 {
		err = h.begin1(first, visit)
	} else {
		err = h.begin2(visit)
	}
	for err == nil && len(h.todo) > 0 {
		next := h.todo[0]
		h.todo = h.todo[1:]
		if h.blocks++; h.blocks > maxBlocks {
			return tooMany(at, "blocks of one object header", maxBlocks)
		}
		if err = f.structure(next.off); err == nil {
			err = h.block(next, visit)
		}
	}
	return err
}

// begin1 reads the prefix of version 1: sixteen bytes, the last four of them padding.
func (h *header) begin1(c *cursor, visit func(*message) error) error {
	h.version = 1
	c.skip(1)
	c.u16() // the number of messages; the blocks say it themselves
	c.u32() // links to this object
	size := int64(c.u32())
	pad := c.take(4)
	if err := c.ok("an object header"); err != nil {
		return err
	}
	h.f.unusedBytes(h.at+12, pad)
	body, err := h.f.read(h.at+16, size)
	if err != nil {
		return err
	}
	h.f.claim(h.at, 16+size)
	return h.walk(body, visit)
}

// begin2 reads version 2: signature, optional fields, messages, checksum.
func (h *header) begin2(visit func(*message) error) error {
	h.version = 2
	c, err := h.f.read(h.at, min(34, h.f.end-h.at))
	if err != nil {
		return err
	}
	if sig := c.take(4); string(sig) != "OHDR" || c.u8() != 2 {
		return validate.Malformed(h.at, "%s where an object header belongs", validate.Quote(sig, 8))
	}
	flags := c.u8()
	h.order = flags&(1<<2) != 0
	if flags&(1<<5) != 0 {
		c.skip(16) // times
	}
	if flags&(1<<4) != 0 {
		c.skip(4) // when attributes move
	}
	size := c.uint(1 << (flags & 3))
	if err := c.ok("an object header"); err != nil {
		return err
	}
	if size > blockMax {
		return tooMany(h.at, "bytes of one object header", blockMax)
	}
	return h.checked(span{h.at, h.at + int64(c.i) + int64(size) + 4}, c.i, visit)
}

// block reads a continuation.
func (h *header) block(s span, visit func(*message) error) error {
	if h.version == 2 {
		return h.checked(s, 4, visit)
	}
	body, err := h.f.read(s.off, s.end-s.off)
	if err != nil {
		return err
	}
	h.f.claim(s.off, s.end-s.off)
	return h.walk(body, visit)
}

// checked reads a block of version 2 with its checksum; the messages begin skip bytes into it.
func (h *header) checked(s span, skip int, visit func(*message) error) error {
	n := s.end - s.off
	if n < int64(skip)+4 {
		return validate.Malformed(s.off, "a header block of %d bytes", n)
	}
	c, err := h.f.read(s.off, n)
	if err != nil {
		return err
	}
	if sig := string(c.b[:4]); sig != "OCHK" && (s.off != h.at || sig != "OHDR") {
		return validate.Malformed(s.off, "%s where a header block belongs", validate.Quote(sig, 8))
	}
	c.i = len(c.b) - 4
	if err := c.checksum("a header block"); err != nil {
		return err
	}
	h.f.claim(s.off, n)
	c.i, c.b = skip, c.b[:len(c.b)-4]
	return h.walk(c, visit)
}

// walk reads the messages of one block.
func (h *header) walk(c *cursor, visit func(*message) error) error {
	prefix := 8
	if h.version == 2 {
		if prefix = 4; h.order {
			prefix = 6
		}
	}
	for c.left() >= prefix {
		if h.seen++; h.seen > maxMessages {
			return tooMany(c.pos(), "messages of one object", maxMessages)
		}
		m := &message{header: h}
		var size int
		if h.version == 1 {
			m.kind, size = c.u16(), int(c.u16())
			m.flags = c.u8()
			c.skip(3)
		} else {
			m.kind, size = uint16(c.u8()), int(c.u16())
			if m.flags = c.u8(); h.order {
				c.skip(2)
			}
		}
		m.body = c.sub(size)
		if m.body.bad {
			return validate.Malformed(c.pos(), "a message of %d bytes in a block that ends before", size)
		}
		if err := h.one(m, visit); err != nil {
			return err
		}
	}
	c.unused()
	return nil
}

// one follows continuations and hands everything else on.
func (h *header) one(m *message, visit func(*message) error) error {
	if m.kind != kindContinuation {
		return visit(m)
	}
	at, n := m.body.addr(), m.body.length()
	if err := m.body.ok("a continuation"); err != nil {
		return err
	}
	if n > blockMax || at < 0 || at > h.f.end {
		return validate.Malformed(m.body.at, "a continuation of %d bytes", n)
	}
	m.body.unused()
	h.todo = append(h.todo, span{at, at + n})
	return nil
}
