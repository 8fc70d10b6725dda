package runner

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnlyRegularFilesAreCopiedOut(t *testing.T) {
	staged, dest, outside := t.TempDir(), filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "secret")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(outside, []byte("secret"), 0o600))
	must(os.Mkdir(filepath.Join(staged, "sub"), 0o755))
	must(os.WriteFile(filepath.Join(staged, "sub", "result.txt"), []byte("fine"), 0o644))
	must(os.WriteFile(filepath.Join(staged, "large"), make([]byte, 200), 0o644))
	must(os.Symlink(outside, filepath.Join(staged, "link")))
	must(os.Symlink("/etc", filepath.Join(staged, "dirlink")))
	must(unix.Mkfifo(filepath.Join(staged, "fifo"), 0o644))
	must(os.MkdirAll(dest, 0o755))
	must(os.Symlink(outside, filepath.Join(dest, "large"))) // a link that waits on the other side

	skipped, err := copyOut(openRoot(t, staged), dest, 100)
	must(err)
	if raw, err := os.ReadFile(filepath.Join(dest, "sub", "result.txt")); err != nil || string(raw) != "fine" {
		t.Errorf("%q %v", raw, err)
	}
	for _, name := range []string{"link", "dirlink", "fifo", "large"} {
		if !slices.ContainsFunc(skipped, func(s string) bool { return strings.HasPrefix(s, name+": ") }) {
			t.Errorf("%s was not named as skipped: %q", name, skipped)
		}
	}
	if raw, _ := os.ReadFile(outside); string(raw) != "secret" {
		t.Error("a file outside was written to")
	}
}

// A path is resolved again for every file: without a bound 3000 folders in each other took half a minute.
func TestCopyingOutIsBoundedInDepthAndInWhatItNames(t *testing.T) {
	staged, dest := t.TempDir(), t.TempDir()
	at := staged
	for range outputDepth + 20 {
		at = filepath.Join(at, "d")
	}
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(staged, strings.Repeat("d/", outputDepth-1), "kept"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for i := range outputSkipped + 30 {
		if err := os.Symlink("x", filepath.Join(staged, "link"+strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	skipped, err := copyOut(openRoot(t, staged), dest, 100)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dest, strings.Repeat("d/", outputDepth-1), "kept")); err != nil {
		t.Error("within the bound:", err)
	}
	if _, err := os.Stat(filepath.Join(dest, strings.Repeat("d/", outputDepth+1))); err == nil {
		t.Error("a folder beyond the bound was copied")
	}
	if len(skipped) != outputSkipped+1 || !strings.HasPrefix(skipped[outputSkipped], "and ") {
		t.Errorf("%d lines name what was skipped, the last one %q", len(skipped), skipped[len(skipped)-1])
	}
	if !strings.Contains(skipped[0], "deeper than") {
		t.Errorf("the depth is not named: %q", skipped[0])
	}
}

func openRoot(t *testing.T, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}
