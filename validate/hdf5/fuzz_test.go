package hdf5

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// seeds are small files with every kind of structure that the writer here knows.
func seeds() [][]byte {
	one := func(fill func(w *writer) int) []byte {
		w := newWriter(0)
		return w.file(fill(w))
	}
	return [][]byte{
		{}, []byte(signature), weights(64),
		one(func(w *writer) int { return w.object() }),
		one(func(w *writer) int {
			return w.object(textAttr("model_config", `{"class_name":"Sequential"}`), link("g", w.object()), other(1, "s", "/g"), other(64, "e", "\x00f\x00o\x00"))
		}),
		one(func(w *writer) int {
			at := w.put(collectionOf([]byte("text")))
			return w.object(attr("a", vlenString, scalar, cat(u32(4), u64(at), u32(1))), attr("b", opaqueType(4), scalar, []byte("abcd")))
		}),
		one(func(w *writer) int { return w.object(link("t", w.object(msg{kindDatatype, fixedType(4)}))) }),
	}
}

// FuzzHDF5 checks what must hold for any bytes: no panic, the same report twice, places inside the file, and that a
// cleared file is not cleared when it is cut.
func FuzzHDF5(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s, uint16(len(s)/2), true)
	}
	if dir, err := os.MkdirTemp("", "hdf5"); err == nil {
		defer os.RemoveAll(dir)
		if exec.Command(systemPython, "testdata/seeds.py", dir).Run() == nil { // structures of the library, where it is installed
			list, _ := filepath.Glob(filepath.Join(dir, "*"))
			for _, name := range list {
				if b, err := os.ReadFile(name); err == nil {
					f.Add(b, uint16(100), true)
				}
			}
		}
	}
	l := limits()
	l.MaxExpandedMB, l.MaxHeaderSizeMB, l.MaxEntries, l.MaxScanSeconds = 4, 1, 1000, 2
	f.Fuzz(func(t *testing.T, b []byte, cut uint16, mend bool) {
		if mend {
			b = mended(b)
		}
		rep := scanBytes(b, l)
		if again := scanBytes(b, l); !reflect.DeepEqual(rep.Findings, again.Findings) || !reflect.DeepEqual(rep.Files, again.Files) {
			t.Fatalf("two scans differ\n%s%s", validatetest.Show(rep), validatetest.Show(again))
		}
		for _, finding := range rep.Findings {
			if strings.Contains(finding.Detail, "max_scan_seconds") {
				t.Fatalf("%d bytes take longer than two seconds", len(b))
			}
			if finding.Offset < 0 || finding.File == "m.h5" && finding.Offset > int64(len(b)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
			if finding.Rule == validate.Unparsable.ID && finding.File == "m.h5" && rep.Files[0].Cleared {
				t.Fatalf("cleared in spite of an error\n%s", validatetest.Show(rep))
			}
		}
		if n := int(cut); clean(rep) && rep.Files[0].Scanners[0] == "hdf5" && n < len(b) {
			if r := scanBytes(b[:n], l); clean(r) {
				t.Fatalf("cut to %d of %d bytes it is still cleared", n, len(b))
			}
		}
	})
}

// mended repairs the checksums of the superblock and of object headers, so that the fuzzer gets behind them.
func mended(b []byte) []byte {
	b = bytes.Clone(b)
	if bytes.HasPrefix(b, []byte(signature)) && len(b) >= 48 && b[8] >= 2 {
		copy(b[44:], summed(b[:44])[44:])
	}
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte("OHDR\x02\x02"))
		if i < 0 || at+i+14 > len(b) {
			return b
		}
		at += i
		if n := int(le.Uint32(b[at+6:])) + 10; n > 0 && n <= len(b)-at-4 {
			copy(b[at+n:], summed(b[at : at+n])[n:])
		}
		at += 6
	}
}

func BenchmarkKerasFile(b *testing.B) {
	w := newWriter(0)
	var layers []msg
	for i := range 200 {
		d := w.object(dataset(4096, contiguous(w.put(make([]byte, 4096)), 4096))...)
		layers = append(layers, link(fmt.Sprintf("layer_%d", i), w.object(textAttr("weight_names", "kernel:0"), link("kernel:0", d))))
	}
	data := w.file(w.object(layers...))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if rep := scanBytes(data, limits()); !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
