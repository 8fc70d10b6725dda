package gpu

import (
	"slices"
	"testing"

	"github.com/loadlock/loadlock/seccomp"
)

var example = Plan{
	Nodes:  []Node{{Path: "/dev/nvidiactl", Major: 195, Minor: 255}, {Path: "/dev/nvidia0", Major: 195}},
	Mounts: []Mount{{Source: "/sys/devices/system/cpu", Target: "/sys/devices/system/cpu"}},
	Links:  map[string]string{"/sys/bus/pci/devices/0000:17:00.0": "../../../devices/pci0000:17/0000:17:00.0"},
	Files:  map[string]string{"/sys/module/nvidia/version": "580.95.05\n", "/sys/module/nvidia/initstate": "live\n"},
	Proc:   map[string]string{"nvidia/params": "ModifyDeviceFiles: 0\n", "nvidia/gpus/0000:17:00.0/information": "x"},
	Env:    []string{"CUDA_VISIBLE_DEVICES=GPU-1", "CUDA_CACHE_PATH=/tmp"},
	Ioctls: seccomp.Ioctls{Words: []uint32{0xc0304629, 0x4b}, Masked: []seccomp.IoctlWord{{Mask: 0xffff, Value: 0x46c8}}},
}

// What remains is part of what there was, and less.
func TestLeavingOutOnlyNarrows(t *testing.T) {
	pieces := example.Pieces()
	if want := 2 + 2 + 1 + 2 + 1 + 2 + len(seccomp.GPUCalls()) + 3; len(pieces) != want {
		t.Fatalf("%d pieces, want %d: %q", len(pieces), want, pieces)
	}
	for _, piece := range pieces {
		p, err := example.Without([]string{piece})
		if err != nil {
			t.Errorf("%s: %v", piece, err)
			continue
		}
		left := p.Pieces()
		if len(left) != len(pieces)-1 || slices.Contains(left, piece) {
			t.Errorf("%s: %d pieces are left of %d", piece, len(left), len(pieces))
		}
		for _, l := range left {
			if !slices.Contains(pieces, l) {
				t.Errorf("%s: %s was not there before", piece, l)
			}
		}
	}
	if again := example.Pieces(); !slices.Equal(again, pieces) {
		t.Errorf("the plan itself was changed: %q", again)
	}
}

func TestAFolderIsLeftOutWithAllThatIsInIt(t *testing.T) {
	p, err := example.Without([]string{"/proc/driver/nvidia/gpus", "/sys/module"})
	if err != nil || len(p.Proc) != 1 || len(p.Files) != 0 || len(p.Links) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

// A bisection that leaves out nothing would prove nothing.
func TestWhatIsNotThereCannotBeLeftOut(t *testing.T) {
	for _, bad := range [][]string{{"/dev/nvidia-uvm"}, {"/dev/nvidia"}, {""}, {"/"}, {"env:HOME"}, {"env:CUDA"}, {"call:read"}, {"call:"}, {"ioctl:0x4c"}, {"ioctl:x"}, {"ioctl:4294967296"},
		{"params"}, {"/dev/nvidia0", "/dev/nvidia0"}, {"call:memfd_create", "call:memfd_create"}, {"/dev"}, {"/dev/nvidia0", "/dev/nvidiactl"}} {
		if p, err := example.Without(bad); err == nil || p.Granted() {
			t.Errorf("%q: %+v, %v", bad, p, err)
		}
	}
	if p, err := example.Without(nil); err != nil || len(p.Nodes) != 2 {
		t.Errorf("nothing is left out: %+v, %v", p, err)
	}
}
