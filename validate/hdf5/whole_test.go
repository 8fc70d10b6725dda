package hdf5_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// keras runs the script that writes whole Keras files and returns them.
func keras(t *testing.T) map[string][]byte {
	t.Helper()
	const python = "/usr/bin/python3"
	validatetest.Need(t, "h5py", exec.Command(python, "-c", "import h5py").Run())
	dir := t.TempDir()
	if out, err := exec.Command(python, filepath.Join("testdata", "keras_files.py"), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files := map[string][]byte{}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestKerasFilesUnderEveryScanner(t *testing.T) {
	for name, data := range keras(t) {
		t.Run(name, func(t *testing.T) {
			want := validate.Admit
			if strings.HasPrefix(name, "evil") {
				want = validate.Reject
			}
			rep, d := validatetest.Run(t, all.Scanners(), name, data)
			if d.Verdict != want {
				t.Errorf("verdict %s, want %s\n%s", d.Verdict, want, validatetest.Show(rep))
			}
			if want != validate.Admit {
				return
			}
			for how, b := range map[string][]byte{"an archive behind it": append(bytes.Clone(data), archive(t)...), "a pickle behind it": append(bytes.Clone(data), "cposix\nsystem\n(S'true'\ntR."...),
				"a pickle before it": append([]byte("cposix\nsystem\n(S'true'\ntR."+strings.Repeat("\x00", 512-26)), data...), "its last byte missing": data[:len(data)-1]} {
				if rep, d := validatetest.Run(t, all.Scanners(), name, b); d.Verdict == validate.Admit {
					t.Errorf("with %s it is admitted\n%s", how, validatetest.Show(rep))
				}
			}
		})
	}
}

func archive(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("a.txt")
	if err == nil {
		_, err = fmt.Fprint(f, "text")
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
