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
			worst := validate.Low
			for _, f := range all {
				worst = max(worst, f.rule.Severity)
			}
			if worst < least {
				t.Errorf("%s %d: %v\n%s\n%v", name, i, worst, src, all)
			}
		}
	}
}
