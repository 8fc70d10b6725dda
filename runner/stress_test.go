package runner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// Whole runs, with what a run folder, streams that are files and a pseudo-terminal add to a box: isolate's own test has
// the thousand.
func TestManyRunsLeaveNothing(t *testing.T) {
	validatetest.Need(t, "userns", isolate.TryNamespaces())
	dir := t.TempDir()
	file := filepath.Join(dir, "policy.yaml")
	text := "name: stress\nextends: safe\n"
	if _, err := isolate.FindCgroup("stress"); err != nil {
		text += "optional_layers: [cgroup]\n"
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	one := func(n int) error {
		out, err := os.Create(filepath.Join(dir, fmt.Sprint("out", n)))
		if err != nil {
			return err
		}
		defer func() { out.Close(); os.Remove(out.Name()) }()
		in, err := os.Open("/etc/passwd")
		if err != nil {
			return err
		}
		defer in.Close()
		job := Job{Command: []string{"/bin/sh", "-c", "cat >/dev/null; echo out; echo err >&2; exit 4"}, Dir: dir, Home: dir,
			Env: []string{"PATH=/usr/bin:/bin", "XDG_RUNTIME_DIR=" + dir}, Policy: policy.Sources{Explicit: file}, Stdin: in, Stdout: out, Stderr: out}
		res, err := Run(context.Background(), job)
		if err != nil || res.Status != 4 {
			return fmt.Errorf("status %d: %w", res.Status, err)
		}
		if raw, err := os.ReadFile(out.Name()); err != nil || string(raw) != "out\nerr\n" {
			return fmt.Errorf("%q: %w", raw, err)
		}
		return nil
	}
	for n := range 3 {
		if err := one(n); err != nil {
			t.Fatal(err)
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the collector would close what was forgotten
	before := open(t, dir)
	for n := range 40 {
		if err := one(n); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for lane := range 4 {
		all.Go(func() {
			for n := range 5 {
				if err := one(100 + lane*10 + n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	var after string
	for range 100 {
		if after = open(t, dir); len(after) <= len(before) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("before:\n%s\nafter:\n%s", before, after)
}

// open lists the descriptors, children and files that there are.
func open(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for range fds {
		lines = append(lines, "descriptor")
	}
	children, _ := filepath.Glob("/proc/self/task/*/children")
	for _, f := range children {
		raw, _ := os.ReadFile(f) // a thread that has ended has none
		for range strings.Fields(string(raw)) {
			lines = append(lines, "child")
		}
	}
	_ = filepath.WalkDir(dir, func(p string, _ os.DirEntry, _ error) error { lines = append(lines, p); return nil })
	return strings.Join(lines, "\n")
}
