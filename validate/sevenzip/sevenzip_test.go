package sevenzip

import (
	"bytes"
	"context"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

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

func scanAs(name string, b []byte, l policy.ScanLimits) validate.Report {
	return validate.ScanReader(context.Background(), fakes(), name, bytes.NewReader(b), int64(len(b)), l)
}

func clean(rep validate.Report) bool {
	return rep.Files[0].Cleared && !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Severity > validate.Low })
}

func has(rep validate.Report, rule string) bool {
	return slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == rule })
}

// spec is an archive to write: files that are stored, one folder for all.
type spec struct {
	names, texts []string
	coder        string // with flags, id and properties; stored when empty
	packed       string // instead of the texts
	attrs        string // property of attributes, as bytes
	extra        string // properties of files
	size         int    // added to the declared size of the folder
	sum          uint32 // added to the checksums
	header       func([]byte) []byte
	behind       string
}

// num is a number below 128, or of two bytes.
func num(n int) string {
	if n < 0x80 {
		return string([]byte{byte(n)})
	}
	return string([]byte{0x80 | byte(n>>8), byte(n)})
}

func (s spec) bytes() []byte {
	all := strings.Join(s.texts, "")
	packed := all
	if s.packed != "" {
		packed = s.packed
	}
	coder := s.coder
	if coder == "" {
		coder = "\x01\x00"
	}
	h := "\x01\x04\x06\x00\x01\x09" + num(len(packed)) + "\x00\x07\x0b\x01\x00\x01" + coder + "\x0c" + num(len(all)+s.size) + "\x00"
	h += "\x08\x0d" + num(len(s.texts))
	if len(s.texts) > 1 {
		h += "\x09"
		for _, text := range s.texts[:len(s.texts)-1] {
			h += num(len(text))
		}
	}
	h += "\x0a\x01"
	for _, text := range s.texts {
		h += string(le.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text))+s.sum))
	}
	h += "\x00\x00\x05" + num(len(s.names))
	var names []byte
	for _, name := range s.names {
		for _, u := range append(utf16.Encode([]rune(name)), 0) {
			names = le.AppendUint16(names, u)
		}
	}
	h += "\x11" + num(len(names)+1) + "\x00" + string(names)
	if s.attrs != "" {
		h += "\x15" + num(len(s.attrs)+2) + "\x01\x00" + s.attrs
	}
	h += s.extra + "\x00\x00"
	return s.assemble(packed, []byte(h))
}

func (s spec) assemble(packed string, h []byte) []byte {
	if s.header != nil {
		h = s.header(h)
	}
	start := le.AppendUint64(nil, uint64(len(packed)))
	start = le.AppendUint64(start, uint64(len(h)))
	start = le.AppendUint32(start, crc32.ChecksumIEEE(h))
	b := append([]byte(magic), 0, 4)
	b = le.AppendUint32(b, crc32.ChecksumIEEE(start))
	b = append(append(append(b, start...), packed...), h...)
	return append(b, s.behind...)
}

func one(text string) spec { return spec{names: []string{"a"}, texts: []string{text}} }

func TestStoredArchivesAreCleared(t *testing.T) {
	for name, s := range map[string]spec{
		"one file": one("text"), "two files": {names: []string{"a", "b/ü"}, texts: []string{"one", "two"}},
		"attributes": {names: []string{"a"}, texts: []string{"x"}, attrs: "\x20\x80\xa4\x81"}, "a dummy": {names: []string{"a"}, texts: []string{"x"}, extra: "\x19\x02\x00\x00"},
	} {
		b := s.bytes()
		if rep := scanAs("m.7z", b, limits()); !clean(rep) {
			t.Errorf("%s is not cleared\n%s", name, validatetest.Show(rep))
		}
		for n := range len(b) {
			if clean(scanAs("m.7z", b[:n], limits())) {
				t.Errorf("%s cut to %d of %d bytes is cleared", name, n, len(b))
			}
		}
	}
	if rep := scanAs("empty.7z", spec{header: func([]byte) []byte { return nil }}.assemble("", nil), limits()); !clean(rep) {
		t.Errorf("an empty archive\n%s", validatetest.Show(rep))
	}
}

