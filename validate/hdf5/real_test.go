package hdf5

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

const systemPython = "/usr/bin/python3"

// python runs a script that writes files into a fresh folder and returns them.
func python(t *testing.T, need, script string) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	validatetest.Need(t, need, exec.Command(systemPython, "-c", "import "+need).Run())
	if out, err := exec.Command(systemPython, "-W", "ignore", filepath.Join("testdata", script), dir).CombinedOutput(); err != nil {
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

func TestWhatH5pyWritesIsClearedAndReadTheSame(t *testing.T) {
	files := python(t, "h5py", "real_h5py.py")
	n := 0
	for name, data := range files {
		if !strings.HasSuffix(name, ".h5") {
			continue
		}
		n++
		t.Run(name, func(t *testing.T) {
			wantClean(t, data)
			var theirs []any
			if err := json.Unmarshal(files[name+".list"], &theirs); err != nil {
				t.Fatal(err)
			}
			ours := objects(t, data)
			if strings.HasPrefix(name, "deleted") { // a datatype without a name is still used, and h5py lists names
				ours = slices.DeleteFunc(ours, func(s string) bool { return s == `["type",[]]` })
			}
			if !reflect.DeepEqual(ours, sorted(theirs)) {
				t.Errorf("we see\n%v\nh5py sees\n%v", ours, sorted(theirs))
			}
			for _, cut := range []int{1, 8, len(data) / 2, len(data) - 100} {
				if clean(scanBytes(data[:len(data)-cut], limits())) {
					t.Errorf("without its last %d bytes it is still cleared", cut)
				}
			}
		})
	}
	if n < 70 {
		t.Errorf("only %d files were written", n)
	}
}

// sorted gives objects as texts in an order of their own.
func sorted(objects []any) (out []string) {
	for _, o := range objects {
		b, _ := json.Marshal(o)
		out = append(out, string(b))
	}
	slices.Sort(out)
	return out
}

// objects lists every object with its kind and the names of its attributes, as the reader meets them.
func objects(t *testing.T, data []byte) []string {
	var out []any
	s := &validate.Scanner{Name: "list", Match: func(validate.Head) bool { return true }, Scan: func(p *validate.Pass) error {
		return scanWith(p, func(kind string, attributes []string) {
			names := []any{}
			for _, a := range attributes {
				names = append(names, a)
			}
			out = append(out, []any{kind, names})
		})
	}}
	l := limits()
	validate.ScanReader(t.Context(), []*validate.Scanner{s, Scanner()}[:1], "m.h5", bytes.NewReader(data), int64(len(data)), l)
	return sorted(out)
}

func TestWhatPandasWritesIsCleared(t *testing.T) {
	validatetest.Need(t, "tables", exec.Command(systemPython, "-c", "import tables").Run())
	for name, data := range python(t, "pandas", "real_pandas.py") {
		t.Run(name, func(t *testing.T) {
			rep := scanBytes(data, limits())
			if hostile := strings.HasPrefix(name, "evil"); hostile == clean(rep) {
				t.Errorf("hostile %v\n%s", hostile, validatetest.Show(rep))
			}
		})
	}
}
