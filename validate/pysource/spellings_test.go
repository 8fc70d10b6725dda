package pysource

import (
	"os"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
)

// Each program of testdata/spellings-*.txt is one way to reach something, and is judged at least as the file's name
// says. Programs are separated by lines of three dashes.
func TestSpellings(t *testing.T) {
	for name, least := range map[string]validate.Severity{"high": validate.High, "medium": validate.Medium} {
		b, err := os.ReadFile("testdata/spellings-" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		programs := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n---\n")
		if len(programs) < 60 {
			t.Errorf("%d programs in %s", len(programs), name)
		}
		for i, src := range programs {
			all := analysed(src+"\n", "x.py")
			if worst := worst(all); worst < least {
				t.Errorf("%s %d: %v\n%s\n%v", name, i, worst, src, all)
			}
		}
	}
}

// Each program of testdata/spellings-quiet.txt is written as the code of known models is, with its idioms, and is at
// most noted.
func TestOrdinaryModelsAreQuiet(t *testing.T) {
	b, err := os.ReadFile("testdata/spellings-quiet.txt")
	if err != nil {
		t.Fatal(err)
	}
	programs := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n---\n")
	if len(programs) < 15 {
		t.Errorf("%d programs", len(programs))
	}
	for i, src := range programs {
		for _, f := range analysed(src+"\n", "x.py") {
			if f.rule.Severity > validate.Low {
				t.Errorf("program %d: %v", i, f)
			}
		}
	}
}

func worst(all []found) validate.Severity {
	worst := validate.Low
	for _, f := range all {
		worst = max(worst, f.rule.Severity)
	}
	return worst
}
