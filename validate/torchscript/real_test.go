package torchscript

import (
	"archive/zip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// members writes real archives with Debian's torch and gives each of their programs to visit.
func members(t *testing.T, visit func(archive, name string, b []byte)) {
	t.Helper()
	const python = "/usr/bin/python3"
	validatetest.Need(t, "torch", exec.Command(python, "-c", "import torch").Run())
	dir := t.TempDir()
	if out, err := exec.Command(python, "testdata/real.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(dir + "/*.pt*")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d archives, %v", len(files), err)
	}
	for _, file := range files {
		z, err := zip.OpenReader(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range z.File {
			r, err := m.Open()
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			visit(filepath.Base(file), m.Name, b)
		}
		z.Close()
	}
}

func TestWhatTorchWritesIsCleared(t *testing.T) {
	seen := 0
	members(t, func(archive, name string, b []byte) {
		if !strings.HasSuffix(name, ".py") && !strings.HasSuffix(name, "/bytecode.pkl") {
			return
		}
		seen++
		rep := scanAs(name, b)
		if !rep.Files[0].Cleared || worst(rep) > validate.Low {
			t.Errorf("%s: %s\n%s\n%s", archive, name, validatetest.Show(rep), b)
		}
	})
	if seen < 20 {
		t.Errorf("%d programs", seen)
	}
	if _, err := os.Stat("testdata/real.py"); err != nil {
		t.Error(err)
	}
}
