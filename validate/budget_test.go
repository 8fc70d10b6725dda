package validate_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// unpacks is a scanner of the outermost file that expands to n zeros; what comes out is cleared.
func unpacks(cost, n int64) *validate.Scanner {
	return with(func(p *validate.Pass) error {
		p.Clear(0, p.Size, "")
		if p.Depth > 0 {
			return nil
		}
		_, err := p.ExpandSlowly(cost, "zeros", func() (io.Reader, error) { return io.LimitReader(nothing{}, n), nil })
		return err
	})
}

type nothing struct{}

func (nothing) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestOneFileMayExpandByARatio(t *testing.T) {
	const mib, again = 1 << 20, 64 << 10 // what is read again, to see what the content is
	tests := []struct {
		name     string
		limit    int64 // MiB
		size     int
		cost     int64
		expanded int64
		cleared  bool
	}{
		{"a small file", 4096, 100, validate.Slow, 256*mib - again, true},
		{"a small bomb", 4096, 100, validate.Slow, 256*mib + 1, false},
		{"a large file to its ratio", 4096, 5 * mib, validate.Slow, 320*mib - again, true},
		{"a large file beyond it", 4096, 5 * mib, validate.Slow, 320*mib + 1, false},
		{"a share of a larger limit", 16 * 1200, 100, validate.Slow, 300*mib - again, true},
		{"beyond the share", 16 * 1200, 100, validate.Slow, 300*mib + 1, false},
		{"a fast decompressor", 4096, 100, 1, 300 * mib, true},
		{"a small limit is one", 100, 100, 1, 100*mib + 1, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := validatetest.Policy().Scan
			l.MaxExpandedMB = test.limit
			rep := scanBytes(t, string(bytes.Repeat([]byte("x"), test.size)), l, unpacks(test.cost, test.expanded))
			if rep.Files[0].Cleared != test.cleared {
				t.Fatalf("cleared is %v: %v", rep.Files[0].Cleared, rep.Findings)
			}
			if test.cleared {
				return
			}
			if f := rep.Findings[0]; f.Rule != validate.Exhausted.ID || !strings.Contains(f.Detail, "max_expanded_mb") || test.limit > 256 && !strings.Contains(f.Detail, "unpack it") {
				t.Errorf("the finding does not say what to do: %+v", f)
			}
		})
	}
}

func TestTheFrontOfABombIsJudged(t *testing.T) {
	l := validatetest.Policy().Scan
	l.MaxExpandedMB = 1
	for _, front := range []string{"evil", "harmless"} {
		bomb := with(func(p *validate.Pass) error {
			if p.Depth > 0 {
				var b [4]byte
				if _, err := p.ReadAt(b[:], 0); err == nil && string(b[:]) == "evil" {
					p.Report(hostile, 0, "found")
				}
				p.Report(doubt, 0, "cut off")
				return nil
			}
			_, err := p.Expand("bomb", func() (io.Reader, error) { return io.MultiReader(strings.NewReader(front), nothing{}), nil })
			return err
		})
		rep := scanBytes(t, "x", l, bomb)
		rules := map[string]bool{}
		for _, f := range rep.Findings {
			rules[f.Rule] = true
		}
		if rules[hostile.ID] != (front == "evil") || rules[doubt.ID] || !rules[validate.Exhausted.ID] {
			t.Error(validatetest.Show(rep))
		}
	}
}
