package hdf5

import (
	"hash/maphash"

	"github.com/loadlock/loadlock/validate"
)

// Message types (specification IV.A.2).
const (
	kindNil          = 0x00
	kindDataspace    = 0x01
	kindLinkInfo     = 0x02
	kindDatatype     = 0x03
	kindFillOld      = 0x04
	kindFill         = 0x05
	kindLink         = 0x06
	kindExternal     = 0x07
	kindLayout       = 0x08
	kindGroupInfo    = 0x0A
	kindFilters      = 0x0B
	kindAttribute    = 0x0C
	kindComment      = 0x0D
	kindTimeOld      = 0x0E
	kindContinuation = 0x10
	kindSymbolTable  = 0x11
	kindTime         = 0x12
	kindBTreeK       = 0x13
	kindDriver       = 0x14
	kindAttrInfo     = 0x15
	kindRefCount     = 0x16
	kindFileSpace    = 0x17
)

// object collects what the messages of one object say.
type object struct {
	f       *file
	at      int64
	path    string
	space   *dataspace
	kind    *datatype
	layout  *layout
	filters []filter
	names   nameSet // of attributes
	links   nameSet
	listed  []string // names of attributes, when somebody asks
	once    uint32   // bit per message type that may stand once
}

func (f *file) object(next item) error {
	o := &object{f: f, at: next.at, path: next.path}
	if err := f.messages(next.at, o.message); err != nil {
		return err
	}
	if f.visited != nil && next.path != extensionPath {
		f.visited(o.sort(), o.listed)
	}
	if o.layout == nil {
		return nil
	}
	return o.dataset()
}

// sort is what h5py calls the object.
func (o *object) sort() string {
	switch {
	case o.layout != nil:
		return "dataset"
	case o.kind != nil:
		return "type"
	}
	return "group"
}

// message judges one message. Each reader leaves what it did not need to be judged as unused bytes.
func (o *object) message(m *message) error {
	c := m.body
	const single = 1<<kindDataspace | 1<<kindLinkInfo | 1<<kindDatatype | 1<<kindExternal | 1<<kindLayout | 1<<kindFilters | 1<<kindSymbolTable | 1<<kindAttrInfo
	if m.kind < 32 && single>>m.kind&1 != 0 {
		if o.once>>m.kind&1 != 0 {
			return validate.Malformed(c.at, "a second message of type %#x", m.kind)
		}
		o.once |= 1 << m.kind
	}
	if m.flags&flagShared != 0 {
		return o.shared(m)
	}
	var err error
	switch m.kind {
	case kindNil:
	case kindDataspace:
		o.space, err = readDataspace(c)
	case kindDatatype:
		o.kind, err = readDatatype(c, 0)
	case kindLinkInfo:
		err = o.linkInfo(c)
	case kindLink:
		err = o.linkMessage(c)
	case kindExternal:
		err = o.external(c)
	case kindLayout:
		err = o.readLayout(c)
	case kindFilters:
		err = o.readFilters(c)
	case kindAttribute:
		err = o.attribute(c)
	case kindAttrInfo:
		err = o.attributeInfo(c)
	case kindSymbolTable:
		btree, heap := c.addr(), c.addr()
		if err = c.ok("a symbol table"); err == nil {
			err = o.symbolTable(btree, heap)
		}
	case kindBTreeK:
		err = o.widths(c)
	case kindDriver:
		c.skip(1)
		o.f.p.Report(driver, c.at, "driver %s", validate.Quote(c.take(8), 8))
		c.rest()
	case kindFileSpace:
		err = o.fileSpace(c)
	case kindComment:
		c.rest()
	case kindFill, kindFillOld: // a value of the data; what is longer than a number is looked at
		if c.left() <= 64 {
			c.rest()
		}
	case kindGroupInfo, kindTimeOld, kindTime, kindRefCount:
		if c.left() > 16 {
			return validate.Malformed(c.at, "a message of type %#x with %d bytes", m.kind, c.left())
		}
		c.rest()
	default:
		return validate.Malformed(c.at, "a message of type %#x", m.kind)
	}
	if err != nil {
		return err
	}
	if err := c.ok("a message"); err != nil {
		return err
	}
	c.unused()
	return nil
}

