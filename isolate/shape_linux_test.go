package isolate

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/gputest"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// What a command with a GPU finds: the shape of /proc, /sys and /dev, and what CUDA's libraries do beside ioctl.

// shaped is a plan as package gpu makes it, for a node that is there.
func shaped(n gpu.Node) gpu.Plan {
	return gpu.Plan{
		Nodes: []gpu.Node{n},
		Mounts: []gpu.Mount{
			{Source: "/sys/devices/system/cpu", Target: "/sys/devices/system/cpu"},
			{Source: "/bin/true", Target: "/run/gpu/lib/libcuda.so.580.1", Exec: true},
		},
		Links: map[string]string{
			"/run/gpu/lib/libcuda.so.1":         "libcuda.so.580.1",
			"/sys/bus/pci/devices/0000:04:00.0": "../../../devices/pci0000:00/0000:04:00.0",
		},
		Files: map[string]string{
			"/sys/module/nvidia/version":                    "580.1\n",
			"/sys/devices/pci0000:00/0000:04:00.0/vendor":   "0x10de\n",
			"/sys/devices/pci0000:00/0000:04:00.0/resource": "",
			"/sys/devices/system/memory/block_size_bytes":   "8000000\n",
		},
		Proc: map[string]string{
			"nvidia/params":                        "ModifyDeviceFiles: 0\n",
			"nvidia/version":                       "NVRM version: 580.1\n",
			"nvidia/gpus/0000:04:00.0/information": "Device Minor: 200\n",
		},
	}
}

// shape is what the program inside saw.
type shape struct {
	Proc, Sys   map[string]string // below /proc/driver and /sys without devices/system/cpu: path → text, or → link
	Dev, Bus    []string          // files of /dev, and what is in /proc/bus
	Steps       map[string]string // what was tried → "ok" or the errno
	Descriptors []string
	ShmMB       int64
	CPUs        string
}

const shapeProgram = `
import ctypes, json, threading
def tree(top, skip=()):
    out = {}
    for at, dirs, files in os.walk(top):
        dirs[:] = [d for d in dirs if os.path.join(at, d) not in skip]
        for name in dirs + files:
            p = os.path.join(at, name)
            if os.path.islink(p): out[os.path.relpath(p, top)] = "-> " + os.readlink(p)
            elif os.path.isfile(p): out[os.path.relpath(p, top)] = open(p, encoding="latin-1", newline="").read()
    return out
steps = {}
def tried(name, f):
    try: f(); steps[name] = "ok"
    except OSError as e: steps[name] = errno.errorcode[e.errno]
def write(p, text="x"):
    fd = os.open(p, os.O_WRONLY)
    os.write(fd, text.encode())
    os.close(fd)
def thread_named():
    ids = []
    done = threading.Event()
    t = threading.Thread(target=lambda: (ids.append(threading.get_native_id()), done.wait()))
    t.start()
    while not ids: pass
    try: write("/proc/%d/task/%d/comm" % (os.getpid(), ids[0]), "cuda-EvtHandlr")
    finally: done.set(); t.join()
def abstract():
    a = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    a.bind("\0cuda-uvmfd-4026531836-7"); a.listen(1)
    b = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    b.connect("\0cuda-uvmfd-4026531836-7")
    c, _ = a.accept()
    socket.send_fds(b, [b"x"], [0]); socket.recv_fds(c, 1, 1)
fds = sorted(os.listdir("/proc/self/fd"), key=int)[:-1]
tried("comm", thread_named)
tried("own comm", lambda: write("/proc/self/comm"))
tried("abstract seqpacket", abstract)
tried("memfd", lambda: os.memfd_create("cuda"))
tried("write params", lambda: write("/proc/driver/nvidia/params"))
tried("create in /proc/driver", lambda: open("/proc/driver/x", "w"))
tried("chmod params", lambda: os.chmod("/proc/driver/nvidia/params", 0o666))
tried("write /sys file", lambda: write("/sys/module/nvidia/version"))
tried("create in /sys", lambda: open("/sys/x", "w"))
tried("write sysfs", lambda: write("/sys/devices/system/cpu/cpu0/uevent"))
tried("create at the root", lambda: open("/x", "w"))
tried("write where /proc/driver comes from", lambda: write("/.loadlock/driver/nvidia/params"))
dev = [os.path.join(at, f)[5:] for at, _, files in os.walk("/dev") for f in files]
shm = os.statvfs("/dev/shm")
print(json.dumps({"Proc": tree("/proc/driver"), "Sys": tree("/sys", ["/sys/devices/system/cpu", "/sys/devices/system/node"]), "Dev": sorted(dev), "Bus": os.listdir("/proc/bus"), "Steps": steps, "Descriptors": fds,
    "ShmMB": shm.f_blocks * shm.f_frsize >> 20, "CPUs": open("/sys/devices/system/cpu/possible").read() if os.path.exists("/sys") else ""}))`

