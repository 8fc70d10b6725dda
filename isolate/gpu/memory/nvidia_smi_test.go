//go:build !nvml

package memory

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestWhoWatchesNVIDIA(t *testing.T) {
	needRoot(t)
	ask := func(root string, d Device, hard bool) (*Limiter, error) {
		return Choose(Request{Root: root, Devices: []Device{d}, LimitMB: 100, Hard: hard})
	}
	root := hostWith(t, "exit 0")
	l, err := ask(root, h100, false)
	if err != nil || l.Plan()[0].Mechanism != Watcher || l.Plan()[0].Hard || len(l.Weaker()) != 1 {
		t.Fatalf("%+v, %v", l.Plan(), err)
	}
	refused := func(what, part string, err error) {
		t.Helper()
		var r *Refusal
		if !errors.As(err, &r) || !strings.Contains(r.What, part) || r.Remedy == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = ask(root, h100, true)
	refused("require-hard", "nothing hard can hold 100 MiB of H100", err)
	_, err = ask(root, Device{Name: "dxg", Vendor: "wsl", Node: "/dev/dxg"}, false)
	refused("WSL2", "tells nobody", err)
	_, err = ask(hostWith(t, "echo cannot; exit 1"), h100, false)
	refused("an nvidia-smi that fails", "cannot", err)
	if err := os.Remove(root + "/proc/self/ns/pid"); err != nil {
		t.Fatal(err)
	}
	_, err = ask(root, h100, false)
	refused("numbers of a container", "numbers of its own", err)
	_, err = ask(t.TempDir(), amd, false)
	refused("AMD without a node", "renderD128", err)
}
