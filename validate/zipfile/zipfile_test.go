package zipfile

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ulikunitz/xz/lzma"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

var evil = &validate.Rule{ID: "fake/evil", Severity: validate.High}

// fakes stand in for the other scanners: "PKL key=size …" is a pickle that refers to storages, text with EVIL
// in it is hostile, a name in .py is code, and any other printable text is harmless.
func fakes() []*validate.Scanner {
	scan := func(p *validate.Pass) error {
		b, err := p.Bytes(0, p.Size)
		if err != nil {
			return err
		}
		if bytes.Contains(b, []byte("EVIL")) {
			p.Report(evil, 0, "evil")
		}
		if validate.Ext(p.Name) == ".py" {
			p.IsCode()
		}
		for _, word := range strings.Fields(string(b)) {
			if key, size, ok := strings.Cut(word, "="); ok && bytes.HasPrefix(b, []byte("PKL")) {
				n, _ := strconv.ParseInt(size, 10, 64)
				p.Fact(validate.Fact{Kind: "storage", Key: key, Size: n})
			}
		}
		p.Clear(0, p.Size, "fake")
		return nil
	}
	return []*validate.Scanner{Scanner(), {Name: "fake", Match: validate.Head.Text, Scan: scan, Fallback: true}}
}

func scanBytes(b []byte, limits policy.ScanLimits) validate.Report {
	return validate.ScanReader(context.Background(), fakes(), "model.bin", bytes.NewReader(b), int64(len(b)), limits)
}

func limits() policy.ScanLimits { return validatetest.Policy().Scan }

// clean reports whether nothing speaks against the file.
func clean(rep validate.Report) bool {
	return rep.Files[0].Cleared && !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Severity > validate.Low })
}

func has(rep validate.Report, rule string) bool {
	return slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == rule })
}

// bzipped is "EVIL" compressed; there is no bzip2 writer at hand.
const bzipped = "\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x3e\x9f\x63\x10\x00\x00\x00\x06\x00\x02\x24\x01\x00\x20\x00\x21\x9a\x68\x33\x4d\x32\xbc\x5d\xc9\x14\xe1\x42\x40\xfa\x7d\x8c\x40"

func utf8Name(l, c *fields) { l.flags, c.flags = flagUTF8, flagUTF8 }

// packed makes both headers say that the content is text, compressed with a method.
func packed(l, c *fields, method uint16, text string) {
	for _, f := range []*fields{l, c} {
		f.method, f.usize, f.crc = method, int64(len(text)), crc32.ChecksumIEEE([]byte(text))
	}
}

// lzmaMember compresses text as APPNOTE 5.8 says.
func lzmaMember(text string) string {
	var b bytes.Buffer
	w, err := lzma.WriterConfig{SizeInHeader: true, Size: int64(len(text))}.NewWriter(&b)
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err)
	}
	return "\x09\x14\x05\x00" + string(b.Bytes()[:5]) + string(b.Bytes()[lzma.HeaderLen:])
}

// cutBefore cuts an archive before a signature.
func cutBefore(b []byte, sig string) []byte { return b[:bytes.Index(b, []byte(sig))] }

func pad(n int) string { return "FB" + string([]byte{byte(n), 0}) + strings.Repeat("Z", n) }

// checkpoint is an archive as torch writes it: descriptors, padding, zip64 end records, no compression.
func checkpoint(change func(*spec)) []byte {
	s := spec{
		members: []member{
			{name: "m/data.pkl", data: "PKL 0=5 1=3", descriptor: 16, extra: pad(9)},
			{name: "m/data/0", data: "\x00\x01\x02\x03\x04", descriptor: 16, extra: pad(40)},
			{name: "m/data/1", data: "\x80\x02.", descriptor: 24, extra: pad(3)},
			{name: "m/version", data: "3\n", descriptor: 16, extra: pad(1)},
			{name: "m/byteorder", data: "little", descriptor: 16},
		},
		end: func(e *trailer) { e.zip64 = true },
	}
	if change != nil {
		change(&s)
	}
	return s.write()
}

