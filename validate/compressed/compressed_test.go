package compressed

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

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

// writers compress in every format for which there is a writer.
func writers() map[string]func(string) []byte {
	with := func(open func(*bytes.Buffer) (interface {
		Write([]byte) (int, error)
		Close() error
	}, error)) func(string) []byte {
		return func(text string) []byte {
			var b bytes.Buffer
			w, err := open(&b)
			if err == nil {
				_, err = w.Write([]byte(text))
			}
			if err == nil {
				err = w.Close()
			}
			if err != nil {
				panic(err)
			}
			return b.Bytes()
		}
	}
	type closer = interface {
		Write([]byte) (int, error)
		Close() error
	}
	return map[string]func(string) []byte{
		"gzip":     with(func(b *bytes.Buffer) (closer, error) { return gzip.NewWriter(b), nil }),
		"zlib":     with(func(b *bytes.Buffer) (closer, error) { return zlib.NewWriter(b), nil }),
		"zlib 0":   with(func(b *bytes.Buffer) (closer, error) { return zlib.NewWriterLevel(b, 0) }),
		"xz":       with(func(b *bytes.Buffer) (closer, error) { return xz.NewWriter(b) }),
		"xz crc32": with(func(b *bytes.Buffer) (closer, error) { return xz.WriterConfig{CheckSum: xz.CRC32}.NewWriter(b) }),
		"xz sha":   with(func(b *bytes.Buffer) (closer, error) { return xz.WriterConfig{CheckSum: xz.SHA256}.NewWriter(b) }),
		"xz none":  with(func(b *bytes.Buffer) (closer, error) { return xz.WriterConfig{NoCheckSum: true}.NewWriter(b) }),
		"xz blocks": with(func(b *bytes.Buffer) (closer, error) {
			return xz.WriterConfig{BlockSize: 5000}.NewWriter(b)
		}),
		"lzma":     with(func(b *bytes.Buffer) (closer, error) { return lzma.NewWriter(b) }),
		"zstd":     with(func(b *bytes.Buffer) (closer, error) { return zstd.NewWriter(b) }),
		"lz4":      func(text string) []byte { return lz4Plain(text, lz4Alone|lz4ContentSum) },
		"lz4 sums": func(text string) []byte { return lz4Plain(text, lz4BlockSum|lz4ContentSum|lz4Size) },
		"joblib":   zf,
	}
}

// lz4Plain is a frame of blocks that are not compressed.
func lz4Plain(text string, flags byte) []byte {
	b := []byte(lz4Magic + string([]byte{1<<6 | flags, 4 << 4}))
	if flags&lz4Size != 0 {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(text)))
	}
	b = append(b, byte(sumXXH32(b[4:])>>8))
	for rest := text; rest != ""; {
		n := min(len(rest), 64<<10)
		b = le.AppendUint32(b, uint32(n)|1<<31)
		b = append(b, rest[:n]...)
		if flags&lz4BlockSum != 0 {
			b = le.AppendUint32(b, sumXXH32([]byte(rest[:n])))
		}
		rest = rest[n:]
	}
	b = le.AppendUint32(b, 0)
	if flags&lz4ContentSum != 0 {
		b = le.AppendUint32(b, sumXXH32([]byte(text)))
	}
	return b
}

func zf(text string) []byte {
	return append([]byte("ZF"+fmt.Sprintf("%-19s", fmt.Sprintf("%#x", len(text)))), writers()["zlib"](text)...)
}

// members are formats whose streams readers take one after the other.
var members = []string{"gzip", "xz", "zstd", "lz4"}

func TestStreamsAreClearedAndJudged(t *testing.T) {
	for name, write := range writers() {
		for _, text := range []string{"text\n", strings.Repeat("some text\n", 20_000)} {
			for _, file := range []string{"model.bin", "model.txt", "x.gz", "x.tgz", "noname"} {
				if rep := scanAs(file, write(text), limits()); !clean(rep) || rep.Files[0].Scanners[0] != "compressed" {
					t.Errorf("%s of %d bytes as %s is not cleared\n%s", name, len(text), file, validatetest.Show(rep))
				}
			}
			if rep := scanAs("model.bin", write("EVIL "+text), limits()); !has(rep, "fake/evil") || clean(rep) {
				t.Errorf("%s: evil is not found\n%s", name, validatetest.Show(rep))
			}
		}
		b := write(strings.Repeat("text\n", 99))
		for n := range len(b) {
			if rep := scanAs("model.bin", b[:n], limits()); clean(rep) && rep.Files[0].Scanners[0] == "compressed" {
				t.Errorf("%s cut to %d of %d bytes is cleared", name, n, len(b))
			}
		}
	}
}

