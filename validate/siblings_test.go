package validate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func pinned(t *testing.T, names ...string) *validate.Snapshot {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	snap, err := validate.Pin(t.Context(), dir, "", validatetest.Policy().Scan)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(snap.Close)
	return snap
}

func TestAFileKnowsThePythonFilesBesideIt(t *testing.T) {
	snap := pinned(t, "a/b/model.py", "config.json", "x.py", "odd name.py")
	got := map[string]bool{}
	ask := with(func(p *validate.Pass) error {
		if p.Name == "x.py" {
			for _, name := range []string{"x.py", "a", "a/b", "a/b/model.py", "a/model.py", "config.json", "odd name.py", ".", ""} {
				got[name] = p.Sibling(name)
			}
			_, err := p.Descend("inner", strings.NewReader("x"), 1)
			p.Clear(0, p.Size, "x")
			return err
		}
		if p.Depth > 0 && p.Sibling("x.py") {
			t.Error("a member of a container has siblings")
		}
		p.Clear(0, p.Size, "x")
		return nil
	})
	if _, err := validate.Scan(t.Context(), []*validate.Scanner{ask}, snap, validatetest.Policy().Scan); err != nil {
		t.Fatal(err)
	}
	for name, there := range got {
		if want := name == "x.py" || name == "a" || name == "a/b" || name == "a/b/model.py"; there != want {
			t.Errorf("Sibling(%q) is %v", name, there)
		}
	}
	if len(got) != 9 {
		t.Errorf("%d answers", len(got))
	}
}

func TestTheNamesOfPythonFilesAreBounded(t *testing.T) {
	names := []string{}
	for i := range 600 {
		names = append(names, fmt.Sprintf("%03d%s.py", i, strings.Repeat("x", 200)))
	}
	sources := pinned(t, names...).Sources()
	if n := len(strings.Join(sources, "    ")); n > 64<<10 || n < 60<<10 {
		t.Errorf("%d bytes of names", n)
	}
}