func TestArchivesOfKnownWritersAreCleared(t *testing.T) {
	var goZip bytes.Buffer
	w := zip.NewWriter(&goZip)
	for _, name := range []string{"a.txt", "dir/", "dir/ü.txt"} {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "/") {
			f.Write([]byte(strings.Repeat("text ", 1000)))
		}
	}
	w.Close()
	one := func(m member) []byte { return spec{members: []member{m}}.write() }
	inner := one(member{name: "x.txt", data: "text"})
	ascii := "up\x06\x00\x01" + string(le.AppendUint32(nil, crc32.ChecksumIEEE([]byte("a")))) + "a"
	tests := map[string][]byte{
		"an archive with a comment":                   spec{members: []member{{name: "a", data: "x", change: func(_, c *fields) { c.comment = "bye" }}}, end: func(e *trailer) { e.comment = "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12" }}.write(),
		"a Unicode path that repeats the name":        one(member{name: "a", data: "x", extra: ascii}),
		"names that look alike and differ":            spec{members: []member{{name: "a/x.y"}, {name: "a/x..y"}, {name: "b/x.y"}, {name: "a..b/c...d"}}}.write(),
		"a bundle of MediaPipe, aligned":              spec{prefix: "\x00\x00", members: []member{{name: "a", data: "x"}, {name: "b", data: "y", gap: "\x00\x00\x00\x00"}}}.write(),
		"labels behind a model of TensorFlow Lite":    spec{prefix: "\x14\x00\x00\x00TFL3 model", members: []member{{name: "labels.txt", data: "cat"}}}.write(),
		"a name of Info-ZIP":                          one(member{name: "ä.txt"}),
		"an empty folder of Java":                     one(member{name: "META-INF/", deflated: true}),
		"an empty folder":                             one(member{name: "d/", change: func(_, c *fields) { c.external = 0o40755<<16 | 16 }}),
		"LZMA":                                        one(member{name: "a", data: lzmaMember("text"), change: func(l, c *fields) { packed(l, c, lzma1, "text") }}),
		"a member above the memory for one structure": one(member{name: "a", data: strings.Repeat("line\n", 2<<20), deflated: true}),
		"newer torch": checkpoint(func(s *spec) {
			for name, text := range map[string]string{"m/.format_version": "1", "m/.storage_alignment": "64", "m/.data/serialization_id": strings.Repeat("0123456789", 4)} {
				s.members = append(s.members, member{name: name, data: text, descriptor: 16, extra: pad(20)})
			}
		}),
		"torch without checksums": checkpoint(func(s *spec) {
			for i := range s.members {
				s.members[i].descriptor, s.members[i].change = 0, func(l, c *fields) { l.crc, c.crc = 0, 0 }
			}
		}),
		"a torch checkpoint":                    checkpoint(nil),
		"an archive of archive/zip":             goZip.Bytes(),
		"an archive without members":            spec{}.write(),
		"an empty member":                       one(member{name: "a"}),
		"a descriptor of 12 bytes":              one(member{name: "a", data: "x", descriptor: 12}),
		"a descriptor of 20 bytes":              one(member{name: "a", data: "x", descriptor: 20}),
		"a compressed member with a descriptor": one(member{name: "a", data: "xxxxxxxxxxxx", deflated: true, descriptor: 16}),
		"zip64 sizes in the local header only":  one(member{name: "a", data: "x", change: func(l, _ *fields) { l.zip64 = true }}),
		"zip64 sizes in both headers":           one(member{name: "a", data: "x", change: func(l, c *fields) { l.zip64, c.zip64 = true, true }}),
		"Unix times and ids":                    one(member{name: "a", data: "x", extra: "UT\x05\x00\x01abcd"}),
		"a descriptor, and sizes in the header": one(member{name: "a", data: "x", descriptor: 16, change: func(l, c *fields) { l.crc, l.csize, l.usize = c.crc, c.csize, c.usize }}),
		"an archive in an archive, stored":      one(member{name: "in.zip", data: string(inner)}),
		"an archive in an archive, compressed":  one(member{name: "in.zip", data: string(inner), deflated: true}),
		"a compressed storage":                  checkpoint(func(s *spec) { s.members[1].deflated = true }),
		"a storage that looks like a zip's end": checkpoint(func(s *spec) { s.members[1].data = "PK\x05\x06\x00" }),
		"a regular file's mode":                 one(member{name: "a", data: "x", change: func(_, c *fields) { c.external = 0o100644 << 16 }}),
		"a zip64 end record with old sentinels": spec{members: []member{{name: "a", data: "x"}}, end: func(e *trailer) { e.zip64, e.count, e.size, e.offset = true, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF }}.write(),
		"a name that has dots":                  one(member{name: "a..b/...c", data: "x"}),
		"names that share a beginning":          spec{members: []member{{name: "a", data: "x"}, {name: "ab", data: "x"}}}.write(),
		"a storage that two tensors share":      checkpoint(func(s *spec) { s.members[0].data = "PKL 0=5 1=3 0=5" }),
		"members in another order in the file":  checkpoint(func(s *spec) { slices.Reverse(s.members) }),
		"a storage of no bytes":                 checkpoint(func(s *spec) { s.members[0].data, s.members[1].data = "PKL 0=0 1=3", "" }),
		"effort flags of deflate":               one(member{name: "a", data: "x", deflated: true, change: func(l, c *fields) { l.flags, c.flags = 6, 6 }}),
		"an archive whose member ends like one": one(member{name: "a", data: "text PK\x05\x06 and more text than an end record has"}),
	}
	for name, b := range tests {
		t.Run(name, func(t *testing.T) {
			if rep := scanBytes(b, limits()); !clean(rep) {
				t.Errorf("not cleared\n%s", validatetest.Show(rep))
			}
		})
	}
}

