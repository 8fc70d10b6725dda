package syntax

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate/validatetest"
)

// allPython asks for every file; a test run takes a sample.
const allPython = "LOADLOCK_ALL_PYTHON"

// cpython is an interpreter to compare with.
type cpython struct {
	path  string
	minor int  // 11 for 3.11
	bare  bool // positions differ between versions and are compared with one only
}

// interpreter is the installed one, or that which the environment names.
func interpreter(t *testing.T) cpython {
	t.Helper()
	name, named := os.LookupEnv("LOADLOCK_PYTHON")
	if !named {
		name = "/usr/bin/python3"
	}
	path, err := exec.LookPath(name)
	validatetest.Need(t, "python3", err)
	out, err := exec.Command(path, "-c", "import sys; print(sys.version_info[1])").Output()
	if err != nil {
		t.Fatal(err)
	}
	minor, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return cpython{path: path, minor: minor, bare: minor != 11}
}

// dump runs testdata/dump.py over files.
func (c cpython) dump(t *testing.T, files []string, args ...string) string {
	t.Helper()
	if c.bare {
		args = append(args, "-t")
	}
	cmd := exec.Command(c.path, append([]string{"testdata/dump.py"}, args...)...)
	cmd.Stdin = strings.NewReader(strings.Join(files, "\n"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// fromLater tells whether a source uses what a version does not know yet.
func (c cpython) fromLater(m *Module) bool {
	for _, n := range m.Facts.NewerThan {
		if minor, err := strconv.Atoi(strings.TrimPrefix(n.Since, "3.")); err == nil && minor > c.minor {
			return true
		}
	}
	return false
}

// TestSameTreeAsCPython compares our trees with those of the installed CPython over what is installed with it: types,
// names, values and positions. A file that CPython refuses must be refused here too.
func TestSameTreeAsCPython(t *testing.T) {
	python := interpreter(t)
	files := installed(t)
	if len(files) < 100 {
		t.Fatalf("%d files", len(files))
	}
	out := python.dump(t, files)
	same, refused, unread := 0, 0, 0
	for line := range strings.Lines(out) {
		name, want, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(src, Limits{})
		var syntax *SyntaxError
		switch {
		case errors.As(err, &syntax) && syntax.Limit:
			t.Logf("%s: not read: %v", name, err)
			unread++
		case strings.HasPrefix(want, "!"):
			if err == nil && !python.fromLater(m) {
				t.Errorf("%s: CPython says %s", name, want)
			}
			refused++
		case err != nil:
			t.Errorf("%s: %v", name, err)
		default:
			text := dump(src, m, python.bare)
			sum := sha256.Sum256([]byte(text))
			if hex.EncodeToString(sum[:]) != want {
				t.Errorf("%s: another tree than CPython's: %s", name, firstDifference(python.dump(t, []string{name}, "-v"), text))
				continue
			}
			same++
		}
	}
	t.Logf("%d files with the same tree, %d refused by both, %d beyond a limit", same, refused, unread)
	if unread > len(files)/500+1 {
		t.Errorf("%d files of %d are beyond a limit", unread, len(files))
	}
}

// installed lists the sources: all, or every 29th.
func installed(t *testing.T) (files []string) {
	roots := []string{"/usr/lib/python3", "/usr/lib/python3.11"}
	if extra := os.Getenv(allPython); filepath.IsAbs(extra) {
		roots = []string{extra}
	}
	n := 0
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || filepath.Ext(path) != ".py" || strings.Contains(path, "\n") {
				return nil
			}
			if n++; os.Getenv(allPython) != "" || n%29 == 0 {
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func firstDifference(record, ours string) string {
	_, theirs, _ := strings.Cut(record, "\n")
	text := strings.TrimSuffix(theirs, "\n")
	i := 0
	for i < len(text) && i < len(ours) && text[i] == ours[i] {
		i++
	}
	cut := func(s string) string { return s[max(0, min(i-60, len(s))):min(i+120, len(s))] }
	return "\nCPython: " + cut(text) + "\nours:    " + cut(ours)
}