func TestDeviations(t *testing.T) {
	cut := func(s spec, old, new string) spec {
		s.header = func(h []byte) []byte { return bytes.Replace(h, []byte(old), []byte(new), 1) }
		return s
	}
	link := spec{names: []string{"a"}, texts: []string{"/etc"}, attrs: "\x20\x80\xff\xa1"}
	tests := map[string]struct {
		rule string
		b    []byte
	}{
		"evil":                             {"fake/evil", one("EVIL").bytes()},
		"evil in the second file":          {"fake/evil", spec{names: []string{"a", "b"}, texts: []string{"x", "EVIL"}}.bytes()},
		"code":                             {"sevenzip/code-inside", spec{names: []string{"a.py"}, texts: []string{"x"}}.bytes()},
		"a name with ..":                   {"sevenzip/slip", spec{names: []string{"../a"}, texts: []string{"x"}}.bytes()},
		"an absolute name":                 {"sevenzip/slip", spec{names: []string{"/a"}, texts: []string{"x"}}.bytes()},
		"a drive":                          {"sevenzip/slip", spec{names: []string{`C:\a`}, texts: []string{"x"}}.bytes()},
		"an empty component":               {"sevenzip/name", spec{names: []string{"a//b"}, texts: []string{"x"}}.bytes()},
		"one name twice":                   {"sevenzip/duplicate", spec{names: []string{"a", "A"}, texts: []string{"x", "y"}}.bytes()},
		"a link":                           {"sevenzip/link", link.bytes()},
		"encryption":                       {"sevenzip/encrypted", spec{names: []string{"a"}, texts: []string{"x"}, coder: "\x24\x06\xf1\x07\x01\x01\x00"}.bytes()},
		"an unknown coder":                 {"sevenzip/unread", spec{names: []string{"a"}, texts: []string{"x"}, coder: "\x03\x03\x04\x01"}.bytes()},
		"LZMA with too few properties":     {"sevenzip/unread", spec{names: []string{"a"}, texts: []string{"x"}, coder: "\x23\x03\x01\x01\x01\x5d"}.bytes()},
		"LZMA2 with a dictionary of 4 GiB": {"sevenzip/broken", spec{names: []string{"a"}, texts: []string{"x"}, coder: "\x21\x21\x01\x28", packed: "\x07garbage"}.bytes()},
		"a wrong checksum":                 {"sevenzip/broken", spec{names: []string{"a"}, texts: []string{"x"}, sum: 1}.bytes()},
		"evil with a wrong checksum":       {"fake/evil", spec{names: []string{"a"}, texts: []string{"EVIL"}, sum: 1}.bytes()},
		"a folder larger than its stream":  {"sevenzip/broken", spec{names: []string{"a"}, texts: []string{"x"}, size: 1}.bytes()},
		"a stream larger than its folder":  {"sevenzip/broken", spec{names: []string{"a"}, texts: []string{"x"}, packed: "xEVIL"}.bytes()},
		"bytes behind the archive":         {"sevenzip/trailing", spec{names: []string{"a"}, texts: []string{"x"}, behind: "PK"}.bytes()},
		"anti-items":                       {"sevenzip/header", spec{names: []string{"a"}, texts: []string{"x"}, extra: "\x0e\x01\x00\x10\x00"}.bytes()},
		"data in a dummy":                  {"sevenzip/header", spec{names: []string{"a"}, texts: []string{"x"}, extra: "\x19\x04EVIL"}.bytes()},
		"a comment":                        {"validate/unparsable", spec{names: []string{"a"}, texts: []string{"x"}, extra: "\x16\x04EVIL"}.bytes()},
		"names twice":                      {"validate/unparsable", spec{names: []string{"a"}, texts: []string{"x"}, extra: "\x11\x05\x00b\x00\x00\x00"}.bytes()},
		"more files than streams":          {"validate/unparsable", spec{names: []string{"a", "b"}, texts: []string{"x"}}.bytes()},
		"more streams than files":          {"validate/unparsable", spec{names: []string{"a"}, texts: []string{"x", "EVIL"}}.bytes()},
		"bytes behind the header":          {"validate/unparsable", spec{names: []string{"a"}, texts: []string{"x"}, header: func(h []byte) []byte { return append(h, 0) }}.bytes()},
		"a header with a wrong checksum":   {"validate/unparsable", bytes.Replace(one("x").bytes(), []byte("a\x00\x00\x00"), []byte("b\x00\x00\x00"), 1)},
		"a start header with a wrong sum":  {"validate/unparsable", bytes.Replace(one("x").bytes(), []byte(magic+"\x00\x04"), []byte(magic+"\x00\x04\x01"), 1)},
		"a stream before the archive":      {"validate/unparsable", cut(one("x"), "\x06\x00\x01", "\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").bytes()},
		"a stream that begins later":       {"validate/unparsable", cut(one("x"), "\x06\x00\x01", "\x06\x01\x01").bytes()},
		"a billion packed streams":         {"validate/unparsable", cut(one("x"), "\x06\x00\x01", "\x06\x00\xf0\x00\x00\x00\x40").bytes()},
		"a billion folders":                {"validate/unparsable", cut(one("x"), "\x07\x0b\x01", "\x07\x0b\xf0\x00\x00\x00\x40").bytes()},
		"a billion files":                  {"validate/unparsable", cut(one("x"), "\x05\x01", "\x05\xf0\x00\x00\x00\x40").bytes()},
		"a billion parts":                  {"validate/unparsable", cut(one("x"), "\x08\x0d\x01", "\x08\x0d\xf0\x00\x00\x00\x40").bytes()},
		"a coder with 2^56 outputs":        {"validate/unparsable", spec{names: []string{"a"}, texts: []string{"x"}, coder: "\x11\x00\x01\xfe\xff\xff\xff\xff\xff\xff\xff"}.bytes()},
		"two streams with a hole":          {"validate/unexplained", cut(one("xyz"), "\x06\x00\x01\x09\x03", "\x06\x01\x01\x09\x02").bytes()},
		"a packed header that is not":      {"validate/unparsable", spec{header: func([]byte) []byte { return []byte("\x17\x06\x00\x01\x09\x01\x00") }}.assemble("x", nil)},
		"a packed header of 4 GiB": {"validate/unparsable", spec{header: func([]byte) []byte {
			return []byte("\x17\x06\x00\x01\x09\x01\x00\x07\x0b\x01\x00\x01\x01\x00\x0c\xf0\xff\xff\xff\xff\x00\x00")
		}}.assemble("x", nil)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rep := scanAs("m.7z", tt.b, limits())
			if !slices.Contains(rep.Files[0].Scanners, "sevenzip") || clean(rep) || !has(rep, tt.rule) {
				t.Errorf("want %s\n%s", tt.rule, validatetest.Show(rep))
			}
		})
	}
}

