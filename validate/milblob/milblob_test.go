package milblob

import (
	"bytes"
	"context"
	"encoding/binary"
	"reflect"
	"slices"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

var scanners = []*validate.Scanner{Scanner()}

func run(b []byte) validate.Report {
	return validate.ScanReader(context.Background(), scanners, "weights/weight.bin", bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan)
}

// file writes blobs of the given sizes.
func file(sizes ...int) []byte {
	b := make([]byte, align)
	binary.LittleEndian.PutUint32(b, uint32(len(sizes)))
	binary.LittleEndian.PutUint32(b[4:], version)
	for _, n := range sizes {
		for len(b)%align != 0 {
			b = append(b, 0)
		}
		meta := make([]byte, align)
		binary.LittleEndian.PutUint32(meta, sentinel)
		binary.LittleEndian.PutUint32(meta[4:], 1)
		binary.LittleEndian.PutUint64(meta[8:], uint64(n))
		binary.LittleEndian.PutUint64(meta[16:], uint64(len(b)+align))
		b = append(append(b, meta...), bytes.Repeat([]byte{0xc1}, n)...)
	}
	return b
}

func with(b []byte, at int, v ...byte) []byte {
	b = slices.Clone(b)
	copy(b[at:], v)
	return b
}

func TestWholeFilesAreCleared(t *testing.T) {
	for name, b := range map[string][]byte{"one blob": file(100), "blobs": file(1, 64, 0, 200), "padding at the end": append(file(100), make([]byte, 28)...)} {
		if rep := run(b); len(rep.Findings) > 0 || !rep.Files[0].Cleared {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func TestBrokenFilesAreNotCleared(t *testing.T) {
	good := file(100, 64)
	for name, b := range map[string][]byte{
		"one blob more":          with(good, 0, 3),
		"one blob less":          with(good, 0, 1),
		"another mark":           with(good, 256, 0),
		"a size above the file":  with(good, align+8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		"a place inside another": with(good, 256+16, 130),
		"no type":                with(good, align+4, 0),
		"a byte in the padding":  with(good, 128+101, 1),
		"bytes at the end":       append(slices.Clone(good), "PK\x03\x04"...),
		"cut":                    good[:len(good)-1],
	} {
		if rep := run(b); rep.Files[0].Cleared || len(rep.Findings) == 0 {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func FuzzBlobs(f *testing.F) {
	f.Add(file(100, 64))
	f.Fuzz(func(t *testing.T, b []byte) {
		rep := run(b)
		if again := run(b); !reflect.DeepEqual(rep.Findings, again.Findings) {
			t.Fatal("two scans differ")
		}
		for _, x := range rep.Findings {
			if x.Offset < 0 || x.Offset > int64(len(b)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
		if rep.Files[0].Cleared && run(append(slices.Clone(b), 1)).Files[0].Cleared {
			t.Fatal("a byte more is cleared too")
		}
	})
}

func BenchmarkBlobs(b *testing.B) {
	data := file(slices.Repeat([]int{4096}, 2000)...)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if rep := run(data); !rep.Files[0].Cleared {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
