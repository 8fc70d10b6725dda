package tarfile

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate/validatetest"
)

// FuzzTar checks what must hold for any bytes: no panic, the same report twice, places inside the file, and that
// what is cleared is no longer cleared when it is cut.
func FuzzTar(f *testing.F) {
	f.Add(archived(file("a", "text"), entry{name: "d/", kind: '5'}), uint16(600))
	f.Add(archived(pax('x', "path=b", "size=4"), file("a", "text"), entry{name: "l", kind: '2', target: "../x"}), uint16(9))
	f.Add(append(archived(entry{name: "a", kind: 'S', data: "x", change: set(257, "ustar  \x00")}), archived(file("b", "x"))...), uint16(9))
	l := limits()
	l.MaxExpandedMB, l.MaxHeaderSizeMB, l.MaxEntries = 4, 1, 1000
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		rep, again := scanLimited(b, l), scanLimited(b, l)
		if !reflect.DeepEqual(rep.Findings, again.Findings) || !reflect.DeepEqual(rep.Files, again.Files) {
			t.Fatalf("two scans differ\n%s%s", validatetest.Show(rep), validatetest.Show(again))
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.File == rep.Files[0].Path && finding.Offset > rep.Files[0].Size {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
		if !clean(rep) || len(rep.Files[0].Scanners) != 1 || rep.Files[0].Scanners[0] != "tar" {
			return
		}
		if n := int(cut); n < len(bytes.TrimRight(b, "\x00")) {
			if r := scanLimited(b[:n], l); clean(r) && r.Files[0].Scanners[0] == "tar" {
				t.Fatalf("cut to %d of %d bytes it is still cleared", n, len(b))
			}
		}
	})
}

func BenchmarkTar(b *testing.B) {
	var list []entry
	for i := range 1000 {
		list = append(list, file(fmt.Sprint("d/", i), strings.Repeat("text\n", 200)))
	}
	data := archived(list...)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if rep := scanBytes(data); !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
