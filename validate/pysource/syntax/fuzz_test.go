package syntax

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	for text := range strings.SplitSeq(grammar, "---\n") {
		f.Add([]byte(text))
	}
	for text := range strings.SplitSeq(newer, "---\n") {
		f.Add([]byte(text))
	}
	f.Add([]byte("# coding: latin-1\r\nx = '\xe9'\r\n"))
	f.Add([]byte(bom + "x\r\fy"))
	f.Fuzz(func(t *testing.T, src []byte) {
		m, err := Parse(src, Limits{})
		again, errAgain := Parse(src, Limits{})
		if (err == nil) != (errAgain == nil) || !reflect.DeepEqual(m, again) {
			t.Fatal("two readings differ")
		}
		if (err == nil) != (m != nil) {
			t.Fatal("an error with a tree, or neither")
		}
		if err != nil {
			checkError(t, src, err)
			return
		}
		checkTree(t, src, m)
		dump(src, m, false)
	})
}

// BenchmarkParse reads the sources of one installed package, or the examples without it.
func BenchmarkParse(b *testing.B) {
	files, _ := filepath.Glob("/usr/lib/python3.11/*.py")
	var all [][]byte
	n := 0
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err == nil {
			all, n = append(all, src), n+len(src)
		}
	}
	if n == 0 {
		all = [][]byte{[]byte(newer)}
		n = len(newer)
	}
	b.SetBytes(int64(n))
	b.ReportAllocs()
	for b.Loop() {
		for _, src := range all {
			if _, err := Parse(src, Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}
