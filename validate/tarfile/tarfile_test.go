package tarfile

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

var evil = &validate.Rule{ID: "fake/evil", Severity: validate.High}

// fakes stand in for the other scanners: text with EVIL in it is hostile, a name in .py is code.
func fakes() []*validate.Scanner {
	scan := func(p *validate.Pass) error {
		if validate.Ext(p.Name) == ".py" {
			p.IsCode()
		}
		return p.ReadText(func(off int64, b []byte) error {
			if bytes.Contains(b, []byte("EVIL")) {
				p.Report(evil, off, "evil")
			}
			p.Clear(off, int64(len(b)), "fake")
			return nil
		})
	}
	return []*validate.Scanner{Scanner(), {Name: "fake", Match: validate.Head.Text, Scan: scan, Fallback: true}}
}

func limits() policy.ScanLimits { return validatetest.Policy().Scan }

func scanBytes(b []byte) validate.Report { return scanLimited(b, limits()) }

func scanLimited(b []byte, l policy.ScanLimits) validate.Report {
	return validate.ScanReader(context.Background(), fakes(), "model.bin", bytes.NewReader(b), int64(len(b)), l)
}

func clean(rep validate.Report) bool {
	return rep.Files[0].Cleared && !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Severity > validate.Low })
}

func has(rep validate.Report, rule string) bool {
	return slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == rule })
}

// entry is one member to write. change sees the block before its checksum is computed.
type entry struct {
	name, data, target string
	kind               byte
	change             func(b []byte)
	pad                string // instead of zeros
}

func (e entry) bytes() []byte {
	b := make([]byte, blockSize)
	copy(b, e.name)
	copy(b[100:], "0000644\x000000000\x000000000\x00")
	copy(b[124:], fmt.Sprintf("%011o\x00", len(e.data)))
	copy(b[136:], "00000000000\x00")
	b[156] = e.kind
	copy(b[157:], e.target)
	copy(b[257:], "ustar\x0000")
	if e.change != nil {
		e.change(b)
	}
	copy(b[148:], "        ")
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	b = append(b, e.data...)
	if n := -len(e.data) & (blockSize - 1); n > 0 {
		pad := make([]byte, n)
		copy(pad, e.pad)
		b = append(b, pad...)
	}
	return b
}

var zeros = make([]byte, 10240)

// archived makes an archive with a proper end.
func archived(entries ...entry) []byte { return append(blocks(entries...), zeros[:2*blockSize]...) }

func blocks(entries ...entry) (b []byte) {
	for _, e := range entries {
		b = append(b, e.bytes()...)
	}
	return b
}

func pax(kind byte, records ...string) entry {
	var b strings.Builder
	for _, r := range records {
		n := len(r) + 3
		for len(fmt.Sprint(n))+len(r)+2 != n {
			n++
		}
		fmt.Fprintf(&b, "%d %s\n", n, r)
	}
	return entry{name: "PaxHeaders/x", kind: kind, data: b.String()}
}

func file(name, data string) entry { return entry{name: name, kind: '0', data: data} }

func set(at int, s string) func([]byte) { return func(b []byte) { copy(b[at:], s) } }