// shared reads a message whose content is in another object: a committed datatype (specification IV.A.2.d).
func (o *object) shared(m *message) error {
	at, err := sharedAddress(m.body)
	if err != nil {
		return err
	}
	if m.kind != kindDatatype {
		return validate.Malformed(m.body.at, "a shared message of type %#x", m.kind)
	}
	m.body.unused()
	o.kind, err = o.f.committed(at)
	return err
}

// sharedAddress is the object header that a shared message refers to. Messages in the shared heap of a file
// (superblock extension, message 0x0F) are written only on request and not read here.
func sharedAddress(c *cursor) (int64, error) {
	version, kind := c.u8(), c.u8()
	switch {
	case version == 1:
		c.skip(6)
	case version == 2:
	case version == 3 && kind == 2:
	default:
		return 0, validate.Malformed(c.at, "a shared message of version %d and kind %d", version, kind)
	}
	at := c.addr()
	return at, c.ok("a shared message")
}

// committed reads the datatype of a named datatype object without visiting the object, which its own link does.
func (f *file) committed(at int64) (dt *datatype, err error) {
	if at < f.base || at >= f.end {
		return nil, validate.Malformed(max(0, min(at, f.p.Size)), "a committed datatype outside the file")
	}
	if dt := f.types[at]; dt != nil {
		return dt, nil
	}
	if err := f.visit(at, "committed datatype"); err != nil {
		return nil, err
	}
	quiet := &file{p: f.p, base: f.base, end: f.end, so: f.so, sl: f.sl, structures: map[int64]struct{}{}, spare: maxSpare + 1}
	err = quiet.messages(at, func(m *message) error {
		if m.kind != kindDatatype || dt != nil {
			return nil
		}
		if m.flags&flagShared != 0 {
			return validate.Malformed(m.body.at, "a committed datatype that refers to another")
		}
		var err error
		dt, err = readDatatype(m.body, 0)
		return err
	})
	if err == nil && dt == nil {
		err = validate.Malformed(at, "a committed datatype without a datatype")
	}
	f.types[at] = dt
	return dt, err
}

// widths reads how wide the B-trees of the file are.
func (o *object) widths(c *cursor) error {
	version := c.u8()
	chunk, group, leaf := int64(c.u16()), int64(c.u16()), int64(c.u16())
	if c.bad || version != 0 || chunk == 0 || group == 0 || leaf == 0 {
		return validate.Malformed(c.at, "B-tree widths %d %d %d", chunk, group, leaf)
	}
	o.f.chunkK, o.f.groupK, o.f.leafK = chunk, group, leaf
	return nil
}

// fileSpace reads which free-space managers the file keeps. Version 0 is that of 1.9 previews, version 1 of 1.10.
func (o *object) fileSpace(c *cursor) error {
	version := c.u8()
	if version != 1 {
		return validate.Malformed(c.at, "file space info of version %d", version)
	}
	c.skip(1)
	persist := c.u8()
	c.length()
	c.length() // page size
	c.skip(2)
	c.addr() // the end of the file before the managers were written
	if persist == 0 {
		return c.ok("file space info")
	}
	for c.left() >= o.f.so {
		if at := c.addr(); at != undefined {
			if err := o.f.freeSpaceManager(at); err != nil {
				return err
			}
		}
	}
	return c.ok("file space info")
}

// join makes the path of a member. It is for reports: bounded, whatever the depth.
func (o *object) join(name string) string {
	const max = 100
	p := o.path
	if p != "" {
		p += "/"
	}
	if p += name; len(p) > max {
		p = p[:max] + "…"
	}
	return p
}

// nameSet finds repeated names by their hashes, which an attacker cannot predict.
type nameSet struct {
	seed maphash.Seed
	seen map[uint64]struct{}
}

// maxNames bounds the names of one object.
const maxNames = 100_000

func (s *nameSet) add(name string) (fresh bool, err error) {
	if s.seen == nil {
		s.seed, s.seen = maphash.MakeSeed(), map[uint64]struct{}{}
	}
	if len(s.seen) >= maxNames {
		return true, tooMany(0, "names in one object", maxNames)
	}
	key := maphash.String(s.seed, name)
	_, twice := s.seen[key]
	s.seen[key] = struct{}{}
	return !twice, nil
}
