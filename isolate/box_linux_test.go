package isolate

import (
	"context"
	"crypto/rand"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/loadlock/loadlock/policy"
)

// boxes gives every box of a test run host ids of its own, so that what it leaves behind is known by its id.
var boxes atomic.Uint32

// boxed is a Spec that runs sh -c script with the host's /usr, as root or not.
func boxed(t testing.TB, script string) (Spec, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	s, err := plainSpec(filepath.Join(openDir(t), "run"), []string{"/bin/sh", "-c", script})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stdin.Close() })
	s.Stdout, s.Stderr = w, w
	s.Args = append(s.Args, s.ID) // $0, so that ps and the tests know whose process it is
	return s, r
}

// openDir is a temporary folder that other users may pass through.
func openDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for p := dir; p != "/" && p != os.TempDir(); p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func plainSpec(runDir string, args []string) (Spec, error) {
	id := "test" + strings.ToLower(rand.Text())
	cg, _ := FindCgroup(id)
	exe, err := os.Executable()
	if err != nil {
		return Spec{}, err
	}
	stdin, err := os.Open(os.DevNull)
	if err != nil {
		return Spec{}, err
	}
	s := Spec{
		ID: id, RunDir: runDir, Dir: "/tmp", Args: args,
		Env:      []string{"PATH=/usr/bin:/bin"},
		Symlinks: map[string]string{"/bin": "usr/bin", "/lib": "usr/lib", "/lib64": "usr/lib64"},
		Binds:    []Bind{{Source: "/usr", Target: "/usr", Exec: true}},
		Sandbox: policy.Sandbox{MemoryMB: 256, Pids: 64, CPUs: 64, TimeoutSec: 20, TmpMB: 16, ShmMB: 16,
			Allow: policy.Operations{Subprocess: true}},
		Host: Host{Rootless: os.Geteuid() != 0, UID: os.Geteuid(), GID: os.Getegid(), IDBase: idsOf(uint32(os.Getpid())<<8 + boxes.Add(1)),
			Program: exe, Cgroup: cg.Path, Systemd: cg.Systemd, SwapFile: SwapAccounted()},
		Stdin: stdin,
	}
	if s.Host.Rootless && cg.Path == "" {
		s.Sandbox.UnsafeOptional = []string{"cgroup"}
	}
	return s, nil
}

// idsOf is a range of 2000 host ids below those that systemd documents as "nobody's".
func idsOf(n uint32) uint32 { return 0x10000000 + n%0x80000*2000 }

func runBox(t testing.TB, s Spec, out *os.File) (Exit, string, *Box) {
	t.Helper()
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	exit, text := finish(t, b, out)
	return exit, text, b
}

// finish starts, releases, waits for and closes a box.
func finish(t testing.TB, b *Box, out *os.File) (Exit, string) {
	t.Helper()
	defer b.Close()
	if err := b.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := b.Release(); err != nil {
		t.Fatal(err)
	}
	b.spec.Stdout.Close()
	text := make(chan string)
	go func() { raw, _ := io.ReadAll(out); text <- string(raw) }()
	exit, err := b.Wait(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	return exit, <-text
}

func TestACommandRunsConfinedAndItsStatusComesBack(t *testing.T) {
	need(t, "userns", "seccomp", "landlock")
	s, out := boxed(t, "echo hello; exit 7")
	exit, text, b := runBox(t, s, out)
	if exit.Code != 7 || exit.Signal != 0 || text != "hello\n" {
		t.Errorf("exit %+v, output %q", exit, text)
	}
	for _, e := range b.Enforced {
		if e.Strength != Full && e.Layer != "cgroup" {
			t.Errorf("%s is %s: %s", e.Layer, e.Strength, e.Why)
		}
	}
	if len(b.Enforced) != len(Layers()) {
		t.Errorf("%d of %d layers are reported", len(b.Enforced), len(Layers()))
	}
}