// took runs the program in a box of root's, or of an ordinary user's.
func took(t *testing.T, p gpu.Plan, user bool) (saw shape) {
	t.Helper()
	var text string
	if user {
		text = asMember(t, nil, p, py(shapeProgram))
	} else {
		s, out := boxed(t, py(shapeProgram))
		s.GPU = p
		_, text, _ = runBox(t, s, out)
	}
	if err := json.Unmarshal([]byte(text), &saw); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return saw
}

// shapeSteps is how they must end; Landlock and the files' owner may answer before the mount does.
var shapeSteps = map[string]string{"comm": "ok", "own comm": "ok", "abstract seqpacket": "ok", "memfd": "ok",
	"write params": "EACCES EROFS", "create in /proc/driver": "EROFS EACCES", "chmod params": "EROFS", "write /sys file": "EACCES EROFS",
	"create in /sys": "EROFS EACCES", "write sysfs": "EACCES EROFS ENOENT", "create at the root": "EACCES EROFS", "write where /proc/driver comes from": "EACCES EROFS"}

// usualDevices are what every box has.
var usualDevices = []string{"full", "null", "random", "tty", "urandom", "zero"}

func TestTheShapeOfABoxWithAGPU(t *testing.T) {
	needBox(t)
	need(t, "python")
	root := filepath.Join(nodeFolder(t), "host")
	t.Cleanup(func() { os.RemoveAll(root) })
	plans := map[string]gpu.Plan{
		"the real /sys":     shaped(fakeNode(t, "nvidia0", 195, 200, 0o666)),
		"one H100 of eight": gputest.H100(t, root, 8).Plan("3"),
		"one of AMD's":      gputest.AMD(t, root+"/amd").Plan("0"),
		"a part of an H100": gputest.Divided(t, root+"/mig").Plan("mig:0:1:0"),
	}
	fakeNode(t, "nvidia1", 195, 201, 0o666) // a sibling
	for name, plan := range plans {
		for who, user := range map[string]bool{" as root": false, " as an ordinary user": true} {
			t.Run(name+who, func(t *testing.T) { isShaped(t, plan, took(t, plan, user)) })
		}
	}
}

func isShaped(t *testing.T, plan gpu.Plan, saw shape) {
	t.Helper()
	sys := map[string]string{}
	for name, text := range plan.Files {
		sys[strings.TrimPrefix(name, "/sys/")] = latin1(text)
	}
	for name, target := range plan.Links {
		if below, ok := strings.CutPrefix(name, "/sys/"); ok {
			sys[below] = "-> " + target
		}
	}
	if !maps.Equal(saw.Proc, plan.Proc) {
		t.Errorf("/proc/driver: %v, want %v", saw.Proc, plan.Proc)
	}
	if !maps.Equal(saw.Sys, sys) {
		t.Errorf("/sys: %v, want %v", saw.Sys, sys)
	}
	if params, ok := saw.Proc["nvidia/params"]; ok && !strings.Contains(params, "ModifyDeviceFiles: 0\n") {
		t.Errorf("params: %s", params)
	}
	want := slices.Clone(usualDevices)
	for _, n := range plan.Nodes {
		want = append(want, strings.TrimPrefix(n.Path, "/dev/"))
	}
	slices.Sort(want)
	if !slices.Equal(slices.DeleteFunc(saw.Dev, isLinkName), want) {
		t.Errorf("/dev: %v, want %v", saw.Dev, want)
	}
	all := fmt.Sprint(saw)
	for i := range 8 {
		for _, name := range []string{gputest.BusID(i), gputest.UUID(i)} {
			if strings.Contains(all, name) && !strings.Contains(fmt.Sprint(plan.Proc), name) {
				t.Errorf("%s of a sibling is seen", name)
			}
		}
	}
	for name, got := range saw.Steps {
		absent := got == "ENOENT" && len(plan.Proc) == 0
		if w := shapeSteps[name]; !absent && !slices.Contains(strings.Fields(w), got) {
			t.Errorf("%s: %s, want %q", name, got, w)
		}
	}
	if len(saw.Bus) > 0 {
		t.Errorf("/proc/bus: %v", saw.Bus)
	}
	if len(saw.Steps) != len(shapeSteps) {
		t.Errorf("steps %v", saw.Steps)
	}
	if !slices.Equal(saw.Descriptors, []string{"0", "1", "2"}) {
		t.Errorf("descriptors %v", saw.Descriptors)
	}
	if saw.ShmMB != 16 {
		t.Errorf("/dev/shm of %d MiB", saw.ShmMB)
	}
	i := slices.IndexFunc(plan.Mounts, func(m gpu.Mount) bool { return m.Target == "/sys/devices/system/cpu" })
	if host := hostText(t, plan.Mounts[i].Source+"/possible"); strings.TrimSpace(saw.CPUs) != host {
		t.Errorf("processors %q, the host says %q", saw.CPUs, host)
	}
}