func TestArchivesAreCleared(t *testing.T) {
	var std bytes.Buffer
	w := tar.NewWriter(&std)
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU} {
		for _, name := range []string{"a.txt", strings.Repeat("long/", 25) + "b.txt"} {
			if err := w.WriteHeader(&tar.Header{Name: fmt.Sprint(format) + name, Size: 5, Mode: 0o644, Format: format}); err != nil {
				t.Fatal(err)
			}
			w.Write([]byte("text\n"))
		}
	}
	w.Close()
	for name, b := range map[string][]byte{
		"archive/tar":                 std.Bytes(),
		"no member":                   archived(),
		"a file":                      archived(file("a", "text")),
		"a file that fills its block": archived(file("a", strings.Repeat("x", 512)), file("b", "")),
		"zeros up to the record":      append(archived(file("a", "text")), zeros[:8192]...),
		"a folder":                    archived(entry{name: "d/", kind: '5'}, file("d/a", "text"), entry{name: "d/", kind: '5'}),
		"a folder of version 7":       archived(entry{name: "d/", change: set(257, strings.Repeat("\x00", 8))}),
		"a file of version 7":         archived(entry{name: "a", data: "x", change: set(257, strings.Repeat("\x00", 8))}),
		"tar c .":                     archived(entry{name: "./", kind: '5'}, file("./a", "x")),
		"a prefix":                    archived(entry{name: "a", kind: '0', data: "x", change: set(345, "some/folder")}),
		"a size in base 256":          archived(entry{name: "a", kind: '0', data: "text", change: set(124, "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04")}),
		"a size with spaces":          archived(entry{name: "a", kind: '0', data: "text", change: set(124, "         4 \x00")}),
		"times in an extended header": archived(pax('x', "mtime=1.5", "SCHILY.xattr.user.x=1"), file("a", "x")),
		"a long name":                 archived(entry{name: "././@LongLink", kind: 'L', data: "a/name\x00", change: set(257, "ustar  \x00")}, file("a/nam", "x")),
		"a commit":                    archived(pax('g', "comment=2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"), file("a", "x")),
		"a size that is repeated":     archived(pax('x', "size=4"), file("a", "text")),
	} {
		rep := scanBytes(b)
		if !clean(rep) || !slices.Equal(rep.Files[0].Scanners, []string{"tar"}) {
			if name == "no member" { // a file of zeros is a tar only by its name
				continue
			}
			t.Errorf("%s is not cleared\n%s", name, validatetest.Show(rep))
		}
		for n := 0; n < len(b); n += 128 {
			if cut := bytes.TrimRight(b[:n], "\x00"); n-len(cut) < 2*blockSize && clean(scanBytes(b[:n])) && n > 0 {
				t.Errorf("%s cut to %d of %d bytes is cleared", name, n, len(b))
			}
		}
	}
	if rep := validate.ScanReader(t.Context(), fakes(), "empty.tar", bytes.NewReader(zeros), int64(len(zeros)), limits()); !clean(rep) {
		t.Errorf("an empty archive\n%s", validatetest.Show(rep))
	}
}

