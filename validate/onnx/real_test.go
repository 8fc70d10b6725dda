package onnx

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

const systemPython = "/usr/bin/python3"

// written runs testdata/models.py and reads what it wrote: models of onnx.helper and of torch.onnx, by path.
func written(t *testing.T) map[string][]byte {
	t.Helper()
	validatetest.Need(t, "onnx", exec.Command(systemPython, "-c", "import onnx, torch").Run())
	dir := t.TempDir()
	if out, err := exec.Command(systemPython, "testdata/models.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		files[filepath.ToSlash(rel)] = b
		return err
	})
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	return files
}

// What the libraries write is admitted, and no longer when it is cut.
func TestRealModels(t *testing.T) {
	files := written(t)
	rep, d := validatetest.RunPolicy(t, validatetest.Policy(), []*validate.Scanner{Scanner()}, files)
	if d.Verdict != validate.Admit || len(rep.Findings) > 0 {
		t.Errorf("verdict %s\n%s", d.Verdict, validatetest.Show(rep))
	}
	for name, b := range files {
		if !strings.HasSuffix(name, ".onnx") || len(b) > 600 {
			continue
		}
		for n := range b {
			if rep := scanAs(name, b[:n]); rep.Files[0].Cleared && n > 0 && !wholeFields(b, n) {
				t.Errorf("%s cut to %d of %d bytes is cleared\n%s", name, n, len(b), validatetest.Show(rep))
			}
		}
	}
}

// wholeFields reports whether the cut lies between outermost fields, where a protocol buffer may end.
func wholeFields(b []byte, n int) bool {
	at := 0
	for at < n {
		wire := b[at] & 7
		at++
		if b[at-1] >= 0x80 {
			at++
		}
		length, shift := 0, 0
		for {
			c := b[at]
			length |= int(c&0x7f) << shift
			shift += 7
			if at++; c < 0x80 {
				break
			}
		}
		if wire == 2 {
			at += length
		}
	}
	return at == n
}
