package isolate

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/seccomp"
)

// callsCommands calls ioctl(2) on a device that answers ENOTTY to all that reaches it; on a pipe, which does the same, where
// there is no device.
func callsCommands(node string, commands ...uint64) string {
	return py(fmt.Sprintf(`
import ctypes
c = ctypes.CDLL(None, use_errno=True)
fd = os.open("%s", os.O_RDWR) if os.path.exists("%s") else os.pipe()[0]
number = {"x86_64": 16, "aarch64": 29}[os.uname().machine]
for word in %s:
    print(errno.errorcode[ctypes.get_errno()] if c.syscall(number, fd, ctypes.c_ulong(word), None) < 0 else "done", end=" ")
`, node, node, strings.ReplaceAll(fmt.Sprint(commands), " ", ", ")))
}

// A box with a GPU's list, in the form with the listener and in the plain one: the answers are the same.
func TestCommandsOfAGPUInsideABox(t *testing.T) {
	needBox(t)
	need(t, "python")
	node := fakeNode(t, "nvidia3", 1, 5, 0o666)
	list, _ := seccomp.IoctlsFor("nvidia", "580.95.05")
	commands := []uint64{0xc020462a, 0xffffffff_c020462a, 25, 0xc01046d3, 0xc020472a, 0xc024462a, 62, 0x5412, 1<<32 | 0x5412, 0xdeadbeef, 0xc01046d3}
	for _, tt := range []struct {
		name  string
		grant bool
		mode  seccomp.IoctlMode
		want  string
	}{
		{"no grant", false, "", "ENOTTY ENOTTY ENOTTY ENOTTY ENOTTY ENOTTY ENOTTY EPERM EPERM ENOTTY ENOTTY "},
		{"strict", true, "", "ENOTTY ENOTTY ENOTTY EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM "},
		{"log", true, seccomp.IoctlLog, "ENOTTY ENOTTY ENOTTY ENOTTY ENOTTY ENOTTY ENOTTY EPERM EPERM ENOTTY ENOTTY "},
		{"off", true, seccomp.IoctlOff, "ENOTTY ENOTTY ENOTTY ENOTTY ENOTTY ENOTTY ENOTTY EPERM EPERM ENOTTY ENOTTY "},
	} {
		for _, plain := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, listener %v", tt.name, !plain), func(t *testing.T) {
				s, out := boxed(t, callsCommands(node.Path, commands...))
				if tt.grant {
					s.GPU = gpu.Plan{Nodes: []gpu.Node{node}, Ioctls: list}
					s.GPU.Ioctls.Mode = tt.mode
				}
				b, err := New(s)
				if err != nil {
					t.Fatal(err)
				}
				b.plain = plain
				if _, text := finish(t, b, out); text != tt.want {
					t.Errorf("inside: %q, want %q", text, tt.want)
				}
				if plain {
					if list, why := b.Denials(); list != nil || why == "" || b.Noted() != nil {
						t.Errorf("counted without a listener: %+v", list)
					}
					return
				}
				refused, noted := counted(t, b), b.Noted()
				for _, w := range []struct {
					arg   string
					count int64
				}{{"NV_ESC_IOCTL_XFER_CMD", 2}, {"0xc020472a", 1}, {"0xc024462a", 1}, {"UVM_TOOLS_READ_PROCESS_MEMORY", 1}, {"0xdeadbeef", 1}} {
					strict, log := int64(0), int64(0)
					switch tt.name {
					case "strict":
						strict = w.count
					case "log":
						log = w.count
					}
					if d := denied(refused, "ioctl", w.arg); d.Count != strict || strict > 0 && (d.Errno != "EPERM" || !strings.Contains(d.Program, "python")) {
						t.Errorf("%s: refused %+v, want %d", w.arg, d, strict)
					}
					if d := denied(noted, "ioctl", w.arg); d.Count != log || log > 0 && (d.Errno != "" || !strings.Contains(d.Program, "python")) {
						t.Errorf("%s: noted %+v, want %d", w.arg, d, log)
					}
				}
				if d := denied(refused, "ioctl", "TIOCSTI"); d.Count != 2 {
					t.Errorf("typing into the terminal: %+v", d)
				}
				if d := denied(append(refused, noted...), "ioctl", "NV_ESC_RM_CONTROL"); d.Count != 0 {
					t.Errorf("a listed command is told: %+v", d)
				}
			})
		}
	}
}

func TestModeLogNeedsTheKernelsAction(t *testing.T) {
	if err := hasAction(0x7ffc0000); err != nil {
		t.Errorf("Linux 4.14 has it: %v", err)
	}
	var layer *LayerError
	if err := hasAction(0x12340000); !errors.As(err, &layer) || !errors.Is(err, ErrUnsupported) || !strings.Contains(layer.Remedy, "gpu.ioctl_filter") {
		t.Errorf("an action that no kernel has: %v", err)
	}
	if err := probeLog(Spec{GPU: gpu.Plan{Ioctls: seccomp.Ioctls{Mode: seccomp.IoctlLog}}}); err != nil {
		t.Errorf("without a grant: %v", err)
	}
}

// Calls that code generators and a GPU's driver need open with the grant, not with the permission for one.
func TestCallsOfAGPUNeedAGrant(t *testing.T) {
	needBox(t)
	need(t, "python")
	node := fakeNode(t, "nvidia4", 1, 5, 0o666)
	for _, grant := range []bool{false, true} {
		s, out := boxed(t, py(`
try: os.close(os.memfd_create("x")); print("made")
except PermissionError: print("refused")
`))
		s.Sandbox.Allow.GPU, s.Sandbox.Allow.NativeCode = true, false
		if grant {
			s.GPU = gpu.Plan{Nodes: []gpu.Node{node}}
		}
		if _, text, _ := runBox(t, s, out); text != map[bool]string{false: "refused\n", true: "made\n"}[grant] {
			t.Errorf("granted %v: %q", grant, text)
		}
	}
}
