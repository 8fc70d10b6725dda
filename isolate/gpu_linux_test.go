package isolate

import (
	"cmp"
	"context"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu"
)

// memberStage makes the test binary run a script in a box with a GPU, as whoever it is. Its value is the plan, and the
// script.
const memberStage = "LOADLOCK_TEST_MEMBER"

const nodeGroup = 47110 // nobody's on a test machine

func member(task string) {
	err := func() error {
		plan, script, _ := strings.Cut(task, "\n")
		dir, err := os.MkdirTemp("", "member")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		s, err := plainSpec(filepath.Join(dir, "run"), []string{"/bin/sh", "-c", script})
		if err != nil {
			return err
		}
		s.Stdout, s.Stderr = os.Stdout, os.Stderr
		if err := gob.NewDecoder(hex.NewDecoder(strings.NewReader(plan))).Decode(&s.GPU); err != nil {
			return err
		}
		b, err := New(s)
		if err != nil {
			return err
		}
		defer b.Close()
		if err := b.Start(context.Background()); err != nil {
			return err
		}
		if err := b.Release(); err != nil {
			return err
		}
		_, err = b.Wait(context.Background())
		return err
	}()
	if err != nil {
		fmt.Println("refused:", err)
	}
	os.Exit(0)
}

// asMember runs a script in a box of an ordinary user who has those groups too.
func asMember(t *testing.T, groups []uint32, p gpu.Plan, script string) string {
	t.Helper()
	need(t, "root") // to become the user
	program := filepath.Join(openDir(t), "isolate.test")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", exe, program).CombinedOutput(); err != nil {
		t.Fatal(string(out))
	}
	mustChmod(t, program, 0o755)
	var plan strings.Builder
	if err := gob.NewEncoder(hex.NewEncoder(&plan)).Encode(p); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), memberStage+"="+plan.String()+"\n"+script, "TMPDIR=/tmp")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 12345, Groups: groups}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v", err)
	}
	return string(out)
}

