package zipfile

import (
	"bufio"
	"fmt"
	"io"

	"github.com/loadlock/loadlock/validate"
)

// entry is one member, as the directory describes it.
type entry struct {
	name     string
	version  uint16 // needed to read it
	flags    uint16
	method   uint16
	crc      uint32
	csize    int64 // bytes in the file
	usize    int64 // bytes when read
	header   int64 // offset of the local header in this file
	external uint32

	data int64 // offset of the first byte of content; -1 when the local header could not be read
}

const (
	stored  = 0
	deflate = 8

	flagEncrypted  = 1<<0 | 1<<6 | 1<<13
	flagDescriptor = 1 << 3
	flagPatched    = 1 << 5
	flagUTF8       = 1 << 11
	flagHarmless   = 1<<1 | 1<<2 | flagDescriptor | flagUTF8 // the compressor's effort, descriptor, names

	versionMax = 63 // APPNOTE 4.4.3; Python's zipfile refuses an archive with a member above it, torch does not look

	nameMax  = 4096    // bytes of one name; PATH_MAX
	namesMax = 8 << 20 // bytes of all names, which are held
)

func (e *entry) isFolder() bool { return len(e.name) > 0 && e.name[len(e.name)-1] == '/' }

// readDirectory reads the central directory and clears it when it is whole. One entry at a time is in memory.
func (a *archive) readDirectory() error {
	p := a.p
	if max := p.Limits().MaxEntries; a.count > max {
		return fmt.Errorf("%w: scan.max_entries: %d members, %d are allowed", validate.ErrBudget, a.count, max)
	}
	r := bufio.NewReaderSize(p.Section(a.dir, a.dirSize), 32<<10)
	for at := a.dir; at < a.dir+a.dirSize; {
		if err := p.Charge(validate.Entries, 0); err != nil {
			return err
		}
		if int64(len(a.entries)) >= p.Limits().MaxEntries {
			return fmt.Errorf("%w: scan.max_entries: more than %d members", validate.ErrBudget, p.Limits().MaxEntries)
		}
		n, err := a.readEntry(r, at, a.dir+a.dirSize-at)
		if err != nil {
			return err
		}
		at += n
	}
	if int64(len(a.entries)) != a.count {
		p.Report(ends, a.dir, "the directory has %d entries, the end record says %d", len(a.entries), a.count)
	}
	p.Clear(a.dir, a.dirSize, "central directory")
	return nil
}

// readEntry reads the directory entry at offset at, of which room bytes are left; it returns the entry's length.
func (a *archive) readEntry(r io.Reader, at, room int64) (int64, error) {
	var fixed [centralSize]byte
	b := fixed[:]
	if _, err := io.ReadFull(r, b); err != nil || string(b[:4]) != centralSig {
		return 0, validate.Malformed(at, "no directory entry")
	}
	nameLen, extraLen, commentLen := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
	n := int64(centralSize + nameLen + extraLen + commentLen)
	if n > room {
		return 0, validate.Malformed(at, "directory entry longer than the directory")
	}
	if nameLen > nameMax {
		return 0, validate.Malformed(at, "name of %d bytes", nameLen)
	}
	if a.names += nameLen; a.names > namesMax {
		return 0, fmt.Errorf("%w: more than %d bytes of names", validate.ErrBudget, namesMax)
	}
	rest := a.rest[:0]
	if need := nameLen + extraLen + commentLen; cap(rest) < need {
		rest = make([]byte, need)
	}
	rest = rest[:nameLen+extraLen+commentLen]
	a.rest = rest
	if _, err := io.ReadFull(r, rest); err != nil {
		return 0, err
	}
	e := &entry{
		name: string(rest[:nameLen]), version: le.Uint16(b[6:]), flags: le.Uint16(b[8:]), method: le.Uint16(b[10:]), crc: le.Uint32(b[16:]),
		csize: int64(le.Uint32(b[20:])), usize: int64(le.Uint32(b[24:])), header: int64(le.Uint32(b[42:])), external: le.Uint32(b[38:]),
	}
	if err := a.resolve64(e, rest[nameLen:nameLen+extraLen], at); err != nil {
		return 0, err
	}
	if part := le.Uint16(b[34:]); part != 0 {
		a.p.Report(ends, at, "member %s is said to be in part %d of several", quote(e.name), part)
	}
	a.checkComment(at, rest[nameLen+extraLen:], "member "+quote(e.name))
	a.checkFlags(e, at)
	a.entries = append(a.entries, e)
	return n, nil
}

