package pysource

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

var want = regexp.MustCompile(`# want ((?:"[a-z/-]+"(?: |$))+)`)

// wanted reads the comments # want "rule-id" "rule-id" of a fixture, by line.
func wanted(src string) map[int][]string {
	out := map[int][]string{}
	for i, line := range strings.Split(src, "\n") {
		if m := want.FindStringSubmatch(line); m != nil {
			for _, id := range strings.Fields(m[1]) {
				out[i+1] = append(out[i+1], strings.Trim(id, `"`))
			}
		}
	}
	return out
}

type found struct {
	rule   *validate.Rule
	at     validate.Place
	detail string
}

func analysed(src, name string) (out []found) {
	Analyse([]byte(src), name, func(r *validate.Rule, at validate.Place, detail string) { out = append(out, found{r, at, detail}) })
	return out
}

func (f found) String() string {
	return fmt.Sprintf("line %d: %s %s (%s) %s", f.at.Line, f.rule.Severity, f.rule.ID, f.at.Capability, f.detail)
}

func fixtures(t *testing.T, pattern string, least int) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) < least {
		t.Fatalf("%d fixtures match %s, want %d (%v)", len(names), pattern, least, err)
	}
	return names
}

// Each hostile file is one technique; each line that says so is found, for the stated rule, and nothing else in the
// file is more than a note.
func TestHostileFixtures(t *testing.T) {
	techniques := 0
	for _, name := range fixtures(t, "testdata/hostile/*.py", 20) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			expected := wanted(string(b))
			if len(expected) == 0 {
				t.Fatal("nothing is wanted")
			}
			techniques += len(expected)
			all := analysed(string(b), name)
			for line, ids := range expected {
				for _, id := range ids {
					if !slices.ContainsFunc(all, func(f found) bool { return f.at.Line == line && f.rule.ID == id }) {
						t.Errorf("line %d: %s is not found; there is %v", line, id, at(all, line))
					}
				}
			}
			for _, f := range all {
				if f.rule.Severity != validate.Low && expected[f.at.Line] == nil {
					t.Errorf("not wanted: %v", f)
				}
				if f.at.Offset < 0 || f.at.Offset > int64(len(b)) {
					t.Errorf("outside the file: %v", f)
				}
			}
		})
	}
	if techniques < 120 {
		t.Errorf("%d techniques, want 120", techniques)
	}
}

func at(all []found, line int) (out []found) {
	for _, f := range all {
		if f.at.Line == line {
			out = append(out, f)
		}
	}
	return out
}

func TestBenignFixturesAreQuiet(t *testing.T) {
	for _, name := range fixtures(t, "testdata/benign/*.py", 40) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range analysed(string(b), name) {
				if f.rule.Severity != validate.Low {
					t.Errorf("%v", f)
				}
			}
			rep := scanAs(t, filepath.Base(name), string(b))
			if !rep.Files[0].Cleared || !rep.Files[0].Code {
				t.Error(validatetest.Show(rep))
			}
		})
	}
}
