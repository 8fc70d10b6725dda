package unread

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func scanAs(name string, b []byte) validate.Report {
	return validatetest.Kept(name, b, validate.ScanReader(context.Background(), []*validate.Scanner{Scanner()}, name, bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan))
}

func TestFormatsAreNamed(t *testing.T) {
	for _, f := range formats {
		b := []byte(strings.Repeat("\x01", f.at) + f.magic + "\x00\xffrest")
		rep := scanAs("model.bin", b)
		if len(rep.Findings) != 1 || rep.Findings[0].Rule != "unread/format" || rep.Findings[0].Offset != int64(f.at) || rep.Findings[0].Detail != f.words {
			t.Errorf("%q\n%s", f.magic, validatetest.Show(rep))
		}
	}
}

// The policy withholds tables of training data by their names, if they are what their names say.
func TestTablesAreLeftToThePolicy(t *testing.T) {
	for name, claimed := range map[string]bool{"a.parquet": false, "A.PARQUET": false, "a.arrow": true, "a.bin": true, "parquet": true} {
		if rep := scanAs(name, []byte("PAR1\x15\x04\x15\x00\xff")); len(rep.Files[0].Scanners) > 0 != claimed {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func TestTextIsNotClaimed(t *testing.T) {
	for _, s := range []string{"", "PAR1 is a magic number", "RKNN models", "the SORTM", "FEA1", "\x12\x01\x00\x00\x00\x00\x00\x00{\"a\":"} {
		if rep := scanAs("README.md", []byte(s)); len(rep.Files[0].Scanners) != 0 {
			t.Errorf("%q\n%s", s, validatetest.Show(rep))
		}
	}
}

func FuzzUnread(f *testing.F) {
	for _, x := range formats {
		f.Add([]byte(strings.Repeat("\x01", x.at) + x.magic + "\x00"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rep := scanAs("m", b)
		if len(rep.Files[0].Scanners) > 0 && (len(rep.Findings) != 1 || rep.Findings[0].Severity != validate.Medium) {
			t.Fatal(validatetest.Show(rep))
		}
	})
}

func BenchmarkUnread(b *testing.B) {
	data := append([]byte("PAR1"), make([]byte, 1<<20)...)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		scanAs("a.bin", data)
	}
}