func TestDeviations(t *testing.T) {
	one, bad := archived(file("a", "text")), archived(file("e", "EVIL"))
	tests := map[string]struct {
		rule string
		b    []byte
	}{
		"evil":                                 {"fake/evil", bad},
		"code":                                 {"tar/code-inside", archived(file("handler.py", "import os"))},
		"a name with ..":                       {"tar/slip", archived(file("../a", "x"))},
		"a name with .. behind ./":             {"tar/slip", archived(file("./../a", "x"))},
		"an absolute name":                     {"tar/slip", archived(file("/etc/passwd", "x"))},
		"an absolute name by its prefix":       {"tar/slip", archived(entry{name: "a", kind: '0', change: set(345, "/etc")})},
		"an absolute name in a long name":      {"tar/slip", archived(entry{name: "L", kind: 'L', data: "/etc/x\x00"}, file("a", "x"))},
		"an absolute name in an extended one":  {"tar/slip", archived(pax('x', "path=/etc/x"), file("a", "x"))},
		"a NUL in an extended name":            {"tar/slip", archived(pax('x', "path=a\x00.py"), file("a", "x"))},
		"a name that is written backwards":     {"tar/slip", archived(file("a\u202egnp", "x"))},
		"a backslash":                          {"tar/name", archived(file(`a\b`, "x"))},
		"the same name twice":                  {"tar/duplicate", archived(file("a", "x"), file("a", "y"))},
		"the same name but for ./":             {"tar/duplicate", archived(file("a", "x"), file("./a", "y"))},
		"the same name but for case":           {"tar/duplicate", archived(file("a", "x"), file("A", "y"))},
		"the first of one name is evil":        {"fake/evil", archived(file("a", "EVIL"), file("a", "y"))},
		"a symbolic link":                      {"tar/link", archived(entry{name: "a", kind: '2', target: "b"})},
		"a symbolic link to /etc":              {"tar/special-file", archived(entry{name: "a", kind: '2', target: "/etc"})},
		"a symbolic link up":                   {"tar/special-file", archived(entry{name: "d/a", kind: '2', target: "../../x"})},
		"a symbolic link up, in a long name":   {"tar/special-file", archived(entry{name: "L", kind: 'K', data: "../x\x00"}, entry{name: "a", kind: '2', target: "x"})},
		"a symbolic link up, in an extended":   {"tar/special-file", archived(pax('x', "linkpath=../x"), entry{name: "a", kind: '2', target: "x"})},
		"a hard link":                          {"tar/link", archived(file("b", "x"), entry{name: "d/a", kind: '1', target: "b"})},
		"a hard link to /etc/passwd":           {"tar/special-file", archived(entry{name: "a", kind: '1', target: "/etc/passwd"})},
		"a hard link up":                       {"tar/special-file", archived(entry{name: "d/a", kind: '1', target: "../x"})},
		"a pipe":                               {"tar/link", archived(entry{name: "a", kind: '6'})},
		"a device":                             {"tar/special-file", archived(entry{name: "a", kind: '3'})},
		"a block device":                       {"tar/special-file", archived(entry{name: "a", kind: '4'})},
		"a link with content":                  {"tar/two-contents", archived(entry{name: "a", kind: '2', target: "b", change: set(124, "00000001000\x00")}, file("e", "EVIL"))},
		"a folder with content":                {"tar/two-contents", archived(entry{name: "a", kind: '5', change: set(124, "00000001000\x00")}, file("e", "EVIL"))},
		"evil in the content of a folder":      {"fake/evil", archived(entry{name: "a", kind: '5', change: set(124, "00000001000\x00")}, file("e", "EVIL"))},
		"an old folder with content":           {"tar/two-contents", archived(entry{name: "a/", data: "x"})},
		"CVE-2025-62518, size in pax":          {"tar/two-contents", archived(pax('x', "size=1024"), entry{name: "a", kind: '0'}, file("hidden", "x"))},
		"size 0 in pax":                        {"fake/evil", archived(pax('x', "size=0"), entry{name: "a", kind: '0', data: string(file("hidden", "EVIL").bytes())})},
		"size for all":                         {"tar/two-contents", archived(pax('g', "size=0"), file("a", "x"))},
		"a path for all":                       {"tar/two-contents", archived(pax('g', "path=b"), file("a", "x"))},
		"two names in extensions":              {"tar/two-contents", archived(entry{name: "L", kind: 'L', data: "one\x00"}, pax('x', "path=two"), file("a", "x"))},
		"two long names":                       {"tar/extended", archived(entry{name: "L", kind: 'L', data: "one\x00"}, entry{name: "L", kind: 'L', data: "two\x00"}, file("a", "x"))},
		"two extended headers":                 {"tar/extended", archived(pax('x', "mtime=1"), pax('x', "mtime=2"), file("a", "x"))},
		"a key twice":                          {"tar/extended", archived(pax('x', "path=b", "path=c"), file("a", "x"))},
		"an unknown key":                       {"tar/extended", archived(pax('x', "EVIL=b"), file("a", "x"))},
		"a record without a length":            {"validate/unparsable", archived(entry{name: "x", kind: 'x', data: "path=b\n"}, file("a", "x"))},
		"a record longer than the header":      {"validate/unparsable", archived(entry{name: "x", kind: 'x', data: "99 path=b\n"}, file("a", "x"))},
		"a huge extended header":               {"validate/unparsable", archived(entry{name: "x", kind: 'x', change: set(124, "77777777777\x00")}, file("a", "x"))},
		"an extension without a member":        {"tar/extended", archived(pax('x', "path=b"))},
		"bytes behind the NUL of a long name":  {"tar/padding", archived(entry{name: "L", kind: 'L', data: "one\x00EVIL"}, file("a", "x"))},
		"a sparse file of GNU":                 {"tar/sparse", archived(entry{name: "a", kind: 'S', data: "x", change: set(257, "ustar  \x00")})},
		"evil in a sparse file":                {"fake/evil", archived(entry{name: "a", kind: 'S', data: "EVIL", change: set(257, "ustar  \x00")})},
		"a sparse file of pax":                 {"tar/sparse", archived(pax('x', "GNU.sparse.major=1", "GNU.sparse.minor=0"), file("a", "x"))},
		"a type that nobody knows":             {"tar/type", archived(entry{name: "a", kind: 'V', data: "x"})},
		"evil of a type that nobody knows":     {"fake/evil", archived(entry{name: "a", kind: 'V', data: "EVIL"})},
		"a contiguous file":                    {"tar/type", archived(entry{name: "a", kind: '7', data: "x"})},
		"GNU's times where POSIX has a prefix": {"tar/two-contents", archived(entry{name: "a", kind: '0', change: func(b []byte) { set(257, "ustar  \x00")(b); set(345, "00000000001")(b) }})},
		"bytes behind the NUL of a name":       {"tar/padding", archived(file("a\x00EVIL", "x"))},
		"bytes behind the header":              {"tar/padding", archived(entry{name: "a", kind: '0', change: set(505, "EVIL")})},
		"bytes behind the content":             {"tar/padding", archived(entry{name: "a", kind: '0', data: "x", pad: "EVIL"})},
		"a size that only Python reads":        {"validate/unparsable", archived(entry{name: "a", kind: '0', data: "x", change: set(124, "0o1\x00")})},
		"a size with an underscore":            {"validate/unparsable", archived(entry{name: "a", kind: '0', data: "x", change: set(124, "00_1\x00")})},
		"a negative size":                      {"validate/unparsable", archived(entry{name: "a", kind: '0', data: "x", change: set(124, strings.Repeat("\xff", 12))})},
		"a huge size":                          {"validate/unparsable", archived(entry{name: "a", kind: '0', data: "x", change: set(124, "\x80\x7f"+strings.Repeat("\xff", 10))})},
		"a size above the file's":              {"tar/end", archived(entry{name: "a", kind: '0', data: "x", change: set(124, "00007777777\x00")})},
		"evil with a size above the file's":    {"fake/evil", blocks(entry{name: "a", kind: '0', data: strings.Repeat("EVIL", 128), change: set(124, "00007777777\x00")})},
		"no end":                               {"tar/end", blocks(file("a", "x"))},
		"one block at the end":                 {"tar/end", append(blocks(file("a", "x")), zeros[:blockSize]...)},
		"half a block too much":                {"tar/end", append(archived(file("a", "x")), zeros[:100]...)},
		"bytes behind the end":                 {"tar/end", append(archived(file("a", "x")), "PK\x03\x04"...)},
		"two archives":                         {"tar/second-archive", append(slices.Clone(one), one...)},
		"two archives, the second evil":        {"fake/evil", append(slices.Clone(one), bad...)},
		"two archives, a record between":       {"fake/evil", append(append(slices.Clone(one), zeros...), bad...)},
		"one block of zeros, and an evil one":  {"fake/evil", append(append(blocks(file("a", "x")), zeros[:blockSize]...), bad...)},
		"a block that is no header, then evil": {"fake/evil", append(append(blocks(file("a", "x")), bytes.Repeat([]byte("x"), blockSize)...), bad...)},
		"a broken checksum, then evil":         {"fake/evil", append(bytes.Replace(blocks(file("a", ""), file("b", "")), []byte("b\x00\x00"), []byte("c\x00\x00"), 1), bad...)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rep := scanBytes(tt.b)
			if !slices.Contains(rep.Files[0].Scanners, "tar") || clean(rep) || !has(rep, tt.rule) {
				t.Errorf("want %s\n%s", tt.rule, validatetest.Show(rep))
			}
		})
	}
}

func TestWhatOnlyHasTheName(t *testing.T) {
	rep := validate.ScanReader(t.Context(), fakes(), "model.tar", strings.NewReader("text"), 4, limits())
	if !has(rep, "tar/name-only") || clean(rep) {
		t.Errorf("a text called model.tar\n%s", validatetest.Show(rep))
	}
	for _, b := range [][]byte{zeros, []byte(strings.Repeat("text ", 300)), bytes.Repeat([]byte{0xFF}, 2000), append([]byte("x"), zeros...)} {
		if rep := scanBytes(b); slices.Contains(rep.Files[0].Scanners, "tar") {
			t.Errorf("taken for an archive\n%s", validatetest.Show(rep))
		}
	}
}

func TestManyMembersEndAtTheBudget(t *testing.T) {
	b := archived(slices.Repeat([]entry{{name: "d/", kind: '5'}}, 20_000)...)
	if rep := scanBytes(b); !has(rep, "validate/budget") || clean(rep) {
		t.Errorf("no budget finding\n%s", validatetest.Show(rep))
	}
}