// nullifAI (ReversingLabs, February 2025): the archive has the name of a checkpoint.
func TestNamesDoNotHelp(t *testing.T) {
	for _, name := range []string{"pytorch_model.pt", "model.bin", "noname"} {
		if rep := scanAs(name, one("text").bytes(), limits()); !has(rep, "sevenzip/other-name") || clean(rep) {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
		if rep := scanAs(name, one("EVIL").bytes(), limits()); !has(rep, "fake/evil") {
			t.Errorf("%s, evil\n%s", name, validatetest.Show(rep))
		}
	}
	if rep := scanAs("model.7z", []byte("text"), limits()); !has(rep, "sevenzip/name-only") {
		t.Errorf("a text called model.7z\n%s", validatetest.Show(rep))
	}
}

// made runs 7z in a folder with some files and returns the archives it leaves.
func made(t *testing.T, line string) map[string][]byte {
	t.Helper()
	_, err := exec.LookPath("7z")
	validatetest.Need(t, "7z", err)
	dir := t.TempDir()
	cmd := exec.Command("/bin/sh", "-ec", "mkdir -p d/sub; echo a text > d/a.txt; seq 1 20000 > d/sub/b.md; : > d/empty; echo x > d/ü; ls -laR /usr/share/doc 2>/dev/null | head -c 5000000 > d/long; "+line)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.7z"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	files := map[string][]byte{}
	for _, name := range found {
		if files[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestArchivesOf7zAreCleared(t *testing.T) {
	for name, b := range made(t, "for m in LZMA LZMA2 BZip2 Deflate Copy; do 7z a -m0=$m $m.7z d; 7z a -m0=$m -mhc=off -ms=off $m.flat.7z d; done; 7z a -mx9 best.7z d; 7z a one.7z d/a.txt; 7z a -mtc=on -mta=on times.7z d; 7z a empty.7z d/empty; 7z a twice.7z d/a.txt; 7z a twice.7z d/sub") {
		if rep := scanAs(name, b, limits()); !clean(rep) {
			t.Errorf("%s is not cleared\n%s", name, validatetest.Show(rep))
		}
		for _, n := range []int{len(b) - 1, len(b) / 2, 40} {
			if clean(scanAs(name, b[:n], limits())) {
				t.Errorf("%s cut to %d of %d bytes is cleared", name, n, len(b))
			}
		}
	}
}

func TestArchivesOf7zThatAreNotRead(t *testing.T) {
	for name, b := range made(t, "7z a -psecret encrypted.7z d; 7z a -psecret -mhe=on hidden.7z d; 7z a -m0=PPMd unread.7z d; 7z a -m0=BCJ -m1=LZMA unread2.7z d; echo EVIL > d/z; 7z a evil.7z d; head -c 40000000 /dev/zero | tr '\\0' '\\n' > d/bomb; 7z a bomb.7z d/bomb") {
		want := map[byte]string{'e': "sevenzip/encrypted", 'h': "sevenzip/encrypted", 'u': "sevenzip/unread", 'b': "validate/budget"}[name[0]]
		l := limits()
		if name == "evil.7z" {
			want = "fake/evil"
		} else {
			l.MaxExpandedMB = 16
		}
		if rep := scanAs(name, b, l); clean(rep) || !has(rep, want) {
			t.Errorf("%s: want %s\n%s", name, want, validatetest.Show(rep))
		}
	}
}
