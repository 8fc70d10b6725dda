package validate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// knows is a scanner of files that begin with "head", of which it explains just that, and reports "evil" wherever a
// file begins with it.
func knows() []*validate.Scanner {
	begins := func(word string) func(validate.Head) bool {
		return func(h validate.Head) bool { return strings.HasPrefix(string(h.Start), word) }
	}
	return []*validate.Scanner{
		{Name: "head", Match: begins("head"), Scan: func(p *validate.Pass) error { p.Clear(0, 4, "head"); return nil }},
		{Name: "evil", Match: begins("evil"), Scan: func(p *validate.Pass) error {
			p.Report(doubt, 0, "doubt")
			p.Report(hostile, 0, "found")
			return nil
		}},
	}
}

func TestUnexplainedBytesAreJudgedAsAFile(t *testing.T) {
	tests := []struct {
		name, content, file string
		found               bool
	}{
		{"behind the end", "headevil", "file!bytes@0x4", true},
		{"behind padding", "head\x00\x00\n\x00evil", "file!bytes@0x8", true},
		{"only padding", "head\x00\x00\x00\x00", "", false},
		{"harmless", "headtext", "", false},
		{"a gap in what was found in a gap", "headheadevil", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rep, d := validatetest.Run(t, knows(), "file", []byte(test.content))
			if d.Verdict == validate.Admit {
				t.Fatal("admitted")
			}
			at := slices.IndexFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == hostile.ID })
			if (at >= 0) != test.found || test.found && rep.Findings[at].File != test.file {
				t.Errorf("%v", validatetest.Show(rep))
			}
			for _, f := range rep.Findings {
				if f.File != "file" && f.Severity != validate.High {
					t.Errorf("%s in unexplained bytes is not certain to be hostile", f.Rule)
				}
			}
		})
	}
}

func TestGapsAreNotDeeperThanTheLimit(t *testing.T) {
	l := policy.ScanLimits{MaxEntries: 10, MaxScanSeconds: 10, MaxHeaderSizeMB: 1}
	rep := scanBytes(t, "headevil", l, knows()...)
	if len(rep.Findings) != 1 || rep.Findings[0].Rule != validate.Unexplained.ID {
		t.Error(validatetest.Show(rep))
	}
}
