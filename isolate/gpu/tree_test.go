package gpu

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// treeOf makes files, or links where the text begins with "-> ".
func treeOf(t *testing.T, files map[string]string) *tree {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		at := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		err := os.WriteFile(at, []byte(text), 0o644)
		if target, link := strings.CutPrefix(text, "-> "); link {
			err = errors.Join(os.Remove(at), os.Symlink(target, at))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return &tree{root, Lstat, maxBytes}
}

// No link leads out of the root: ".." stops there, and "/" is there.
func TestLinksStayBelowTheRoot(t *testing.T) {
	tr := treeOf(t, map[string]string{
		"etc/passwd": "inside", "a/absolute": "-> /etc/passwd", "a/up": "-> ../../../../../../etc/passwd", "a/folder": "-> /etc", "chain": "-> a/folder/passwd",
		"circle": "-> circle2", "circle2": "-> circle", "dangling": "-> nowhere", "self": "-> self/x",
	})
	for name, want := range map[string]string{
		"/etc/passwd": "/etc/passwd", "/a/absolute": "/etc/passwd", "/a/up": "/etc/passwd", "/a/folder/passwd": "/etc/passwd", "/chain": "/etc/passwd",
		"/a/../etc/./passwd": "/etc/passwd", "/../../etc/passwd": "/etc/passwd", "/": "/",
	} {
		if got, err := tr.real(name); got != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if text, err := tr.text(name, 100); want != "/" && (text != "inside" || err != nil) {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	for name, want := range map[string]error{"/circle": unix.ELOOP, "/self": unix.ELOOP, "/dangling": fs.ErrNotExist, "/absent": fs.ErrNotExist, "/etc/passwd/x": unix.ENOTDIR} {
		if got, err := tr.real(name); !errors.Is(err, want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestReadingIsBounded(t *testing.T) {
	tr := treeOf(t, map[string]string{"ten": "0123456789", "folder/x": ""})
	for most, want := range map[int64]bool{9: false, 10: true, 11: true} {
		if text, err := tr.text("/ten", most); (err == nil) != want {
			t.Errorf("at most %d: %q, %v", most, text, err)
		}
	}
	if text, err := tr.head("/ten", 4); text != "0123" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := tr.text("/folder", 100); err == nil {
		t.Error("a folder was read")
	}
	tr.left = 3*perFile + 15 // all files together
	var n int
	for err := error(nil); err == nil && n < 100; n++ {
		_, err = tr.text("/ten", 100)
	}
	if n != 3 || tr.left > 0 {
		t.Errorf("%d readings, %d left", n, tr.left)
	}
	many := treeOf(t, map[string]string{"folder/x": ""})
	for i := range maxEntries {
		if err := os.WriteFile(filepath.Join(many.root, "folder", fmt.Sprint(i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := many.list("/folder"); err == nil {
		t.Errorf("%d names", len(names))
	}
	if err := os.Remove(filepath.Join(many.root, "folder", "x")); err != nil {
		t.Fatal(err)
	}
	if names, err := many.list("/folder"); err != nil || len(names) != maxEntries {
		t.Errorf("%d names, %v", len(names), err)
	}
}

// What a host has too much of in all is an error of Discover, not a part of it.
func TestTooMuchInAll(t *testing.T) {
	devices := "Character devices:\n1 mem\n"
	tr := treeOf(t, map[string]string{"proc/devices": devices, "sys/devices/system/memory/block_size_bytes": "8000000"})
	if h, err := discover(tr); err != nil || len(h.Problems) > 0 {
		t.Errorf("%+v, %v", h, err)
	}
	for name, left := range map[string]int64{"the first file": perFile + 10, "the second file": 2*perFile + int64(len(devices))} {
		tr.left = left
		if h, err := discover(tr); !errors.Is(err, errTooMuch) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
}

func TestWhereTheHostHasNoProc(t *testing.T) {
	if h, err := Discover(t.TempDir()); err == nil {
		t.Errorf("%+v", h)
	}
	if h, err := Discover("relative"); err == nil {
		t.Errorf("%+v", h)
	}
}
