package isolate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Nodes with a GPU's numbers and no driver behind them: what open(2) says tells which wall was met. ENXIO comes from where
// the driver would be, and so means that nothing of ours was in the way.

// nodeFolder is a folder of the test's own where nodes can be made and opened.
func nodeFolder(t testing.TB) string {
	t.Helper()
	need(t, "root", "device-nodes")
	dir := fmt.Sprintf("/dev/loadlock-test-%d", os.Getpid())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(dir) })
	return dir
}

// fakeNode makes a node there.
func fakeNode(t testing.TB, name string, major, minor uint32, mode os.FileMode) gpu.Node {
	t.Helper()
	n := gpu.Node{Path: filepath.Join(nodeFolder(t), name), Major: major, Minor: minor, Why: "test"}
	t.Cleanup(func() { os.Remove(n.Path) })
	makeNode(t, n, mode)
	return n
}

func makeNode(t testing.TB, n gpu.Node, mode os.FileMode) {
	t.Helper()
	if err := unix.Mknod(n.Path, unix.S_IFCHR, int(unix.Mkdev(n.Major, n.Minor))); err != nil {
		t.Fatal(err)
	}
	mustChmod(t, n.Path, mode)
}

// opening is a program that opens the files for reading and writing and prints what happened, a word for each.
func opening(paths ...string) string {
	return py(`
for name in "` + strings.Join(paths, " ") + `".split():
    try:
        with open(os.open(name, os.O_RDWR), "rb", 0) as f: print(len(f.read(4)))
    except OSError as e: print(errno.errorcode[e.errno])`)
}

func TestAGrantedNodeIsReachedAndEachWallStopsItsOwn(t *testing.T) {
	needBox(t)
	need(t, "python", "cgroup")
	granted, sibling := fakeNode(t, "nvidia0", 195, 200, 0o666), fakeNode(t, "nvidia1", 195, 201, 0o666)
	zero := fakeNode(t, "nvidia2", 1, 5, 0o666) // a driver that answers
	plan := []gpu.Node{granted, zero}
	option := func(word string) func(*specs.Spec) {
		return func(oci *specs.Spec) {
			for i, m := range oci.Mounts {
				if m.Destination == granted.Path {
					oci.Mounts[i].Options = append(oci.Mounts[i].Options, word)
				}
			}
		}
	}
	for name, c := range map[string]struct {
		nodes []gpu.Node
		alter func(*specs.Spec)
		want  string // of granted, sibling, zero
	}{
		"as it is":                 {plan, nil, "ENXIO ENOENT 4"},
		"without a grant":          {nil, nil, "ENOENT ENOENT ENOENT"},
		"mounted with nodev":       {plan, option("nodev"), "EACCES ENOENT 4"},
		"without the cgroup's own": {plan, func(oci *specs.Spec) { oci.Linux.Resources.Devices = oci.Linux.Resources.Devices[:1] }, "EPERM ENOENT 4"},
		"read-only or not":         {plan, option("rw"), "ENXIO ENOENT 4"},
		"the sibling is bound, but only its neighbour is in the cgroup": {plan, func(oci *specs.Spec) {
			m := gpuMounts(gpu.Plan{Nodes: []gpu.Node{sibling}}, Host{})
			oci.Mounts = append(oci.Mounts, m...)
		}, "ENXIO EPERM 4"},
	} {
		t.Run(name, func(t *testing.T) {
			s, out := boxed(t, opening(granted.Path, sibling.Path, zero.Path))
			s.GPU.Nodes = c.nodes
			s.Sandbox.UnsafeOptional = []string{"mount", "cgroup"} // an altered box would not start
			b, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			if b.alter = c.alter; c.alter != nil {
				b.dropNodes() // or what was altered is refused; see the tests below
			}
			if _, text := finish(t, b, out); strings.Join(strings.Fields(text), " ") != c.want {
				t.Errorf("%q, want %q", text, c.want)
			}
		})
	}
}

