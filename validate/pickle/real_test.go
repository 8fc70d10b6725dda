package pickle

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// python runs a script that writes files into a fresh folder and returns them.
func python(t *testing.T, need, interpreter, script string) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	if need != "python" {
		validatetest.Need(t, need, exec.Command(interpreter, "-c", "import "+need).Run())
	} else {
		_, err := exec.LookPath(interpreter)
		validatetest.Need(t, need, err)
	}
	cmd := exec.Command(interpreter, filepath.Join("testdata", script), dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
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

const systemPython = "/usr/bin/python3"

func TestWhatTorchAndNumpyWriteIsCleared(t *testing.T) {
	cleared(t, 60, python(t, "torch", systemPython, "real_torch.py"))
}

// Nearly every estimator of scikit-learn, sparse matrices, and arrays, by joblib and by pickle.
func TestWhatScikitLearnAndJoblibWriteIsCleared(t *testing.T) {
	cleared(t, 400, python(t, "sklearn", systemPython, "real_sklearn.py"))
}

func TestWhatPandasWritesIsCleared(t *testing.T) {
	cleared(t, 90, python(t, "pandas", systemPython, "real_pandas.py"))
}

// cleared checks that every file is admitted, and that none is without its last byte.
func cleared(t *testing.T, least int, files map[string][]byte) {
	if len(files) < least {
		t.Fatalf("only %d files were written", len(files))
	}
	for name, data := range files {
		if data, ok := dataPkl(t, data); ok {
			files[name] = data
		}
	}
	for name, data := range files {
		t.Run(name, func(t *testing.T) {
			if rep, ok := judged(data); !ok {
				t.Errorf("not cleared\n%s", validatetest.Show(rep))
			}
			if rep, ok := judged(data[:len(data)-1]); ok {
				t.Errorf("cleared without its last byte\n%s", validatetest.Show(rep))
			}
		})
	}
}

// dataPkl takes the pickle out of a torch archive.
func dataPkl(t *testing.T, data []byte) ([]byte, bool) {
	t.Helper()
	if !bytes.HasPrefix(data, []byte("PK")) {
		return nil, false
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/data.pkl") {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			out, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return out, true
		}
	}
	t.Fatal("no data.pkl")
	return nil, false
}

func TestEveryPickleOfCPythonIsReadToItsEnd(t *testing.T) {
	for name, data := range python(t, "python", "python3", "random_pickles.py") {
		r := newReader(bytes.NewReader(data), int64(len(data)), func(int64) error { return nil })
		notes := &noteTaker{}
		m := newMachine(r, notes, func(int64) error { return nil })
		if err := m.run(); err != nil || r.pos != r.size {
			t.Errorf("%s: stopped at %d of %d: %v", name, r.pos, r.size, err)
		}
		if len(notes.rules) > 0 {
			t.Errorf("%s: %v in %q", name, notes.rules, data[:min(len(data), 200)])
		}
	}
}

// noteTaker is a dry run that keeps the machine's own notes.
type noteTaker struct {
	dry
	rules []string
}

func (n *noteTaker) note(r *validate.Rule, _ int64, _ string, _ ...any) {
	n.rules = append(n.rules, r.ID)
}