func TestStreamsOneAfterTheOther(t *testing.T) {
	for _, name := range members {
		write := writers()[name]
		two := append(write("one\n"), write("two\n")...)
		if rep := scanAs("m", two, limits()); !clean(rep) {
			t.Errorf("%s: two streams are not cleared\n%s", name, validatetest.Show(rep))
		}
		two = append(write("one\n"), write("EVIL")...)
		if rep := scanAs("m", two, limits()); !has(rep, "fake/evil") {
			t.Errorf("%s: evil in the second stream is not found\n%s", name, validatetest.Show(rep))
		}
	}
}

// gzipped is a gzip stream with a header of our choice.
func gzipped(header string, text string) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write([]byte(text))
	w.Close()
	return append([]byte("\x1f\x8b\x08"+header), z.Bytes()[10:]...)
}

func TestDeviations(t *testing.T) {
	w := writers()
	flip := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		if at < 0 {
			at += len(b)
		}
		b[at] ^= 1
		return b
	}
	text := strings.Repeat("text\n", 99)
	skippable := "\x5a\x2a\x4d\x18\x04\x00\x00\x00EVIL"
	tests := map[string]struct {
		rule string
		b    []byte
	}{
		"gzip with a wrong CRC":                {"compressed/broken", flip(w["gzip"](text), -8)},
		"gzip with a wrong CRC, evil":          {"fake/evil", flip(w["gzip"]("EVIL"), -8)},
		"gzip with a wrong size":               {"compressed/broken", flip(w["gzip"](text), -1)},
		"gzip with a name that leads up":       {"compressed/name", gzipped("\x08\x00\x00\x00\x00\x00\x03../x\x00", text)},
		"gzip with an absolute name":           {"compressed/name", gzipped("\x08\x00\x00\x00\x00\x00\x03/etc/x\x00", text)},
		"gzip with a comment":                  {"compressed/hidden", gzipped("\x10\x00\x00\x00\x00\x00\x03EVIL\x00", text)},
		"gzip with an extra field":             {"compressed/hidden", gzipped("\x04\x00\x00\x00\x00\x00\x03\x04\x00EVIL", text)},
		"gzip with reserved flags":             {"compressed/hidden", gzipped("\x20\x00\x00\x00\x00\x00\x03", text)},
		"gzip with zeros behind it":            {"compressed/trailing", append(w["gzip"](text), make([]byte, 512)...)},
		"gzip, zeros, gzip":                    {"fake/evil", append(append(w["gzip"](text), 0, 0, 0), w["gzip"]("EVIL")...)},
		"gzip with garbage behind it":          {"compressed/trailing", append(w["gzip"](text), "PK\x03\x04"...)},
		"zlib with garbage behind it":          {"compressed/trailing", append(w["zlib"](text), "x"...)},
		"zlib, twice":                          {"compressed/trailing", append(w["zlib"](text), w["zlib"](text)...)},
		"zlib with a wrong checksum":           {"compressed/broken", flip(w["zlib"](text), -1)},
		"xz with garbage behind it":            {"compressed/trailing", append(w["xz"](text), "x"...)},
		"xz with padding behind it":            {"compressed/trailing", append(w["xz"](text), 0, 0, 0, 0)},
		"xz, padding, evil":                    {"fake/evil", append(append(w["xz"](text), 0, 0, 0, 0), w["xz"]("EVIL")...)},
		"xz with a wrong checksum":             {"compressed/broken", flip(w["xz"](text), len(w["xz"](text))-37)},
		"xz with a broken index":               {"compressed/broken", flip(w["xz"](text), -20)},
		"xz with a broken footer":              {"compressed/broken", flip(w["xz"](text), -5)},
		"xz with other flags":                  {"compressed/broken", flip(w["xz"](text), 7)},
		"LZMA with garbage behind it":          {"compressed/trailing", append(w["lzma"](text), "xxxx"...)},
		"LZMA, broken later on":                {"compressed/broken", flip(w["lzma"](strings.Repeat(text, 99)+fmt.Sprint(limits())), -9)},
		"zstd with garbage behind it":          {"compressed/trailing", append(w["zstd"](text), "x"...)},
		"zstd with a skippable frame":          {"compressed/hidden", append(w["zstd"](text), skippable...)},
		"zstd behind a skippable frame":        {"compressed/hidden", append([]byte(skippable), w["zstd"](text)...)},
		"evil zstd behind a skippable frame":   {"fake/evil", append([]byte(skippable), w["zstd"]("EVIL")...)},
		"a skippable frame alone":              {"compressed/hidden", []byte(skippable)},
		"a skippable frame that is cut off":    {"compressed/broken", []byte(skippable[:9])},
		"zstd with a wrong checksum":           {"compressed/broken", flip(w["zstd"](text), -1)},
		"zstd with a dictionary":               {"compressed/unread", []byte(zstdMagic + "\x21\x05\x07\x01\x00\x00")},
		"zstd with a window of 3 TiB":          {"compressed/window", []byte(zstdMagic + "\x00\xff\x01\x00\x00")},
		"lz4 with a skippable frame":           {"compressed/hidden", append(w["lz4"](text), skippable...)},
		"evil lz4 behind a skippable frame":    {"fake/evil", append([]byte(skippable), w["lz4"]("EVIL")...)},
		"lz4 with garbage behind it":           {"compressed/trailing", append(w["lz4"](text), "x"...)},
		"lz4 with a wrong checksum":            {"compressed/broken", flip(w["lz4"](text), -1)},
		"lz4 with a wrong header checksum":     {"compressed/broken", flip(w["lz4"](text), 6)},
		"lz4 with a wrong block checksum":      {"compressed/broken", flip(w["lz4 sums"](text), -9)},
		"lz4 with a dictionary":                {"compressed/unread", []byte(lz4Magic + "\x41\x40aaaa\x00\x00\x00\x00\x00\x00\x00\x00")},
		"lz4 with a block above its size":      {"compressed/broken", append(lz4Plain("", 0)[:7], "\xff\xff\xff\x7f"...)},
		"lz4 that looks back too far":          {"compressed/broken", append(lz4Plain("", 0)[:7], "\x04\x00\x00\x00\x10a\xff\xff"...)},
		"the LZ4 of 2011":                      {"compressed/unread", []byte("\x02\x21\x4c\x18\x01\x00\x00\x00\x10a")},
		"joblib ZF with another size":          {"compressed/broken", bytes.Replace(zf(text), []byte("0x1ef"), []byte("0x1ee"), 1)},
		"evil joblib ZF with another size":     {"fake/evil", bytes.Replace(zf("EVIL"), []byte("0x4"), []byte("0x9"), 1)},
		"LZMA with a dictionary of 4 GiB":      {"compressed/broken", append([]byte("\x5d\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), w["lzma"](text)[13:len(w["lzma"](text))-3]...)},
		"evil in gzip in xz in zlib":           {"fake/evil", w["zlib"](string(w["xz"](string(w["gzip"]("EVIL")))))},
		"bzip2 of evil":                        {"fake/evil", []byte(bzippedEvil)},
		"two bzip2 streams, the second broken": {"compressed/broken", []byte(bzippedEvil + bzippedEvil[:20])},
		"bzip2 with garbage behind it":         {"compressed/broken", []byte(bzippedEvil + "garbage")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rep := scanAs("model.bin", tt.b, limits())
			if !slices.Contains(rep.Files[0].Scanners, "compressed") || clean(rep) || !has(rep, tt.rule) {
				t.Errorf("want %s\n%s", tt.rule, validatetest.Show(rep))
			}
		})
	}
}

// bzippedEvil is "EVIL"; the standard library has no bzip2 writer.
const bzippedEvil = "\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x3e\x9f\x63\x10\x00\x00\x00\x06\x00\x02\x24\x01\x00\x20\x00\x21\x9a\x68\x33\x4d\x32\xbc\x5d\xc9\x14\xe1\x42\x40\xfa\x7d\x8c\x40"

func TestWhatOnlyLooksCompressed(t *testing.T) {
	header := func(n int) []byte {
		b := binary.LittleEndian.AppendUint64(nil, uint64(n))
		return append(b, `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`+strings.Repeat(" ", 300)...)
	}
	for _, n := range []int{0x0178, 0x5e78, 0x9c78, 0xda78, 0x2078, 0xbb78, 0x1d08, 0x8b1f, 0x18b1f, 0x88b1f, 0x5d, 0x4f5a42, 0x5a42, 0x465a, 0x37fd} {
		if rep := scanAs("model.safetensors", header(n), limits()); slices.Contains(rep.Files[0].Scanners, "compressed") {
			t.Errorf("modelaudit 1854: a header length of %#x is taken for a stream\n%s", n, validatetest.Show(rep))
		}
	}
	pun := bytes.Replace(writers()["gzip"](strings.Repeat("EVIL ", 99)), []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00"), []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00{"), 1)
	if rep := scanAs("model.safetensors", pun, limits()); pun[8] != '{' || !has(rep, "fake/evil") {
		t.Errorf("a stream that begins like safetensors is not judged\n%s", validatetest.Show(rep))
	}
	for _, text := range []string{"x^2 + y^2 = z^2, and so on for a while\n", "HK and other letters, as one finds them in a text that is long enough\n", "BZh9 is no stream\n", "ZF0x5 is none\n", "]\x00", "(7z)", "XG is short\n", "hC hello\n", "8O"} {
		if rep := scanAs("readme.txt", []byte(text), limits()); slices.Contains(rep.Files[0].Scanners, "compressed") {
			t.Errorf("%q is taken for a stream\n%s", text, validatetest.Show(rep))
		}
	}
	if rep := scanAs("model.gz", []byte("text"), limits()); !has(rep, "compressed/name-only") || clean(rep) {
		t.Errorf("a text called model.gz\n%s", validatetest.Show(rep))
	}
	if rep := scanAs("modeling.py.gz", writers()["gzip"]("import os\n"), limits()); !has(rep, "compressed/code-inside") {
		t.Errorf("compressed code\n%s", validatetest.Show(rep))
	}
}

