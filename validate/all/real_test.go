package all_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// Every file that the libraries write is cleared, whatever is in it and however it is written.
func TestWhatTheLibrariesWriteIsCleared(t *testing.T) {
	need(t, "torch, sklearn, pandas, h5py, tables, yaml, lz4")
	dir := t.TempDir()
	if out, err := exec.Command(systemPython, "-W", "ignore", filepath.Join("testdata", "real_files.py"), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) < 1500 {
		t.Fatalf("%d files: %v", len(list), err)
	}
	scanners := all.Scanners()
	for _, e := range list {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		rep := validate.ScanReader(t.Context(), scanners, e.Name(), bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan)
		if !rep.Files[0].Cleared || worst(rep) > validate.Low {
			t.Errorf("%s\n%s", e.Name(), validatetest.Show(rep))
		}
	}
}

func worst(rep validate.Report) (s validate.Severity) {
	for _, f := range rep.Findings {
		s = max(s, f.Severity)
	}
	return s
}
