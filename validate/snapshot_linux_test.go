package validate_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func TestSpecialFilesAreFindings(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a", "")
	for name, mode := range map[string]uint32{"fifo": syscall.S_IFIFO, "socket": syscall.S_IFSOCK} {
		if err := syscall.Mknod(filepath.Join(dir, name), mode|0o644, 0); err != nil {
			t.Fatal(err)
		}
	}
	link(t, "fifo", dir, "link")
	snap := pin(t, dir, t.TempDir(), limits())
	if !slices.Equal(paths(snap), []string{"a"}) {
		t.Errorf("files %q", paths(snap))
	}
	list := findings(t, snap)
	for i, detail := range []string{"FIFO", "FIFO", "socket"} {
		if len(list) != 3 || list[i].Rule != "validate/kind" || list[i].Detail != detail {
			t.Fatalf("%v", list)
		}
	}
	for _, name := range []string{"fifo", "socket"} {
		_, err := validate.Pin(t.Context(), filepath.Join(dir, name), "", limits())
		var pe *validate.PinError
		if !errors.As(err, &pe) || pe.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFIFOInAFilesPlaceDoesNotBlock(t *testing.T) {
	dir := t.TempDir()
	name := put(t, dir, "a", "x")
	snap := pin(t, dir, "", limits())
	os.Remove(name)
	if err := syscall.Mkfifo(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if list := findings(t, snap); !hasRule(list, "validate/unreadable") {
		t.Errorf("%v", list)
	}
}

func TestUnreadableFilesAreFindings(t *testing.T) {
	var root error
	if os.Geteuid() == 0 {
		root = errors.New("root reads everything")
	}
	validatetest.Need(t, "ordinary user", root)
	dir := t.TempDir()
	os.Chmod(put(t, dir, "a", "x"), 0)
	put(t, dir, "d/x", "")
	os.Chmod(filepath.Join(dir, "d"), 0)
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "d"), 0o755) })
	for _, copies := range []string{"", t.TempDir()} {
		list := findings(t, pin(t, dir, copies, limits()))
		if len(list) < 2 || list[0].Rule != "validate/unreadable" || list[1].Rule != "validate/unreadable" {
			t.Errorf("%v", list)
		}
	}
}
