package gpu_test

import (
	"os"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu/gputest"
	"golang.org/x/sys/unix"
)

func fifo(t *testing.T, r *gputest.Root, name string) {
	t.Helper()
	r.Remove(name)
	if err := unix.Mkfifo(r.Path(name), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(r.Path(name)); err != nil {
		t.Fatal(err)
	}
}
