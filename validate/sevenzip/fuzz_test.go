package sevenzip

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"reflect"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate/validatetest"
)

// FuzzSevenZip checks what must hold for any bytes: no panic, the same report twice, places inside the file, and that
// what is cleared is no longer cleared when it is cut.
func FuzzSevenZip(f *testing.F) {
	f.Add(one("text").bytes(), uint16(9))
	f.Add(spec{names: []string{"a", "b"}, texts: []string{"one", "two"}, attrs: "\x20\x80\xa4\x81\x20\x80\xa4\x81", extra: "\x19\x01\x00"}.bytes(), uint16(40))
	f.Add(spec{header: func([]byte) []byte {
		return []byte("\x17\x06\x00\x01\x09\x01\x00\x07\x0b\x01\x00\x01\x01\x00\x0c\x01\x00\x00")
	}}.assemble("x", nil), uint16(3))
	l := limits()
	l.MaxExpandedMB, l.MaxHeaderSizeMB, l.MaxEntries = 4, 1, 1000
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		rep, again := scanAs("model.7z", repaired(b), l), scanAs("model.7z", repaired(b), l)
		if !reflect.DeepEqual(rep.Findings, again.Findings) || !reflect.DeepEqual(rep.Files, again.Files) {
			t.Fatalf("two scans differ\n%s%s", validatetest.Show(rep), validatetest.Show(again))
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.File == rep.Files[0].Path && finding.Offset > rep.Files[0].Size {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
		if !clean(rep) || len(rep.Files[0].Scanners) != 1 || rep.Files[0].Scanners[0] != "sevenzip" {
			return
		}
		if n := int(cut); n < len(b) {
			if r := scanAs("model.7z", repaired(b)[:n], l); clean(r) && r.Files[0].Scanners[0] == "sevenzip" {
				t.Fatalf("cut to %d of %d bytes it is still cleared", n, len(b))
			}
		}
	})
}

func BenchmarkSevenZip(b *testing.B) {
	var s spec
	for i := range 100 {
		s.names, s.texts = append(s.names, fmt.Sprint(i)), append(s.texts, strings.Repeat("text\n", 20))
	}
	data := s.bytes()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if rep := scanAs("m.7z", data, limits()); !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}

// repaired gives an archive the checksums of its headers, so that changes reach the parser behind them.
func repaired(b []byte) []byte {
	b = bytes.Clone(b)
	if len(b) < headSize {
		return b
	}
	at, n := headSize+le.Uint64(b[12:]), le.Uint64(b[20:])
	if at <= uint64(len(b)) && n <= uint64(len(b))-at {
		le.PutUint32(b[28:], crc32.ChecksumIEEE(b[at:at+n]))
	}
	le.PutUint32(b[8:], crc32.ChecksumIEEE(b[12:headSize]))
	return b
}