// resolve64 takes the numbers that do not fit 32 bits from the zip64 field (APPNOTE 4.5.3), and shifts the
// header's offset to where it is in this file.
func (a *archive) resolve64(e *entry, extra []byte, at int64) error {
	zip64 := a.checkExtra(extra, at, e.name)
	for _, field := range []*int64{&e.usize, &e.csize, &e.header} {
		if *field != 0xFFFFFFFF {
			continue
		}
		if len(zip64) < 8 || le.Uint64(zip64) > 1<<62 {
			return validate.Malformed(at, "member %s without its zip64 sizes", quote(e.name))
		}
		*field, zip64 = int64(le.Uint64(zip64)), zip64[8:]
	}
	if len(zip64) >= 8 { // numbers for fields that have room: a reader that takes them all the same sees others
		a.surplus64(e, zip64, at)
	}
	e.header += a.base
	if e.header < 0 || e.header > a.dir || e.csize > a.dir-e.header {
		return validate.Malformed(at, "member %s lies outside the archive", quote(e.name))
	}
	return nil
}

// surplus64 compares the numbers of a zip64 field that nothing asks for. Writers that always put both sizes there
// (Java, Info-ZIP to a pipe) repeat what the header says.
func (a *archive) surplus64(e *entry, zip64 []byte, at int64) {
	for len(zip64) >= 8 {
		if v := le.Uint64(zip64); v != uint64(e.usize) && v != uint64(e.csize) && v != uint64(e.header) && v != 0 {
			a.p.Report(contents, at, "member %s: a zip64 field says %d where the header has other numbers", quote(e.name), v)
			return
		}
		zip64 = zip64[8:]
	}
}

func (a *archive) checkFlags(e *entry, at int64) {
	switch {
	case e.flags&flagEncrypted != 0:
		a.p.Report(flagBits, at, "member %s is flagged as encrypted (flags %#04x)", quote(e.name), e.flags)
	case e.flags&flagPatched != 0:
		a.p.Report(flagBits, at, "member %s is flagged as patched data (flags %#04x)", quote(e.name), e.flags)
	case e.flags&^flagHarmless != 0:
		a.p.Report(flagBits, at, "member %s has flags %#04x", quote(e.name), e.flags)
	}
	if e.version&0xFF > versionMax {
		a.p.Report(version, at, "member %s needs version %d.%d of the format", quote(e.name), e.version&0xFF/10, e.version&0xFF%10)
	}
	// Torch's miniz goes by the attribute of DOS, returns success for a folder and leaves its buffer as it was;
	// Python goes by the name alone.
	if marked := e.external&dosFolder != 0 || e.external>>16&0xF000 == 0x4000; marked && !e.isFolder() || e.isFolder() && e.usize != 0 {
		a.p.Report(contents, at, "member %s of %d bytes is a folder for some readers", quote(e.name), e.usize)
	}
	// The upper half holds Unix mode bits; what they say counts for whoever unpacks with them.
	switch kind := e.external >> 16 & 0xF000; kind {
	case 0, 0x4000, 0x8000, modeLink:
	case 0x1000: // what Info-ZIP read from its standard input
		a.p.Report(link, at, "member %s is a pipe", quote(e.name))
	default:
		a.p.Report(special, at, "member %s has file type %#x", quote(e.name), kind)
	}
}

const dosFolder = 1 << 4

// modeLink is S_IFLNK; what the link points to is its content, and is judged with it.
const modeLink = 0xA000

func (e *entry) isLink() bool { return e.external>>16&0xF000 == modeLink }
