package compressed

import (
	"reflect"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate/validatetest"
)

// FuzzStream checks what must hold for any bytes: no panic, the same report twice, places inside the file, and that
// what is cleared is no longer cleared when it is cut.
func FuzzStream(f *testing.F) {
	for _, write := range writers() {
		f.Add(write("text\n"), uint16(9))
		f.Add(write(strings.Repeat("some text\n", 99)), uint16(40))
	}
	f.Add([]byte(bzippedEvil), uint16(3))
	f.Add([]byte("\x50\x2a\x4d\x18\x01\x00\x00\x00x"), uint16(3))
	l := limits()
	l.MaxExpandedMB, l.MaxHeaderSizeMB, l.MaxEntries = 4, 1, 1000
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		rep, again := scanAs("model.bin", b, l), scanAs("model.bin", b, l)
		if !reflect.DeepEqual(rep.Findings, again.Findings) || !reflect.DeepEqual(rep.Files, again.Files) {
			t.Fatalf("two scans differ\n%s%s", validatetest.Show(rep), validatetest.Show(again))
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.File == rep.Files[0].Path && finding.Offset > rep.Files[0].Size {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
		if !clean(rep) || len(rep.Files[0].Scanners) != 1 || rep.Files[0].Scanners[0] != "compressed" {
			return
		}
		if n := int(cut); n < len(b) && rep.Files[0].Size < 40 {
			if r := scanAs("model.bin", b[:n], l); clean(r) && r.Files[0].Scanners[0] == "compressed" {
				t.Fatalf("cut to %d of %d bytes it is still cleared", n, len(b))
			}
		}
	})
}

func BenchmarkGzip(b *testing.B) {
	data := writers()["gzip"](strings.Repeat("some text\n", 1<<20))
	b.SetBytes(10 << 20)
	for b.Loop() {
		if rep := scanAs("m", data, limits()); !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}

func BenchmarkXZ(b *testing.B) {
	data := writers()["xz"](strings.Repeat("some text\n", 1<<18))
	b.SetBytes(10 << 18)
	for b.Loop() {
		if rep := scanAs("m", data, limits()); !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