func TestABoxWhoseNodeIsNotTheCheckedOneDoesNotStart(t *testing.T) {
	needBox(t)
	other := fakeNode(t, "nvidia9", 1, 5, 0o666)
	for name, c := range map[string]struct {
		between func(*testing.T, gpu.Node)
		alter   func(string) func(*specs.Spec)
		want    string // "" starts
	}{
		"nothing": {},
		"another device": {between: func(t *testing.T, n gpu.Node) {
			os.Remove(n.Path)
			n.Minor++
			makeNode(t, n, 0o666)
		}, want: "device 195:201, the driver's is 195:200"},
		"the same numbers, another node": {between: func(t *testing.T, n gpu.Node) {
			if err := os.Rename(n.Path, n.Path+".old"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Remove(n.Path + ".old") })
			makeNode(t, n, 0o666)
		}, want: "another file than the one that was checked"},
		"a link to another device": {between: func(t *testing.T, n gpu.Node) {
			os.Remove(n.Path)
			if err := os.Symlink(other.Path, n.Path); err != nil {
				t.Fatal(err)
			}
		}, want: "device 1:5"},
		"a file": {between: func(t *testing.T, n gpu.Node) {
			os.Remove(n.Path)
			if err := os.WriteFile(n.Path, nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}, want: "not a character device"},
		"nodev": {alter: func(p string) func(*specs.Spec) {
			return func(oci *specs.Spec) {
				for i, m := range oci.Mounts {
					if m.Destination == p {
						oci.Mounts[i].Options = append(m.Options, "nodev")
					}
				}
			}
		}, want: "nodev"},
		"executable": {alter: func(p string) func(*specs.Spec) { return without("noexec", p) }, want: "noexec"},
		"writable":   {alter: func(p string) func(*specs.Spec) { return without("ro", p) }, want: "without one of ro"},
	} {
		t.Run(name, func(t *testing.T) {
			n := fakeNode(t, "nvidia0", 195, 200, 0o666)
			s, _ := boxed(t, "true")
			s.GPU.Nodes = []gpu.Node{n}
			s.Sandbox.UnsafeOptional = []string{"mount"} // what the policy calls optional does not help
			b, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			if c.between != nil {
				c.between(t, n)
			}
			if c.alter != nil {
				b.alter = c.alter(n.Path)
			}
			err = b.Start(context.Background())
			var layer *LayerError
			if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &layer) || layer.Remedy == "" || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("start: %v, want %q", err, c.want)
			}
		})
	}
}

func TestANodeThatIsNotThePlannedOneIsRefusedBeforeAnythingStarts(t *testing.T) {
	needBox(t)
	good := fakeNode(t, "nvidia0", 195, 200, 0o666)
	link := good
	link.Path += "-link"
	if err := os.Symlink(good.Path, link.Path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(link.Path) })
	folder := filepath.Dir(good.Path) + "-link"
	if err := os.Symlink(filepath.Dir(good.Path), folder); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(folder) })
	inFolder, wrong, absent := good, good, good
	inFolder.Path = folder + "/nvidia0"
	wrong.Minor++
	absent.Path += "-absent"
	for name, n := range map[string]gpu.Node{"a link": link, "below a link": inFolder, "other numbers": wrong, "absent": absent} {
		s, _ := boxed(t, "true")
		s.GPU.Nodes = []gpu.Node{n}
		b, err := New(s)
		var layer *LayerError
		if !errors.As(err, &layer) || layer.Remedy == "" {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			b.Close()
		}
	}
}

// On cgroup v1 the kernel shows the list of devices, and the report goes by it.
func TestABoxWhoseListOfDevicesIsNotThePlannedOneDoesNotStart(t *testing.T) {
	needBox(t)
	need(t, "cgroup", "cgroup1")
	n := fakeNode(t, "nvidia0", 195, 200, 0o666)
	for want, alter := range map[string]func(*specs.LinuxResources){
		"":                                    func(*specs.LinuxResources) {},
		"the list of devices lacks " + n.Path: func(r *specs.LinuxResources) { r.Devices = r.Devices[:1] },
		`the list of devices has "a *:* rwm"`: func(r *specs.LinuxResources) { r.Devices = []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}} },
		`the list of devices has "c 195:200 rwm"`: func(r *specs.LinuxResources) { r.Devices[1].Access = "rwm" },
	} {
		s, _ := boxed(t, "true")
		s.GPU.Nodes = []gpu.Node{n}
		b, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		b.alter = func(oci *specs.Spec) { alter(oci.Linux.Resources) }
		err = b.Start(context.Background())
		if (err == nil) != (want == "") || want != "" && !strings.Contains(err.Error(), want) {
			t.Errorf("start: %v, want %q", err, want)
		}
		b.Close()
	}
}