func TestEveryLieIsFound(t *testing.T) {
	change := func(f func(l, c *fields)) []byte {
		return spec{members: []member{{name: "first", data: "one"}, {name: "second", data: "two two", change: f}}}.write()
	}
	both := func(f func(*fields)) []byte { return change(func(l, c *fields) { f(l); f(c) }) }
	end := func(f func(*trailer)) []byte {
		return spec{members: []member{{name: "a", data: "one"}}, end: f}.write()
	}
	two := func(a, b member) []byte { return spec{members: []member{a, b}}.write() }
	named := func(name string) []byte { return both(func(f *fields) { f.name = name }) }
	plain := spec{members: []member{{name: "p", data: "EVIL"}}}.write()
	evilMember := spec{members: []member{{name: "p", data: "EVIL", deflated: true, descriptor: 16}}}.write()

	tests := map[string]struct {
		rule string
		b    []byte
	}{
		"36 wrong CRC":                                    {"zip/crc", both(func(f *fields) { f.crc++ })},
		"36 wrong CRC of evil content":                    {"fake/evil", spec{members: []member{{name: "a", data: "EVIL", change: func(l, c *fields) { l.crc, c.crc = 1, 1 }}}}.write()},
		"36 wrong CRC of a compressed member":             {"zip/crc", spec{members: []member{{name: "a", data: "aaaa", deflated: true, change: func(l, c *fields) { l.crc, c.crc = 1, 1 }}}}.write()},
		"37 flag 1, encrypted":                            {"zip/flags", both(func(f *fields) { f.flags = 1 })},
		"37 flag 1 over evil plain content":               {"fake/evil", spec{members: []member{{name: "a", data: "EVIL", change: func(l, c *fields) { l.flags, c.flags = 1, 1 }}}}.write()},
		"37 flag 0x20, patched":                           {"zip/flags", both(func(f *fields) { f.flags = 0x20 })},
		"37 flag 0x40, strongly encrypted":                {"zip/flags", both(func(f *fields) { f.flags = 0x40 })},
		"37 flag 0x2000, masked headers":                  {"zip/flags", both(func(f *fields) { f.flags = 0x2000 })},
		"37 an unknown flag":                              {"zip/flags", both(func(f *fields) { f.flags = 0x4000 })},
		"38 another name in the local header":             {"zip/two-names", change(func(l, c *fields) { l.name = "sEcond" })},
		"38 a shorter name in the local header":           {"zip/two-names", change(func(l, c *fields) { l.name = "s" })},
		"38 another method in the local header":           {"zip/two-contents", change(func(l, c *fields) { l.method = deflate })},
		"38 another method in the directory":              {"zip/two-contents", change(func(l, c *fields) { c.method = deflate })},
		"38 another CRC in the local header":              {"zip/mismatch", change(func(l, c *fields) { l.crc++ })},
		"38 another size in the local header":             {"zip/two-contents", change(func(l, c *fields) { l.usize++ })},
		"38 another packed size in the header":            {"zip/two-contents", change(func(l, c *fields) { l.csize-- })},
		"38 other flags in the local header":              {"zip/mismatch", change(func(l, c *fields) { l.flags = flagUTF8 })},
		"38 zip64 sizes that differ":                      {"zip/two-contents", change(func(l, c *fields) { l.zip64 = true; l.usize++ })},
		"38 no local header":                              {"zip/mismatch", change(func(l, c *fields) { l.absent = true })},
		"38 a stored member of two sizes":                 {"zip/size", both(func(f *fields) { f.usize++ })},
		"39 two members of one name":                      {"zip/duplicate", two(member{name: "a", data: "one"}, member{name: "a", data: "two"})},
		"39 the first of two members is evil":             {"fake/evil", two(member{name: "a", data: "EVIL"}, member{name: "a", data: "two"})},
		"39 the second of two members is evil":            {"fake/evil", two(member{name: "a", data: "one"}, member{name: "a", data: "EVIL"})},
		"39 names equal up to case":                       {"zip/duplicate", two(member{name: "a/data.pkl", data: "one"}, member{name: "a/DATA.PKL", data: "two"})},
		"39 a folder and a file of one name":              {"zip/duplicate", two(member{name: "a/"}, member{name: "a", data: "two"})},
		"40 a member that the directory lacks":            {"zip/hidden", two(member{name: "a", data: "EVIL", change: func(_, c *fields) { c.absent = true }}, member{name: "b", data: "two"})},
		"40 the last member is not listed":                {"zip/hidden", two(member{name: "b", data: "two"}, member{name: "a", data: "EVIL", change: func(_, c *fields) { c.absent = true }})},
		"40 no end record":                                {"validate/unparsable", []byte(localSig + strings.Repeat("x", 100))},
		"40 two archives, one after the other":            {"zip/prefix", append(slices.Clone(plain), plain...)},
		"40 an archive in the comment":                    {"zip/two-directories", end(func(e *trailer) { e.comment = string(plain) })},
		"40 a second end record before the first":         {"zip/prefix", end(func(e *trailer) { e.beforeEnd = string(spec{}.write()) })},
		"40 a comment that is cut off":                    {"zip/end", end(func(e *trailer) { e.comment, e.commentLen = "abc", 9 })},
		"40 bytes before the archive":                     {"zip/prefix", spec{prefix: "#!/bin/sh\n", members: []member{{name: "a", data: "one"}}}.write()},
		"40 bytes before, offsets shifted":                {"zip/prefix", spec{prefix: "#!/bin/sh\n", shifted: true, members: []member{{name: "a", data: "one"}}}.write()},
		"40 evil behind a prefix":                         {"fake/evil", spec{prefix: "junk", shifted: true, members: []member{{name: "a", data: "EVIL"}}}.write()},
		"40 bytes between two members":                    {"zip/hidden", two(member{name: "a", data: "one"}, member{name: "b", data: "two", gap: "junk"})},
		"40 bytes after the last member":                  {"zip/hidden", two(member{name: "a", data: "one"}, member{name: "b", data: "two", afterData: "junk"})},
		"40 bytes after the archive":                      {"zip/suffix", end(func(e *trailer) { e.appended = "junk" })},
		"40 half an end record at the very end":           {"zip/end", end(func(e *trailer) { e.comment = endSig })},
		"40 a zip64 record that says less":                {"zip/two-directories", end(func(e *trailer) { e.zip64, e.count64 = true, 0 })},
		"40 a zip64 locator that points elsewhere":        {"zip/two-directories", end(func(e *trailer) { e.zip64, e.locator = true, 1 })},
		"40 fewer entries announced":                      {"zip/end", end(func(e *trailer) { e.count = 0 })},
		"41 bzip2":                                        {"zip/size", both(func(f *fields) { f.method = 12 })},
		"41 method 99":                                    {"zip/method", both(func(f *fields) { f.method = 99 })},
		"41 a descriptor that says another size":          {"zip/mismatch", spec{members: []member{{name: "a", data: "one", afterData: descSig + strings.Repeat("\x03\x00\x00\x00", 3), change: func(l, c *fields) { l.flags, c.flags = flagDescriptor, flagDescriptor }}}}.write()},
		"41 a descriptor without room":                    {"zip/mismatch", both(func(f *fields) { f.flags = flagDescriptor })},
		"42 evil in an odd member":                        {"fake/evil", checkpoint(func(s *spec) { s.members[3].data = "EVIL" })},
		"42 evil in constants.pkl":                        {"fake/evil", checkpoint(func(s *spec) { s.members[4] = member{name: "m/constants.pkl", data: "EVIL"} })},
		"43 a name with ..":                               {"zip/slip", named("../etc/x")},
		"43 a name with .. inside":                        {"zip/slip", named("a/../../x")},
		"43 an absolute name":                             {"zip/slip", named("/etc/x")},
		"43 a backslash":                                  {"zip/slip", named(`..\x`)},
		"43 a drive letter":                               {"zip/slip", named("C:/x")},
		"43 a NUL in the name":                            {"zip/slip", named("a.txt\x00.py")},
		"43 an escape sequence in the name":               {"zip/name", named("a\x1b[2J")},
		"43 an empty name":                                {"zip/name", named("")},
		"43 Latin-1 in the name":                          {"zip/name", named("\xe4.txt")},
		"43 a symbolic link":                              {"zip/link", change(func(_, c *fields) { c.external = 0o120777 << 16 })},
		"43 a device":                                     {"zip/special-file", change(func(_, c *fields) { c.external = 0o020666 << 16 })},
		"44 a member larger than declared":                {"zip/size", spec{members: []member{{name: "a", data: strings.Repeat("a", 9999), deflated: true, change: func(l, c *fields) { l.usize, c.usize = 5, 5 }}}}.write()},
		"44 a member smaller than declared":               {"zip/size", spec{members: []member{{name: "a", data: "aaaa", deflated: true, change: func(l, c *fields) { l.usize, c.usize = 5, 5 }}}}.write()},
		"44 overlapping members":                          {"zip/overlap", change(func(_, c *fields) { c.offset -= 3 })},
		"44 two entries for one local header":             {"zip/overlap", change(func(_, c *fields) { c.offset = 0 })},
		"bytes after the compressed data":                 {"zip/hidden", spec{members: []member{{name: "a", data: "aaaa", deflated: true, tail: "EVIL"}}}.write()},
		"compressed data that is not":                     {"zip/size", both(func(f *fields) { f.method = deflate })},
		"37 flag 1 over plain content":                    {"zip/false-flags", both(func(f *fields) { f.flags = 1 })},
		"37 flag 0x20 over a plain compressed member":     {"zip/false-flags", spec{members: []member{{name: "a", data: "aaaa", deflated: true, change: func(l, c *fields) { l.flags, c.flags = 0x20, 0x20 }}}}.write()},
		"37 flag 1 in the directory only":                 {"zip/false-flags", change(func(_, c *fields) { c.flags = 1 })},
		"37 flag 1 in the local header only":              {"zip/mismatch", change(func(l, _ *fields) { l.flags = 1 })},
		"37 a version that Python refuses":                {"zip/version", both(func(f *fields) { f.version = 255 })},
		"37 a version that Python refuses, in the header": {"zip/version", change(func(l, _ *fields) { l.version = 99 })},
		"38 an entry in another part":                     {"zip/end", change(func(_, c *fields) { c.part = 1 })},
		"38 evil in an entry in another part":             {"fake/evil", spec{members: []member{{name: "a", data: "EVIL", change: func(_, c *fields) { c.part = 1 }}}}.write()},
		"38 a zip64 field with other sizes than needed": {"zip/two-contents", change(func(_, c *fields) {
			c.extra = []byte("\x01\x00\x10\x00\x09\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00")
		})},
		"38 another end record: part 1":                {"zip/end", end(func(e *trailer) { e.part = 1 })},
		"39 names equal up to Unicode form":            {"zip/duplicate", two(member{name: "é", data: "one", change: utf8Name}, member{name: "e\u0301", data: "two", change: utf8Name})},
		"39 names equal up to compatibility":           {"zip/duplicate", two(member{name: "data.pkl", data: "one"}, member{name: "ｄata.pkl", data: "two", change: utf8Name})},
		"39 names equal up to case beyond ASCII":       {"zip/duplicate", two(member{name: "ſ", data: "one", change: utf8Name}, member{name: "S", data: "two"})},
		"39 names equal on Windows, a dot":             {"zip/duplicate", two(member{name: "data.pkl", data: "one"}, member{name: "data.pkl.", data: "two"})},
		"39 names equal on Windows, a space":           {"zip/duplicate", two(member{name: "a/data.pkl", data: "one"}, member{name: "a /data.pkl", data: "two"})},
		"39 names equal on Windows, a stream":          {"zip/duplicate", two(member{name: "data.pkl", data: "one"}, member{name: "data.pkl:x", data: "two"})},
		"39 names equal on Windows, a backslash":       {"zip/duplicate", two(member{name: "a/b", data: "one"}, member{name: `a\b`, data: "two"})},
		"40 evil in a member that the directory lacks": {"fake/evil", two(member{name: "a", data: "EVIL", deflated: true, change: func(_, c *fields) { c.absent = true }}, member{name: "b", data: "two"})},
		"40 evil in the second of two hidden members":  {"fake/evil", two(member{name: "a", data: "fine", deflated: true, descriptor: 16, change: func(_, c *fields) { c.absent = true }}, member{name: "b", data: "EVIL", deflated: true, change: func(_, c *fields) { c.absent = true }})},
		"40 evil and no end record":                    {"fake/evil", cutBefore(evilMember, endSig)},
		"40 evil and no directory":                     {"fake/evil", cutBefore(evilMember, centralSig)},
		"40 two archives, the first evil":              {"fake/evil", append(slices.Clone(evilMember), plain...)},
		"40 a directory whose second entry is broken":  {"fake/evil", bytes.Replace(two(member{name: "a", data: "EVIL"}, member{name: "b", data: "x"}), []byte(centralSig+"\x14\x00\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x83"), []byte("PK\x01\x03\x14\x00\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x83"), 1)},
		"40 a second directory before the first":       {"zip/two-directories", two(member{name: "a", data: "one"}, member{name: "b", data: "two", gap: centralSig + "junk"})},
		"40 a comment that is no text":                 {"zip/comment-data", end(func(e *trailer) { e.comment = "a\x00b" })},
		"40 a comment of a member that is no text":     {"zip/comment-data", change(func(_, c *fields) { c.comment = "a\x01" })},
		"41 evil in bzip2":                             {"fake/evil", spec{members: []member{{name: "a", data: bzipped, change: func(l, c *fields) { packed(l, c, bzip2, "EVIL") }}}}.write()},
		"41 two bzip2 streams":                         {"zip/two-contents", spec{members: []member{{name: "a", data: bzipped + bzipped, change: func(l, c *fields) { packed(l, c, bzip2, "EVILEVIL") }}}}.write()},
		"41 evil in LZMA":                              {"fake/evil", spec{members: []member{{name: "a", data: lzmaMember("EVIL"), change: func(l, c *fields) { packed(l, c, lzma1, "EVIL") }}}}.write()},
		"41 LZMA with a dictionary of 4 GiB":           {"zip/size", spec{members: []member{{name: "a", data: "\x09\x00\x05\x00\x5d\xff\xff\xff\xff\x00", change: func(l, c *fields) { packed(l, c, lzma1, "x"); l.usize, c.usize = 1<<30, 1<<30 }}}}.write()},
		"41 bzip2 in a torch archive": {"zip/method", checkpoint(func(s *spec) {
			s.members[3] = member{name: "m/x", data: bzipped, change: func(l, c *fields) { packed(l, c, bzip2, "EVIL") }}
		})},
		"42 two checkpoints in one archive":       {"zip/torch-folder", checkpoint(func(s *spec) { s.members[4] = member{name: "n/data.pkl", data: "PKL"} })},
		"42 DATA.PKL beside data.pkl":             {"zip/torch-folder", checkpoint(func(s *spec) { s.members[4] = member{name: "m/DATA.PKL", data: "PKL"} })},
		"43 .. behind a backslash":                {"zip/slip", named(`a\..\..\x`)},
		"43 a name that is written backwards":     {"zip/slip", named("a\u202egnp.py")},
		"43 .. with a space, which Windows drops": {"zip/slip", named("a/.. /x")},
		"43 a backslash alone":                    {"zip/name", named(`a\x`)},
		"43 a component of one dot":               {"zip/name", named("a/./x")},
		"43 a name of 5000 bytes":                 {"validate/unparsable", named(strings.Repeat("n", 5000))},
		"43 a link to /etc":                       {"zip/special-file", spec{members: []member{{name: "a", data: "/etc", change: func(_, c *fields) { c.external = 0o120777 << 16 }}}}.write()},
		"43 a link to ../..":                      {"zip/special-file", spec{members: []member{{name: "d/a", data: "../../x", change: func(_, c *fields) { c.external = 0o120777 << 16 }}}}.write()},
		"43 a file marked as a folder of DOS":     {"zip/two-contents", change(func(_, c *fields) { c.external = dosFolder })},
		"43 a file marked as a folder of Unix":    {"zip/two-contents", change(func(_, c *fields) { c.external = 0o40755 << 16 })},
		"43 a folder with content":                {"zip/two-contents", named("a/")},
		"43 a FIFO":                               {"zip/link", change(func(_, c *fields) { c.external = 0o010644 << 16 })},
		"44 a bomb that declares five bytes":      {"zip/size", spec{members: []member{{name: "a", data: strings.Repeat("a", 1<<20), deflated: true, change: func(l, c *fields) { l.usize, c.usize = 5, 5 }}}}.write()},
		"a Unicode path with the wrong checksum":  {"zip/two-names", spec{members: []member{{name: "a", extra: "up\x06\x00\x01\x00\x00\x00\x00a"}}}.write()},
		"an unknown extra field":                  {"zip/extra", spec{members: []member{{name: "a", extra: "\x99\x99\x02\x00ab"}}}.write()},
		"a Unicode path field":                    {"zip/two-names", spec{members: []member{{name: "a", extra: "up\x06\x00\x01\x00\x00\x00\x00b"}}}.write()},
		"padding that carries data":               {"zip/extra", spec{members: []member{{name: "a", extra: "FB\x04\x00EVIL"}}}.write()},
		"an extra field cut off":                  {"zip/extra", spec{members: []member{{name: "a", extra: "FB\x09\x00Z"}}}.write()},
		"code inside":                             {"zip/code-inside", checkpoint(func(s *spec) { s.members[4].name = "m/code/x.py" })},
		"63 a storage shorter than declared":      {"zip/storage", checkpoint(func(s *spec) { s.members[1].data = "abc" })},
		"63 a storage longer than declared":       {"zip/storage", checkpoint(func(s *spec) { s.members[1].data = "abcdefgh" })},
		"63 a storage that is missing":            {"zip/storage", checkpoint(func(s *spec) { s.members = s.members[:2] })},
		"63 a storage that nothing refers to":     {"zip/storage", checkpoint(func(s *spec) { s.members[4] = member{name: "m/data/7", data: "x"} })},
		"63 evil in a storage nothing refers to":  {"fake/evil", checkpoint(func(s *spec) { s.members[4] = member{name: "m/data/7", data: "EVIL"} })},
		"63 a storage of two sizes":               {"zip/storage", checkpoint(func(s *spec) { s.members[0].data = "PKL 0=5 1=3 0=6" })},
		"63 a storage key that is a file name": {"zip/storage", checkpoint(func(s *spec) {
			s.members[0].data, s.members[4] = "PKL 0=5 1=3 x.npy=4", member{name: "m/data/x.npy", data: "EVIL"}
		})},
		"63 that file is judged": {"fake/evil", checkpoint(func(s *spec) {
			s.members[0].data, s.members[4] = "PKL 0=5 1=3 x.npy=4", member{name: "m/data/x.npy", data: "EVIL"}
		})},
		"63 a storage outside the folder":                     {"fake/evil", checkpoint(func(s *spec) { s.members[4] = member{name: "n/data/0", data: "EVIL1"} })},
		"more zeros than padding":                             {"zip/hidden", spec{members: []member{{name: "b", data: "one"}, {name: "a", data: "two", gap: strings.Repeat("\x00", 65)}}}.write()},
		"more zeros in front than padding":                    {"zip/prefix", spec{prefix: strings.Repeat("\x00", 65), members: []member{{name: "a", data: "one"}}}.write()},
		"zeros and a byte":                                    {"zip/hidden", spec{members: []member{{name: "b", data: "one"}, {name: "a", data: "two", gap: "\x00\x00\x01"}}}.write()},
		"a model in front, offsets shifted":                   {"zip/prefix", spec{prefix: "\x14\x00\x00\x00TFL3 model", shifted: true, members: []member{{name: "a", data: "one"}}}.write()},
		"evil behind a model":                                 {"fake/evil", spec{prefix: "\x14\x00\x00\x00TFL3 model", members: []member{{name: "a", data: "EVIL"}}}.write()},
		"an archive appended to another file":                 {"zip/prefix", spec{prefix: "\x10\x00\x00\x00\x00\x00\x00\x00{}", members: []member{{name: "a", data: "one"}}}.write()},
		"evil in an archive in an archive":                    {"fake/evil", spec{members: []member{{name: "in", data: string(plain), deflated: true}}}.write()},
		"a member that no scanner understands":                {"validate/unclaimed", spec{members: []member{{name: "a", data: "\x7fELF\x00"}}}.write()},
		"a member that no scanner understands is not cleared": {"validate/unexplained", spec{members: []member{{name: "a", data: "\x7fELF\x00"}}}.write()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rep := scanBytes(tt.b, limits())
			if !slices.Contains(rep.Files[0].Scanners, "zip") {
				t.Fatalf("not taken for an archive\n%s", validatetest.Show(rep))
			}
			if clean(rep) || !has(rep, tt.rule) {
				t.Errorf("want %s\n%s", tt.rule, validatetest.Show(rep))
			}
		})
	}
}