func TestAnOrdinaryUserReachesANodeThroughAGroupOfTheirOwn(t *testing.T) {
	needBox(t)
	need(t, "python")
	n := fakeNode(t, "renderD128", 195, 200, 0o660)
	if err := os.Chown(n.Path, 0, nodeGroup); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		groups []uint32
		want   string
	}{
		"a member":  {[]uint32{nodeGroup}, "ENXIO\n"},
		"no member": {nil, "refused: layer user: " + n.Path + " (mode 0660, user 0, group 47110) is not yours to use: permission denied\n"},
	} {
		if got := asMember(t, c.groups, gpu.Plan{Nodes: []gpu.Node{n}}, opening(n.Path)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A user who owns a node, as a login at the machine's own screen makes it, can use it and change nothing about it.
func TestAnOrdinaryUserWhoOwnsANodeCannotChangeIt(t *testing.T) {
	needBox(t)
	need(t, "python")
	n := fakeNode(t, "renderD128", 195, 200, 0o600)
	if err := os.Chown(n.Path, 12345, 0); err != nil {
		t.Fatal(err)
	}
	got := asMember(t, nil, gpu.Plan{Nodes: []gpu.Node{n}}, opening(n.Path)+"; "+py(`
for f in (lambda: os.chmod("`+n.Path+`", 0o666), lambda: os.unlink("`+n.Path+`"), lambda: os.mknod("/tmp/node", 0o20666, os.makedev(195, 201))):
    try: f(); print("done")
    except OSError as e: print(errno.errorcode[e.errno])`))
	if want := "ENXIO EROFS EACCES EPERM"; strings.Join(strings.Fields(got), " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// As root the command is nobody, and gets the node's group where that opens the node; root's own it never gets.
func TestAsRootTheCommandGetsTheGroupOfTheNodeAndNoOther(t *testing.T) {
	needBox(t)
	need(t, "python")
	for name, c := range map[string]struct {
		mode  os.FileMode
		group int
		take  bool // the group away again
		want  string
	}{
		"everybody's":           {0o666, 0, false, "ENXIO []"},
		"its group's":           {0o660, nodeGroup, false, "ENXIO [1001]"},
		"without its group":     {0o660, nodeGroup, true, "EACCES []"},
		"the group may read":    {0o640, nodeGroup, false, ""},
		"root's group's":        {0o660, 0, false, ""},
		"nobody's but root's":   {0o600, nodeGroup, false, ""},
		"others may only write": {0o662, 0, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			n := fakeNode(t, "nvidia0", 195, 200, c.mode)
			if err := os.Chown(n.Path, 0, c.group); err != nil {
				t.Fatal(err)
			}
			s, out := boxed(t, opening(n.Path)+`; `+py("print(os.getgroups())"))
			s.GPU.Nodes = []gpu.Node{n}
			b, err := New(s)
			var layer *LayerError
			if c.want == "" {
				if !errors.As(err, &layer) || !strings.Contains(layer.Remedy, "0666") || !strings.Contains(err.Error(), "could not open it") {
					t.Errorf("New: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.take {
				b.spec.Host.NodeGroups = nil
			}
			if _, text := finish(t, b, out); strings.Join(strings.Fields(text), " ") != c.want {
				t.Errorf("%q, want %q", text, c.want)
			}
		})
	}
}

// Two ways lead to a command with the host's id 0: a user namespace with one id that root made, and a policy that calls the
// layer optional where there is none. Neither starts with a GPU; both do without.
func TestNobodyIsRootOfTheHostWithAGPU(t *testing.T) {
	needBox(t)
	n := fakeNode(t, "nvidia0", 195, 200, 0o666)
	for _, granted := range []bool{true, false} {
		for name, c := range map[string]struct {
			spec func(*Spec)
			box  func(*Box)
		}{
			"one id, root's": {spec: func(s *Spec) { s.Host.Rootless, s.Host.UID, s.Host.Cgroup = true, 0, "" }},
			"no layer user":  {box: func(b *Box) { b.off = append(b.off, "user") }},
		} {
			s, out := boxed(t, "id -u")
			s.Sandbox.UnsafeOptional = []string{"user", "cgroup"}
			if granted {
				s.GPU.Nodes = []gpu.Node{n}
			}
			if c.spec != nil {
				c.spec(&s)
			}
			b, err := New(s)
			if err == nil && c.box != nil {
				c.box(b)
			}
			if err == nil && granted {
				err = b.Start(context.Background())
				b.Close()
			}
			if granted {
				if !errors.Is(err, errHostRoot) {
					t.Errorf("%s, with a GPU: %v", name, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, text := finish(t, b, out); text != "0\n" {
				t.Errorf("%s, without a GPU: %q", name, text)
			}
		}
	}
}

// What the kernel shows decides, too: a box that came to run as root of the host is ended, though its policy calls the layer
// optional.
func TestABoxWithAGPUThatRunsAsRootIsEnded(t *testing.T) {
	need(t, "root")
	s := Spec{Host: Host{Rootless: true}, GPU: gpu.Plan{Nodes: make([]gpu.Node, 1)}}
	s.Sandbox.UnsafeOptional = []string{"user"}
	v := View{dir: "/proc/self", ours: map[string]string{"user": "another"}, status: map[string][]string{"Uid": {"0", "0", "0", "0"}}}
	for _, granted := range []bool{true, false} {
		if !granted {
			s.GPU = gpu.Plan{}
		}
		if _, err := (&Box{spec: s}).enforcement(userLayer, v); errors.Is(err, errHostRoot) != granted {
			t.Errorf("granted %v: %v", granted, err)
		}
	}
}

func TestWithAGPUThereMustBeEnoughDescriptors(t *testing.T) {
	if err := enoughForGPU(fewestGPUFiles); err != nil {
		t.Error(err)
	}
	var layer *LayerError
	if err := enoughForGPU(fewestGPUFiles - 1); !errors.As(err, &layer) || layer.Remedy != "ulimit -Hn 4096" {
		t.Error(err)
	}
	// The plan asks: in a process with a lower limit, which cannot be raised again.
	for granted, want := range map[string]string{"1": "ulimit -Hn 4096", "": "planned"} {
		cmd := exec.Command("/bin/sh", "-c", fmt.Sprintf("ulimit -n 4095 && exec /proc/%d/exe", os.Getpid()))
		cmd.Env = append(os.Environ(), fewFilesStage+"="+cmp.Or(granted, "0"))
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("granted %q: %v, %q, want %q", granted, err, out, want)
		}
	}
}

// fewFilesStage makes the test binary plan a box, with a GPU when its value is 1.
const fewFilesStage = "LOADLOCK_TEST_FEW_FILES"

func planWithFewFiles(granted bool) {
	s := Spec{}
	if granted {
		s.GPU.Nodes = []gpu.Node{{Path: "/dev/nvidia0"}}
	}
	_, err := Bundle(s, nil)
	var layer *LayerError
	switch {
	case err == nil:
		fmt.Print("planned")
	case errors.As(err, &layer):
		fmt.Print(layer.Remedy)
	}
	os.Exit(0)
}

func TestAPlanThatReachesForWhatTheBoxHasIsRefused(t *testing.T) {
	node := []gpu.Node{{Path: "/dev/nvidia0", Major: 195}}
	one := func(p string) map[string]string { return map[string]string{p: "x"} }
	mount := func(p string) []gpu.Mount { return []gpu.Mount{{Source: "/lib/x", Target: p}} }
	var refused, allowed []gpu.Plan
	for _, p := range []string{"/", "/dev", "/dev/x", "/dev/null", "/proc", "/proc/driver/nvidia/params", "/.loadlock", "/.loadlock/pid1", "/tmp/x", "/etc/passwd",
		"/lib", "/sys/../etc", "sys/x", "", "/sys/a\nb", "/sys/", "/dev/nvidia0"} {
		refused = append(refused, gpu.Plan{Nodes: node, Mounts: mount(p)}, gpu.Plan{Nodes: node, Files: one(p)}, gpu.Plan{Nodes: node, Links: one(p)})
	}
	for _, p := range []string{"/dev/null", "/dev/shm", "/dev/shm/x", "/dev", "/dev/pts/0", "/nvidia0", "/dev/../nvidia0", "/dev/tty"} {
		refused = append(refused, gpu.Plan{Nodes: []gpu.Node{{Path: p}}})
	}
	for _, p := range []string{"", ".", "..", "../kcore", "nvidia/../../x", "/nvidia/params", "nvidia/"} {
		refused = append(refused, gpu.Plan{Nodes: node, Proc: one(p)})
	}
	refused = append(refused,
		gpu.Plan{Files: one("/sys/x")}, gpu.Plan{Proc: one("nvidia/params")}, // a plan without a node is no grant
		gpu.Plan{Nodes: node, Mounts: mount("/sys/devices"), Files: one("/sys/devices/x")},
		gpu.Plan{Nodes: node, Links: one("/sys/a"), Files: one("/sys/a/b")},
		gpu.Plan{Nodes: append(node, node...)},
		gpu.Plan{Nodes: node, Mounts: []gpu.Mount{{Source: "lib", Target: "/run/gpu/lib/x"}}},
		gpu.Plan{Nodes: node, Mounts: []gpu.Mount{{Source: "/lib/../etc", Target: "/run/gpu/lib/x"}}},
	)
	for _, p := range []string{"/sys/module/nvidia/version", "/run/gpu/lib/libcuda.so.1", "/usr/lib/libcuda.so.1", "/devices", "/etc/OpenCL/vendors/x.icd"} {
		allowed = append(allowed, gpu.Plan{Nodes: node, Mounts: mount(p)}, gpu.Plan{Nodes: node, Files: one(p)}, gpu.Plan{Nodes: node, Links: one(p)})
	}
	allowed = append(allowed, gpu.Plan{}, gpu.Plan{Nodes: node, Proc: one("nvidia/params")},
		gpu.Plan{Nodes: []gpu.Node{{Path: "/dev/dri/renderD128"}, {Path: "/dev/nvidia-caps/nvidia-cap1"}, {Path: "/dev/nvidia-caps/nvidia-cap10"}}})
	s := Spec{Etc: one("/etc/passwd"), Symlinks: one("/lib")}
	for i, p := range slices.Concat(refused, allowed) {
		s.GPU = p
		if _, err := Bundle(s, nil); (err != nil) != (i < len(refused)) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

// A plan's links and files are written by root into a folder of the host: none leads out of it.
func TestNoLinkOfAPlanLeadsOutOfTheRunFolder(t *testing.T) {
	outside := openDir(t)
	for name, s := range map[string]Spec{
		"a file below a link": {Symlinks: map[string]string{"/sys": outside}, GPU: gpu.Plan{Files: map[string]string{"/sys/written": "x"}}},
		"a link below a link": {Symlinks: map[string]string{"/sys": outside}, GPU: gpu.Plan{Links: map[string]string{"/sys/written": "x"}}},
		"through its parents": {Symlinks: map[string]string{"/sys": "../../../../../.." + outside}, GPU: gpu.Plan{Files: map[string]string{"/sys/written": "x"}}},
		"the box's own":       {Symlinks: map[string]string{"/etc": outside}, Etc: map[string]string{"/etc/written": "x"}},
	} {
		s.RunDir, s.Host.Rootless = filepath.Join(t.TempDir(), "run"), true
		if err := (&Box{spec: s}).skeleton(); err == nil {
			t.Errorf("%s: no error", name)
		}
		if left, _ := os.ReadDir(outside); len(left) > 0 {
			t.Fatalf("%s: %v was written outside", name, left)
		}
	}
}