// What a process with the node may do to it: nothing but to use it.
func TestTheNodeItselfCannotBeChangedAndNoneMade(t *testing.T) {
	needBox(t)
	need(t, "python", "cgroup")
	node := fakeNode(t, "nvidia0", 195, 200, 0o666)
	changing := py(`
def tried(f, *args):
    try: f(*args); print("done")
    except OSError as e: print(errno.errorcode[e.errno])
tried(os.chmod, "` + node.Path + `", 0o640)
tried(os.unlink, "` + node.Path + `")
tried(os.mknod, "/tmp/node", 0o20666, os.makedev(195, 201))`)
	for name, c := range map[string]struct {
		off   []string
		alter func(*specs.Spec)
		want  string
	}{
		"with all layers":             {nil, nil, "EROFS EACCES EPERM"},
		"without layers and walls":    {removable, without("ro", node.Path), "done EBUSY done"},
		"with the read-only bind":     {removable, nil, "EROFS EBUSY done"},
		"with the device rules alone": {except("cgroup"), without("ro", node.Path), "done EBUSY EPERM"},
		"with the ids alone":          {except("user"), without("ro", node.Path), "EPERM EACCES EPERM"},
	} {
		t.Run(name, func(t *testing.T) {
			s, out := boxed(t, changing)
			plan := gpu.Plan{Nodes: []gpu.Node{node}}
			var b *Box
			if c.off == nil {
				s.GPU = plan
				var err error
				if b, err = New(s); err != nil {
					t.Fatal(err)
				}
			} else { // a box with a plan does not start without the layer user: the node is bound behind its back
				b = weakened(t, s, c.off, nil)
				before := b.alter
				b.alter = func(oci *specs.Spec) {
					if before != nil {
						before(oci)
					}
					oci.Mounts = append(oci.Mounts, gpuMounts(plan, Host{})...)
					oci.Linux.Resources.Devices = append(oci.Linux.Resources.Devices, gpuDevices(plan)...)
					if c.alter != nil {
						c.alter(oci)
					}
				}
			}
			if _, text := finish(t, b, out); strings.Join(strings.Fields(text), " ") != c.want {
				t.Errorf("%q, want %q", text, c.want)
			}
			mustChmod(t, node.Path, 0o666)
		})
	}
}

// Landlock leaves ioctl(2) of devices that are opened inside to those of the grant, and the terminal.
func TestDeviceIoctlsAreForGrantedNodes(t *testing.T) {
	needBox(t)
	need(t, "python", "landlock-ioctl")
	granted := fakeNode(t, "nvidia0", 1, 5, 0o666) // a driver that answers ENOTTY to every command
	program := py(`
import fcntl
for name in "` + granted.Path + ` /dev/zero".split():
    fd = os.open(name, os.O_RDWR)
    try: fcntl.ioctl(fd, 0x5401, bytes(64))
    except OSError as e: print(errno.errorcode[e.errno])`)
	for want, off := range map[string][]string{"ENOTTY EACCES": nil, "ENOTTY ENOTTY": {"landlock"}} {
		s, out := boxed(t, program)
		s.GPU.Nodes = []gpu.Node{granted}
		s.Sandbox.UnsafeOptional = off
		b, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		b.off = append(b.off, off...)
		if _, text := finish(t, b, out); strings.Join(strings.Fields(text), " ") != want {
			t.Errorf("without %v: %q, want %q", off, text, want)
		}
	}
}

func TestEveryVersionOfLandlockTakesTheRules(t *testing.T) {
	need(t, "landlock")
	most, err := landlockABI()
	if err != nil {
		t.Fatal(err)
	}
	for abi := 1; abi <= most; abi++ {
		for name, s := range plans {
			fd, err := ruleset(abi, "/", s)
			if err != nil {
				t.Errorf("ABI %d, %s: %v", abi, name, err)
				continue
			}
			unix.Close(fd)
		}
	}
}