func TestBombsEndAtTheBudget(t *testing.T) {
	zeros := strings.Repeat("\n", 8<<20)
	bomb := member{name: "a", data: zeros, deflated: true}
	many := make([]member, 100)
	for i := range many {
		many[i] = member{name: strconv.Itoa(i), data: zeros[:1<<20], deflated: true}
	}
	nested := "text"
	for range 12 {
		nested = string(spec{members: []member{{name: "a", data: nested, deflated: true}}}.write())
	}
	tests := map[string]struct {
		b      []byte
		change func(*policy.ScanLimits)
		key    string
	}{
		"a member above the memory for one structure": {spec{members: []member{bomb}}.write(), func(l *policy.ScanLimits) { l.MaxHeaderSizeMB = 1 }, "max_header_size_mb"},
		"many members above the expansion limit":      {spec{members: many}.write(), func(l *policy.ScanLimits) { l.MaxExpandedMB = 16 }, "max_expanded_mb"},
		"no expansion at all":                         {spec{members: []member{bomb}}.write(), func(l *policy.ScanLimits) { l.MaxExpandedMB = 0 }, "max_expanded_mb"},
		"more members than allowed":                   {spec{members: many}.write(), func(l *policy.ScanLimits) { l.MaxEntries = 99 }, "max_entries"},
		"archives nested too deep":                    {[]byte(nested), func(l *policy.ScanLimits) { l.MaxDepth = 8 }, "max_depth"},
		"a storage that expands too far": {checkpoint(func(s *spec) {
			s.members[0].data, s.members[1] = "PKL 0=8388608 1=3", member{name: "m/data/0", data: zeros, deflated: true}
		}), func(l *policy.ScanLimits) { l.MaxExpandedMB = 1 }, "max_expanded_mb"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if rep := scanBytes(tt.b, limits()); !clean(rep) && name != "archives nested too deep" {
				t.Fatalf("the vector is not clean under generous limits\n%s", validatetest.Show(rep))
			}
			l := limits()
			tt.change(&l)
			rep := scanBytes(tt.b, l)
			named := slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool {
				return f.Rule == "validate/budget" && strings.Contains(f.Detail, tt.key)
			})
			if clean(rep) || !named {
				t.Errorf("want a budget finding for %s\n%s", tt.key, validatetest.Show(rep))
			}
		})
	}
}