func TestTheShapeOfABoxWithoutOneIsAsBefore(t *testing.T) {
	needBox(t)
	need(t, "python")
	saw := took(t, gpu.Plan{}, false)
	if len(saw.Proc)+len(saw.Sys)+len(saw.Bus) > 0 || saw.CPUs != "" {
		t.Errorf("/proc/driver: %v, /sys: %v", saw.Proc, saw.Sys)
	}
	if !slices.Equal(slices.DeleteFunc(saw.Dev, isLinkName), usualDevices) {
		t.Errorf("/dev: %v", saw.Dev)
	}
	for name, w := range map[string]string{"comm": "ok", "own comm": "ok", "abstract seqpacket": "ok", "memfd": "EPERM"} {
		if saw.Steps[name] != w {
			t.Errorf("%s: %s, want %s", name, saw.Steps[name], w)
		}
	}
}

// latin1 is how the program reads files: the configuration space of a PCI device is no text.
func latin1(raw string) string {
	var out []rune
	for _, b := range []byte(raw) {
		out = append(out, rune(b))
	}
	return string(out)
}

func isLinkName(name string) bool {
	return slices.Contains([]string{"fd", "stdin", "stdout", "stderr", "core", "ptmx"}, path.Base(name)) && filepath.Dir(name) == "."
}

// gpu.sysfs: full shows all of the host's, and changes nothing there.
func TestTheWholeOfSysfsIsReadOnly(t *testing.T) {
	needBox(t)
	need(t, "python")
	plan := gpu.Plan{Nodes: []gpu.Node{fakeNode(t, "nvidia0", 195, 200, 0o666)}, Mounts: []gpu.Mount{{Source: "/sys", Target: "/sys"}}}
	program := py(`
print(open("/sys/devices/system/cpu/possible").read().strip() == "` + hostText(t, "/sys/devices/system/cpu/possible") + `")
mounts = [l.split() for l in open("/proc/self/mountinfo") if l.split()[4].startswith("/sys")]
print([m[4] for m in mounts if not {"ro", "nosuid", "nodev", "noexec"} <= set(m[5].split(","))])`)
	want := "True\n[]\n"
	s, out := boxed(t, program)
	s.GPU = plan
	if _, got, _ := runBox(t, s, out); got != want {
		t.Errorf("as root: %q", got)
	}
	if got := asMember(t, nil, plan, program); got != want {
		t.Errorf("as an ordinary user: %q", got)
	}
}

func hostText(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}

// The host's /proc/driver is covered in every box; where that did not happen, a box with a GPU does not start.
func TestProcDriverIsNeverTheHosts(t *testing.T) {
	needBox(t)
	unmasked := func(oci *specs.Spec) {
		oci.Linux.MaskedPaths = slices.DeleteFunc(oci.Linux.MaskedPaths, func(p string) bool { return p == "/proc/driver" })
	}
	for want, alter := range map[string]func(*specs.Spec){"tmpfs\n": nil, "proc\n": unmasked} {
		s, out := boxed(t, "stat -f -c %T /proc/driver")
		b, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		b.alter = alter
		if _, got := finish(t, b, out); got != want {
			t.Errorf("without a GPU: %q, want %q", got, want)
		}
	}
	n := fakeNode(t, "nvidia0", 195, 200, 0o666)
	for want, alter := range map[string]func(*specs.Spec){
		"":                 func(*specs.Spec) {},
		"the kernel's own": func(oci *specs.Spec) { oci.Hooks = nil },
		"without one of ro": func(oci *specs.Spec) {
			oci.Hooks = nil
			oci.Linux.MaskedPaths = append(oci.Linux.MaskedPaths, "/proc/driver")
		},
	} {
		s, _ := boxed(t, "true")
		s.GPU, s.Sandbox.UnsafeOptional = shaped(n), []string{"mount"}
		b, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		b.alter = alter
		err = b.Start(context.Background())
		if (err == nil) != (want == "") || want != "" && !strings.Contains(err.Error(), want) {
			t.Errorf("with a GPU: %v, want %q", err, want)
		}
		if want == "" {
			for what, other := range map[string]map[string]string{"less": {}, "other text": {"nvidia/params": "ModifyDeviceFiles: 1\n"}} {
				if err := observeDriver(b.Root(), other); err == nil || !strings.Contains(err.Error(), "the plan says") {
					t.Errorf("%s: %v", what, err)
				}
			}
		}
		b.Close()
	}
}

// The hook is run by whoever can execute pid 1's program inside, too: without capabilities it can do nothing.
func TestTheCommandCannotCoverProcDriver(t *testing.T) {
	needBox(t)
	need(t, "python")
	s, out := boxed(t, py(`
os.chdir("/")
print(os.spawnv(os.P_WAIT, "`+pid1Path+`", ["`+driverPath+`"]))`))
	s.GPU = shaped(fakeNode(t, "nvidia0", 195, 200, 0o666))
	if _, text, _ := runBox(t, s, out); !strings.Contains(text, "mount on /proc/driver: Operation not permitted") && text != "127\n" {
		t.Errorf("%q", text)
	}
}