// A deflate stream that breaks after enough of it is a broken stream, even when all its bytes are printable.
func TestABrokenStreamIsNoText(t *testing.T) {
	b := writers()["zlib"](strings.Repeat("abcdefgh", 9) + fmt.Sprint(limits(), t.Name(), deflateTable()))
	b = append(b[:len(b)-20:len(b)-20], bytes.Repeat([]byte{0xFF}, 400)...)
	if rep := scanAs("notes.txt", b, limits()); !has(rep, "compressed/broken") {
		t.Errorf("not taken for a stream\n%s", validatetest.Show(rep))
	}
}

func TestBombsEndInTime(t *testing.T) {
	zeros := strings.Repeat("\n", 16<<20)
	w := writers()
	nested := []byte("text")
	for range 40 {
		nested = w["gzip"](string(nested))
	}
	small := w["gzip"]("")
	for name, b := range map[string][]byte{
		"gzip": w["gzip"](zeros), "zlib": w["zlib"](zeros), "xz": w["xz"](zeros), "lzma": w["lzma"](zeros), "zstd": w["zstd"](zeros),
		"in one another": w["gzip"](string(w["zstd"](string(w["xz"](zeros))))), "deep": nested,
		"members": bytes.Repeat(small, 200_000),
	} {
		l := limits()
		l.MaxExpandedMB = 8
		start := time.Now()
		if rep := scanAs("m", b, l); !has(rep, "validate/budget") || clean(rep) {
			t.Errorf("%s: no budget finding\n%s", name, validatetest.Show(rep))
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: %v", name, took)
		}
	}
}