// A member too large to hold must not keep the others from being judged.
func TestABombDoesNotHideItsNeighbour(t *testing.T) {
	b := spec{members: []member{{name: "bomb", data: strings.Repeat("a", 2<<20), deflated: true}, {name: "z", data: "EVIL"}}}.write()
	l := limits()
	l.MaxHeaderSizeMB = 1
	if rep := scanBytes(b, l); !has(rep, "fake/evil") || !has(rep, "validate/budget") {
		t.Errorf("findings are missing\n%s", validatetest.Show(rep))
	}
}

// recorder notes which bytes are read.
type recorder struct {
	b    []byte
	read map[int64]bool
}

func (r *recorder) ReadAt(b []byte, off int64) (int, error) {
	n, err := bytes.NewReader(r.b).ReadAt(b, off)
	for i := range n {
		r.read[off+int64(i)] = true
	}
	return n, err
}

func TestRawStoragesAreNotRead(t *testing.T) {
	big := strings.Repeat("\x00\x01\x02\x03", 100_000)
	b := checkpoint(func(s *spec) {
		s.members[0].data = "PKL 0=400000 1=3"
		s.members[1].data = big
		s.members = append(s.members, member{name: "m/notes", data: strings.Repeat("text", 20_000)})
	})
	r := &recorder{b: b, read: map[int64]bool{}}
	rep := validate.ScanReader(context.Background(), fakes(), "model.bin", r, int64(len(b)), limits())
	if !clean(rep) {
		t.Fatalf("not cleared\n%s", validatetest.Show(rep))
	}
	start := int64(bytes.Index(b, []byte(big)))
	for off := max(start, 4096); off < start+int64(len(big)); off++ { // the head of any file is looked at
		if r.read[off] {
			t.Fatalf("byte %d of the storage was read", off-start)
		}
	}
}

// A tar is no zip because its last member is one; it is when the zip reaches beyond the member.
func TestTarsWithAnArchiveInside(t *testing.T) {
	tarred := func(b []byte, cut int) []byte {
		var o bytes.Buffer
		w := tar.NewWriter(&o)
		for i, part := range [][]byte{[]byte("text"), b[:cut], b[cut:]} {
			if err := w.WriteHeader(&tar.Header{Name: strconv.Itoa(i), Size: int64(len(part)), Mode: 0o644}); err != nil {
				t.Fatal(err)
			}
			w.Write(part)
		}
		w.Close()
		return o.Bytes()
	}
	for name, b := range map[string][]byte{"torch": checkpoint(nil), "plain": spec{members: []member{{name: "a", data: "text"}}}.write()} {
		for cut, want := range map[int]bool{0: false, len(b): false, 10: true} {
			rep := scanBytes(tarred(b, cut), limits())
			if got := slices.Contains(rep.Files[0].Scanners, "zip"); got != want {
				t.Errorf("%s cut at %d: taken for a zip: %v\n%s", name, cut, got, validatetest.Show(rep))
			}
		}
	}
}
