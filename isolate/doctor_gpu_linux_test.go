package isolate

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu/gputest"
)

// gpuText is what doctor prints, with the nodes' owners and the test's folder taken out.
func gpuText(t *testing.T, r *gputest.Root) (text string, missing bool) {
	t.Helper()
	var b strings.Builder
	for _, c := range gpuChecks(r.Discover()) {
		missing = missing || c.Status == Missing
		if c.Status == Missing && c.Remedy == "" && c.Name != "gpu" {
			t.Errorf("%s is missing, and nothing says what to do", c.Name)
		}
		fmt.Fprintf(&b, "%s %s: %s\n", c.Status, c.Name, c.Detail)
		if c.Remedy != "" {
			fmt.Fprintf(&b, "  fix: %s\n", c.Remedy)
		}
	}
	return strings.ReplaceAll(b.String(), r.Dir, ""), missing
}

func TestDoctorSaysOfEveryKindOfHostWhatThereIs(t *testing.T) {
	for _, tt := range []struct {
		name    string
		make    func(t testing.TB, dir string) *gputest.Root
		missing bool
		says    []string // regular expressions
		never   []string
	}{
		{"no GPU", gputest.New, true, []string{`^missing gpu: no GPU: [^\n]*\n$`}, nil},
		{"one H100", func(t testing.TB, dir string) *gputest.Root { return gputest.H100(t, dir, 1) }, false, []string{
			`ok nvidia driver: loaded, 580\.95\.05`, `ok nvidia libs: libcuda\.so\.1 .*libnvidia-ptxjitcompiler\.so\.1`, `ok nvidiactl: /dev/nvidiactl, 195:255, mode 06`,
			`ok nvidia-uvm: /dev/nvidia-uvm, 511:0`, `nvidia-uvm-tools: .*only where gpu\.extra_nodes names it`, `nvidia ioctls: \d+ commands pass, list nvidia-`,
			`ok nvidia 0: NVIDIA H100 80GB HBM3, GPU-.*; --gpu 0\n`, `nvidia 0 limit: none.*mig no .*dmem no .*watcher no `, `ok cdi: no specs`}, []string{"missing", "fix: "}},
		{"no nvidia-uvm after a reboot", func(t testing.TB, dir string) *gputest.Root {
			r := gputest.H100(t, dir, 1)
			r.Write("/proc/devices", "Character devices:\n  1 mem\n195 nvidia\n195 nvidiactl\n\nBlock devices:\n  7 loop\n")
			r.Remove("/dev/nvidia-uvm")
			return r
		}, true, []string{`missing gpu nvidia: the kernel module nvidia-uvm is not loaded`, `fix: as root: nvidia-modprobe -u -c=0`, `warning nvidia 0: .*cannot be granted`}, nil},
		{"module and libraries differ", gputest.Mismatch, true, []string{`missing gpu nvidia: the kernel module is version 580\.95\.05, but libcuda\.so\.1 is`, `fix: reboot, or load`}, nil},
		{"no compiler of PTX", func(t testing.TB, dir string) *gputest.Root {
			r := gputest.H100(t, dir, 1)
			r.Remove(gputest.Lib + "/libnvidia-ptxjitcompiler.so.580.95.05")
			return r
		}, false, []string{`warning nvidia libs: .*libnvidia-ptxjitcompiler\.so\.1 is missing`, `fix: install the driver's compute libraries of version 580\.95\.05`}, nil},
		{"divided", gputest.Divided, false, []string{`nvidia 0: .*divided: one of --gpu mig:0:1:0, --gpu mig:0:2:0`, `nvidia 0 limit: mig; mig yes`, `nvidia-cap\d+: `}, nil},
		{"AMD", gputest.AMD, false, []string{`ok amd driver`, `kfd: /dev/kfd, 236:0`, `ok amd 1: .*--gpu 1`, `renderD129: `, `amd 0 limit: watcher; `}, []string{"nvidia"}},
		{"Intel", gputest.Intel, false, []string{`intel driver`, `intel 0: `}, []string{"nvidia"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, missing := gpuText(t, tt.make(t, t.TempDir()))
			if missing != tt.missing {
				t.Errorf("something is missing: %v\n%s", missing, text)
			}
			for _, s := range tt.says {
				if !regexp.MustCompile(s).MatchString(text) {
					t.Errorf("nothing says %s:\n%s", s, text)
				}
			}
			for _, s := range tt.never {
				if strings.Contains(text, s) {
					t.Errorf("%q is said:\n%s", s, text)
				}
			}
			t.Log("\n" + text)
		})
	}
}

func TestDoctorSaysWhomANodeKeepsOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "node")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	root := os.Geteuid() == 0
	for _, tt := range []struct {
		name      string
		mode, gid uint32
		out       bool
	}{{file, 0o666, 0, false}, {file, 0o600, 0, root}, {file, 0o660, 0, root}, {file, 0o660, 4242, false}, {"/etc/shadow", 0o640, 42, true}} {
		if who := keptOut(tt.name, tt.mode, tt.gid); (who != "") != tt.out {
			t.Errorf("%s, %04o of group %d: %q", tt.name, tt.mode, tt.gid, who)
		}
	}
}

func TestDoctorNamesSpecsAndTheirHooks(t *testing.T) {
	r := gputest.H100(t, t.TempDir(), 1)
	r.Write("/etc/cdi/nvidia.yaml", "cdiVersion: 0.6.0\nkind: nvidia.com/gpu\ndevices:\n- name: \"0\"\n  containerEdits:\n    deviceNodes:\n    - path: /dev/nvidia0\n")
	r.Write("/etc/cdi/broken.yaml", "cdiVersion: [\n")
	at := slices.IndexFunc(gpuChecks(r.Discover()), func(c Check) bool { return c.Name == "cdi" })
	c := gpuChecks(r.Discover())[at]
	if !strings.Contains(c.Detail, "nvidia.com/gpu=0") || !strings.Contains(c.Detail, "hooks are never run") || c.Status != Warning || !strings.Contains(c.Detail, filepath.Join("/etc/cdi/broken.yaml")) {
		t.Errorf("%+v", c)
	}
}
