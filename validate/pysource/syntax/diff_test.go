package syntax

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate/validatetest"
)

// allPython asks for every file; a test run takes a sample.
const allPython = "LOADLOCK_ALL_PYTHON"

// TestSameTreeAsCPython compares our trees with those of the installed CPython over what is installed with it: types,
// names, values and positions. A file that CPython refuses must be refused here too.
func TestSameTreeAsCPython(t *testing.T) {
	python, err := exec.LookPath("/usr/bin/python3")
	validatetest.Need(t, "python3", err)
	files := installed(t)
	if len(files) < 100 {
		t.Fatalf("%d files", len(files))
	}
	cmd := exec.Command(python, "testdata/dump.py")
	cmd.Stdin = strings.NewReader(strings.Join(files, "\n"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	same, refused, unread := 0, 0, 0
	for line := range strings.Lines(string(out)) {
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
			if err == nil && !t.Failed() {
				t.Errorf("%s: CPython says %s", name, want)
			}
			refused++
		case err != nil:
			t.Errorf("%s: %v", name, err)
		default:
			text := dump(src, m)
			sum := sha256.Sum256([]byte(text))
			if hex.EncodeToString(sum[:]) != want {
				t.Errorf("%s: another tree than CPython's: %s", name, firstDifference(python, name, text))
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

func firstDifference(python, name, ours string) string {
	cmd := exec.Command(python, "testdata/dump.py", "-v")
	cmd.Stdin = strings.NewReader(name)
	out, err := cmd.Output()
	if err != nil {
		return err.Error()
	}
	_, theirs, _ := bytes.Cut(out, []byte("\n"))
	text := strings.TrimSuffix(string(theirs), "\n")
	i := 0
	for i < len(text) && i < len(ours) && text[i] == ours[i] {
		i++
	}
	cut := func(s string) string { return s[max(0, min(i-60, len(s))):min(i+120, len(s))] }
	return "\nCPython: " + cut(text) + "\nours:    " + cut(ours)
}
