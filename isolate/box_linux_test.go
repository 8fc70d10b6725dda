package isolate

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/policy"
)

// boxed is a Spec that runs sh -c script with the host's /usr, as root or not.
func boxed(t testing.TB, script string) (Spec, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	dir := t.TempDir()
	for p := dir; p != "/" && p != "/tmp"; p = filepath.Dir(p) {
		os.Chmod(p, 0o711)
	}
	id := "test" + strings.ReplaceAll(filepath.Base(filepath.Dir(dir)), "_", "")[:8] + filepath.Base(dir)
	cg, _ := FindCgroup(id)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := Spec{
		ID: id, RunDir: filepath.Join(dir, "run"), Dir: "/tmp",
		Args:     []string{"/bin/sh", "-c", script},
		Env:      []string{"PATH=/usr/bin:/bin"},
		Symlinks: map[string]string{"/bin": "usr/bin", "/lib": "usr/lib", "/lib64": "usr/lib64"},
		Binds:    []Bind{{Source: "/usr", Target: "/usr", Exec: true}},
		Sandbox:  policy.Sandbox{MemoryMB: 256, Pids: 64, CPUs: 64, TimeoutSec: 20, TmpMB: 16, ShmMB: 16, Allow: policy.Operations{Subprocess: true}},
		Host:     Host{Rootless: os.Geteuid() != 0, UID: os.Geteuid(), GID: os.Getegid(), IDBase: 0x60000000, Program: exe, Cgroup: cg.Path, Systemd: cg.Systemd, SwapFile: SwapAccounted()},
		Stdout:   w, Stderr: w,
	}
	if os.Geteuid() != 0 && cg.Path == "" {
		s.Sandbox.UnsafeOptional = []string{"cgroup"}
	}
	if s.Stdin, err = os.Open(os.DevNull); err != nil {
		t.Fatal(err)
	}
	return s, r
}

func runBox(t testing.TB, s Spec, out *os.File) (Exit, string, *Box) {
	t.Helper()
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := b.Release(); err != nil {
		t.Fatal(err)
	}
	s.Stdout.Close()
	text := make(chan string)
	go func() { raw, _ := io.ReadAll(out); text <- string(raw) }()
	exit, err := b.Wait(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return exit, <-text, b
}

func TestACommandRunsConfinedAndItsStatusComesBack(t *testing.T) {
	s, out := boxed(t, "id; cat /proc/self/status | grep -E 'Cap|Secc|NoNew'; ls /; ls -l /proc/self/fd; cat /proc/self/mountinfo; echo hi > /usr/x; touch /tmp/ok && ls -la /tmp /dev; exit 7")
	exit, text, b := runBox(t, s, out)
	t.Log(text, b.Enforced)
	if exit.Code != 7 || exit.Signal != 0 {
		t.Errorf("exit %+v", exit)
	}
}
