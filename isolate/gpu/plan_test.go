package gpu_test

import (
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu/gputest"
)

// One of eight: its node, and not its neighbours'.
func TestOneOfEight(t *testing.T) {
	p := gputest.H100(t, t.TempDir(), 8).Plan("3")
	for i, want := range []string{"/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia3"} {
		if len(p.Nodes) != 3 || p.Nodes[i].Path != want {
			t.Errorf("nodes: %+v", p.Nodes)
		}
	}
}
