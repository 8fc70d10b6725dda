package zipfile

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/loadlock/loadlock/validate"
)

// entry is one member, as the directory describes it.
type entry struct {
	name     string
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
	flagHarmless   = 1<<1 | 1<<2 | flagDescriptor | flagUTF8 // deflate's effort, descriptor, names
)

func (e *entry) isFolder() bool { return strings.HasSuffix(e.name, "/") }

// readDirectory reads and clears the central directory.
func (a *archive) readDirectory() error {
	p := a.p
	if max := p.Limits().MaxEntries; a.count > max {
		return fmt.Errorf("%w: scan.max_entries: %d members, %d are allowed", validate.ErrBudget, a.count, max)
	}
	b, err := p.Bytes(a.dir, a.dirSize)
	if err != nil {
		return err
	}
	for at := a.dir; len(b) > 0; {
		if len(b) < centralSize || string(b[:4]) != centralSig {
			return validate.Malformed(at, "no directory entry")
		}
		if int64(len(a.entries)) >= p.Limits().MaxEntries {
			return fmt.Errorf("%w: scan.max_entries: more than %d members", validate.ErrBudget, p.Limits().MaxEntries)
		}
		nameLen, extraLen, commentLen := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
		n := centralSize + nameLen + extraLen + commentLen
		if n > len(b) {
			return validate.Malformed(at, "directory entry longer than the directory")
		}
		e := &entry{
			name: string(b[centralSize : centralSize+nameLen]), flags: le.Uint16(b[8:]), method: le.Uint16(b[10:]), crc: le.Uint32(b[16:]),
			csize: int64(le.Uint32(b[20:])), usize: int64(le.Uint32(b[24:])), header: int64(le.Uint32(b[42:])), external: le.Uint32(b[38:]),
		}
		if err := a.resolve64(e, b[centralSize+nameLen:centralSize+nameLen+extraLen], at); err != nil {
			return err
		}
		if le.Uint16(b[34:]) != 0 {
			return validate.Malformed(at, "member in another part")
		}
		if commentLen > 0 {
			p.Report(comment, at, "member %s has a comment of %d bytes", quote(e.name), commentLen)
		}
		a.checkFlags(e, at)
		a.entries = append(a.entries, e)
		at, b = at+int64(n), b[n:]
	}
	if int64(len(a.entries)) != a.count {
		p.Report(ends, a.dir, "the directory has %d entries, the end record says %d", len(a.entries), a.count)
	}
	p.Clear(a.dir, a.dirSize, "central directory")
	return nil
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
	e.header += a.base
	if e.header < 0 || e.header > a.dir || e.csize > a.dir-e.header {
		return validate.Malformed(at, "member %s lies outside the archive", quote(e.name))
	}
	return nil
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
	// The upper half holds Unix mode bits; what they say counts for whoever unpacks with them.
	switch kind := e.external >> 16 & 0xF000; kind {
	case 0, 0x4000, 0x8000:
	case 0xA000:
		a.p.Report(special, at, "member %s is a symbolic link", quote(e.name))
	default:
		a.p.Report(special, at, "member %s has file type %#x", quote(e.name), kind)
	}
}

// checkNames judges the members' names, each alone and all together.
func (a *archive) checkNames() {
	seen := make(map[string]string, len(a.entries))
	for _, e := range a.entries {
		if what := nameProblem(e.name, e.flags&flagUTF8 != 0); what != "" {
			a.p.Report(badName, e.header, "%s: %s", quote(e.name), what)
		}
		key := strings.ToLower(strings.ToUpper(strings.TrimSuffix(e.name, "/")))
		if other, twice := seen[key]; twice {
			a.p.Report(duplicate, e.header, "%s and %s", quote(other), quote(e.name))
		}
		seen[key] = e.name
	}
}

func nameProblem(name string, isUTF8 bool) string {
	switch {
	case name == "":
		return "empty"
	case !utf8.ValidString(name):
		return "not UTF-8"
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "characters that are not printable"
	case !isUTF8 && strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }):
		return "not ASCII, and not flagged as UTF-8"
	case strings.Contains(name, `\`):
		return "backslash"
	case strings.HasPrefix(name, "/"):
		return "absolute"
	case len(name) > 1 && name[1] == ':':
		return "drive letter"
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(name, "/"), "/") {
		if part == ".." || part == "." || part == "" {
			return "component " + quote(part)
		}
	}
	return ""
}

// quote shows a name of the model, shortened.
func quote(s string) string { return validate.Printable(s[:min(len(s), 200)]) }