func TestXXH32(t *testing.T) { // the sums of the specification's reference
	for text, want := range map[string]uint32{"": 0x02CC5D05, "a": 0x550D7456, "abc": 0x32D153FF, "Nobody inspects the spammish repetition": 0xE2293B2F} {
		if got := sumXXH32([]byte(text)); got != want {
			t.Errorf("%q: %#x, want %#x", text, got, want)
		}
	}
}

// deflateTable is text that does not compress to almost nothing.
func deflateTable() string {
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, "%x ", i*i*i)
	}
	return b.String()
}

func TestABrokenStreamIsJudgedUpToTheBreak(t *testing.T) {
	text := "EVIL" + strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz, ", 4)
	for name, write := range writers() {
		if strings.HasPrefix(name, "bzip2") || strings.HasPrefix(name, "lz4") {
			continue // a block gives nothing before it is whole
		}
		t.Run(name, func(t *testing.T) {
			whole := write(text)
			rep := scanAs("x", whole[:len(whole)-2], limits())
			if clean(rep) || !has(rep, evil.ID) {
				t.Error(validatetest.Show(rep))
			}
			if strings.HasPrefix(name, "zstd") {
				return
			}
			rep = scanAs("x", whole[:len(whole)-len(whole)/3], limits())
			if clean(rep) || !has(rep, evil.ID) {
				t.Errorf("two thirds: %s", validatetest.Show(rep))
			}
		})
	}
}

func TestWhatFollowsAStreamIsJudged(t *testing.T) {
	for name, behind := range map[string]string{"at once": "EVIL", "behind padding": "\x00\x00EVIL"} {
		t.Run(name, func(t *testing.T) {
			rep := scanAs("x", append(gzipped("\x00\x00\x00\x00\x00\x00\xff", "text"), behind...), limits())
			if clean(rep) || !has(rep, evil.ID) || !has(rep, trailing.ID) {
				t.Error(validatetest.Show(rep))
			}
		})
	}
}
