package cdi

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/gputest"
	oci "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"tags.cncf.io/container-device-interface/pkg/cdi"
)

// spec is a spec of one device that is GPU 0 of gputest.H100(2), with more edits in it.
func spec(edits string) string {
	return "cdiVersion: 1.1.0\nkind: nvidia.com/gpu\ndevices:\n- name: '0'\n  containerEdits:\n" + edits +
		"containerEdits:\n  deviceNodes: [{path: /dev/nvidia0, type: c, major: 195, minor: 0}, {path: /dev/nvidiactl, type: c, major: 195, minor: 255}]\n"
}

// injected is what the library of CDI makes of a spec's device "0": the OCI spec that a container engine would run.
func injected(t *testing.T, text string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nvidia.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cache, err := cdi.NewCache(cdi.WithSpecDirs(dir), cdi.WithAutoRefresh(false))
	if err != nil {
		t.Fatal(err)
	}
	container := &oci.Spec{}
	if _, err := cache.InjectDevices(container, "nvidia.com/gpu=0"); err != nil {
		return "", err
	}
	out, err := json.Marshal(container)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), nil
}

// hostileHost is a host on which everything exists that the hostile specs name.
func hostileHost(t *testing.T) *gputest.Root {
	root := gputest.H100(t, t.TempDir(), 2)
	root.Node("/dev/mem", 1, 1)
	root.Node("/dev/fuse", 10, 229)
	root.Write("/proc/misc", "229 fuse\n 59 dxg\n")
	root.Node("/dev/block", 99, 0)
	devices, err := os.ReadFile(root.Path("/proc/devices"))
	if err != nil {
		t.Fatal(err)
	}
	root.Write("/proc/devices", string(devices)+" 99 nvidia\n")
	root.Write("/dev/file", "not a device")
	root.Link("/dev/link", "nvidia1")
	root.Link("/dev/folder", ".")
	root.Write("/etc/shadow", "secret")
	root.Write("/evil/payload.so", "\x7fELF")
	root.Write("/evil/libpayload.so.1", "\x7fELF")
	root.Link(gputest.Lib+"/libevil.so.1", "../../../evil/libpayload.so.1")
	root.Link(gputest.Lib+"/libprogram.so.1", "nvidia-ldconfig")
	root.Write(gputest.Lib+"/libfolder.so/file", "")
	root.Write(gputest.Lib+"/nvidia-ldconfig", "#!/bin/sh\n")
	if err := unix.Mkfifo(root.Path(gputest.Lib+"/libfifo.so.1"), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

const (
	ctk     = "options: [ro, nosuid, nodev, rbind, rprivate]"
	library = "/usr/lib/x86_64-linux-gnu/libcuda.so.580.95.05"
)

// Each asks for something that opens the box. The library of CDI puts it into the container (marker is in the OCI spec
// that it makes); here the name fails, or that part is refused and in neither the offer nor the plan.
func TestHostileEdits(t *testing.T) {
	root := hostileHost(t)
	host := root.Discover()
	for _, tt := range []struct {
		name, edits string
		marker      string // of what would get in
		fails       string // the error has this
		refused     string // or a refusal has this
	}{
		{"memory as a node", "    deviceNodes: [{path: /dev/mem, type: c, major: 1, minor: 1}]\n", "/dev/mem", "no GPU driver's", ""},
		{"memory under a GPU's name", "    deviceNodes: [{path: /dev/nvidia1, type: c, major: 1, minor: 1}]\n", `"major":1,`, "is 195:1, and the spec says 1:1", ""},
		{"a device that shares its number", "    deviceNodes: [{path: /dev/fuse, type: c, major: 10, minor: 229}]\n", "/dev/fuse", "is 10:229, which is no GPU driver's", ""},
		{"a number of block devices", "    deviceNodes: [{path: /dev/block, type: c, major: 99, minor: 0}]\n", "/dev/block", "is 99:0, which is no GPU driver's", ""},
		{"a disk", "    deviceNodes: [{path: /dev/sda, type: b, major: 8, minor: 0}]\n", "/dev/sda", "is of type b", ""},
		{"another GPU's numbers", "    deviceNodes: [{path: /dev/nvidia1, type: c, major: 195, minor: 7}]\n", `"minor":7`, "is 195:1, and the spec says 195:7", ""},
		{"a minor number alone", "    deviceNodes: [{path: /dev/nvidia1, minor: 7, type: c}]\n", "", "says 0:7", ""},
		{"a negative number", "    deviceNodes: [{path: /dev/nvidia1, type: c, major: -61, minor: 1}]\n", "/dev/nvidia1", "says -61:1", ""},
		{"a file as a node", "    deviceNodes: [{path: /dev/file, type: c, major: 195, minor: 1}]\n", "/dev/file", "is not a character device", ""},
		{"a link as a node", "    deviceNodes: [{path: /dev/link, type: c, major: 195, minor: 1}]\n", "/dev/link", "is not a character device", ""},
		{"a link above a node", "    deviceNodes: [{path: /dev/folder/nvidia1, type: c, major: 195, minor: 1}]\n", "/dev/folder", "too many levels of symbolic links", ""},
		{"a node that is not there", "    deviceNodes: [{path: /dev/nvidia9, type: c, major: 195, minor: 9}]\n", "/dev/nvidia9", "is not there", ""},
		{"a node below ..", "    deviceNodes: [{path: /dev/../dev/mem, type: c, major: 195, minor: 1}]\n", "/dev/../dev/mem", "not a plain path below /dev", ""},
		{"a node outside /dev", "    deviceNodes: [{path: /evil/nvidia1, type: c, major: 195, minor: 1}]\n", "/evil/nvidia1", "not a plain path below /dev", ""},
		{"/dev itself", "    deviceNodes: [{path: /dev, type: c, major: 195, minor: 1}]\n", `"/dev"`, "not a plain path below /dev", ""},
		{"a relative node", "    deviceNodes: [{path: dev/nvidia1, type: c, major: 195, minor: 1}]\n", "dev/nvidia1", "not a plain path below /dev", ""},
		{"a node under a program's name", "    deviceNodes: [{path: /usr/bin/python3, hostPath: /dev/nvidia1, type: c, major: 195, minor: 1}]\n", "/usr/bin/python3", "another name inside: /usr/bin/python3", ""},
		{"a pipe", "    deviceNodes: [{path: /dev/nvidia1, type: p}]\n", `"type":"p"`, "is of type p", ""},
		{"permissions that do not exist", "    deviceNodes: [{path: /dev/nvidia1, permissions: rwx}]\n", "", "unknown permissions", ""},
		{"a name that a terminal obeys", `    deviceNodes: [{path: "/dev/\e[2J", type: c, major: 195, minor: 1}]` + "\n", "/dev/", `device node "/dev/\x1b[2J" is not a plain path`, ""},

		{"the whole file system", "    mounts: [{hostPath: /, containerPath: /mnt, " + ctk + "}]\n", "/mnt", "", notLibrary},
		{"the whole file system as a library", "    mounts: [{hostPath: /, containerPath: " + library + ", " + ctk + "}]\n", library, "", "is not a regular file"},
		{"/etc", "    mounts: [{hostPath: /etc, containerPath: /etc, " + ctk + "}]\n", "/etc", "", notLibrary},
		{"a secret as a library", "    mounts: [{hostPath: /etc/shadow, containerPath: " + library + ", " + ctk + "}]\n", "/etc/shadow", "", notLibrary},
		{"a library below ..", "    mounts: [{hostPath: /usr/lib/x86_64-linux-gnu/../../../etc/shadow, containerPath: " + library + ", " + ctk + "}]\n", "../etc/shadow", "", "is not a plain path"},
		{"a target below ..", "    mounts: [{hostPath: " + library + ", containerPath: /usr/lib/../bin/python3, " + ctk + "}]\n", "../bin/python3", "", "is not a plain path"},
		{"a relative source", "    mounts: [{hostPath: evil/payload.so, containerPath: " + library + ", " + ctk + "}]\n", "evil/payload.so", "", "is not a plain path"},
		{"a link out of the folder", "    mounts: [{hostPath: /usr/lib/x86_64-linux-gnu/libevil.so.1, containerPath: /usr/lib/x86_64-linux-gnu/libevil.so.1, " + ctk + "}]\n", "libevil.so.1", "", notLibrary},
		{"a link to a program", "    mounts: [{hostPath: /usr/lib/x86_64-linux-gnu/libprogram.so.1, containerPath: /usr/lib/x86_64-linux-gnu/libprogram.so.1, " + ctk + "}]\n", "libprogram.so.1", "", notLibrary},
		{"a folder of libraries", "    mounts: [{hostPath: /usr/lib/x86_64-linux-gnu/libfolder.so, containerPath: /usr/lib/x86_64-linux-gnu/libfolder.so, " + ctk + "}]\n", "libfolder.so", "", "is not a regular file"},
		{"a pipe as a library", "    mounts: [{hostPath: /usr/lib/x86_64-linux-gnu/libfifo.so.1, containerPath: /usr/lib/x86_64-linux-gnu/libfifo.so.1, " + ctk + "}]\n", "libfifo.so.1", "", "is not a regular file"},
		{"a library that is not there", "    mounts: [{hostPath: /usr/lib/x86_64-linux-gnu/libnone.so.1, containerPath: /usr/lib/x86_64-linux-gnu/libnone.so.1, " + ctk + "}]\n", "libnone.so.1", "", "is not a regular file"},
		{"a program in the folder", "    mounts: [{hostPath: /usr/lib/x86_64-linux-gnu/nvidia-ldconfig, containerPath: /usr/lib/x86_64-linux-gnu/nvidia-ldconfig, " + ctk + "}]\n", "nvidia-ldconfig", "", notLibrary},
		{"over a program", "    mounts: [{hostPath: " + library + ", containerPath: /usr/bin/python3, " + ctk + "}]\n", "/usr/bin/python3", "", notLibrary},
		{"a library among programs", "    mounts: [{hostPath: " + library + ", containerPath: /usr/bin/libcuda.so.1, " + ctk + "}]\n", "/usr/bin/libcuda.so.1", "", notLibrary},
		{"over a program among libraries", "    mounts: [{hostPath: " + library + ", containerPath: /usr/lib/x86_64-linux-gnu/nvidia-ldconfig, " + ctk + "}]\n", "nvidia-ldconfig", "", notLibrary},
		{"over our own files", "    mounts: [{hostPath: " + library + ", containerPath: /.loadlock/init, " + ctk + "}]\n", "/.loadlock/init", "", notLibrary},
		{"over the loader's list", "    mounts: [{hostPath: " + library + ", containerPath: /etc/ld.so.preload, " + ctk + "}]\n", "/etc/ld.so.preload", "", notLibrary},
		{"over the root", "    mounts: [{hostPath: " + library + ", containerPath: /, " + ctk + "}]\n", `"destination":"/"`, "", notLibrary},
		{"without ro", "    mounts: [{hostPath: " + library + ", containerPath: " + library + ", options: [rbind, nosuid, nodev]}]\n", library, "", "is not read-only"},
		{"rw", "    mounts: [{hostPath: " + library + ", containerPath: " + library + ", options: [ro, rw, rbind]}]\n", `"rw"`, "", "has an option"},
		{"shared", "    mounts: [{hostPath: " + library + ", containerPath: " + library + ", options: [ro, rbind, rshared]}]\n", "rshared", "", "has an option"},
		{"slave", "    mounts: [{hostPath: " + library + ", containerPath: " + library + ", options: [ro, bind, slave]}]\n", "slave", "", "has an option"},
		{"devices on it", "    mounts: [{hostPath: " + library + ", containerPath: " + library + ", options: [ro, bind, dev]}]\n", `"dev"`, "", "has an option"},
		{"set-user-id on it", "    mounts: [{hostPath: " + library + ", containerPath: " + library + ", options: [ro, bind, suid]}]\n", `"suid"`, "", "has an option"},
		{"an overlay", "    mounts: [{hostPath: overlay, containerPath: /usr, type: overlay, options: ['lowerdir=/evil:/usr', ro]}]\n", "lowerdir=/evil", "", "is not a plain path"},
		{"a proc", "    mounts: [{hostPath: /proc, containerPath: /proc, type: proc, options: [ro]}]\n", `"type":"proc"`, "", "is not a bind"},

		{"LD_PRELOAD", "    env: [LD_PRELOAD=/evil/payload.so]\n", "LD_PRELOAD", "", "is not a variable that a GPU needs"},
		{"LD_LIBRARY_PATH", "    env: [LD_LIBRARY_PATH=/evil]\n", "LD_LIBRARY_PATH", "", "is not a variable"},
		{"PATH", "    env: [PATH=/evil]\n", "PATH=/evil", "", "is not a variable"},
		{"PYTHONSTARTUP", "    env: [PYTHONSTARTUP=/evil/x.py]\n", "PYTHONSTARTUP", "", "is not a variable"},
		{"CUDA_INJECTION64_PATH", "    env: [CUDA_INJECTION64_PATH=/evil/payload.so]\n", "CUDA_INJECTION64_PATH", "", "is not a variable"},
		{"a variable in a variable", `    env: ["NVIDIA_VISIBLE_DEVICES=0\nLD_PRELOAD=/evil/payload.so"]` + "\n", "LD_PRELOAD", "", "is not plain text"},
		{"a variable without a value", "    env: [LD_PRELOAD]\n", "", "", "is not a variable"},

		{"root's group", "    additionalGids: [0]\n", "", "", "is the group of root"},
		{"no group", "    additionalGids: [4294967295]\n", "4294967295", "", "is the group of root, or none"},

		{"a hook", "    hooks: [{hookName: createContainer, path: /evil/hook, args: [hook], env: [LD_PRELOAD=/proc/self/cwd/x.so]}]\n", "/evil/hook", "", "is never run"}, // CVE-2025-23266
		{"a hook on the host", "    hooks: [{hookName: prestart, path: /evil/hook}]\n", "/evil/hook", "", "is never run"},
		{"a hook at the end", "    hooks: [{hookName: poststop, path: /evil/hook}]\n", "/evil/hook", "", "is never run"},
		{"a network device", "    netDevices: [{hostInterfaceName: eth0, name: eth0}]\n", "eth0", "", "is never moved"},
		{"resource control", "    intelRdt: {closID: evil-group}\n", "evil-group", "", "is never set"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if there, err := injected(t, spec(tt.edits)); tt.marker != "" && (err != nil || !strings.Contains(there, tt.marker)) {
				t.Errorf("the library does not let it through, so this tests nothing: %v %s", err, there)
			}
			root.Write("/etc/cdi/nvidia.yaml", spec(tt.edits))
			specs := load(t, root)
			if len(specs.Problems) > 0 {
				t.Fatal(specs.Problems)
			}
			gpus, offers, err := specs.Select(host, []string{"nvidia.com/gpu=0"})
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) || len(gpus) > 0 {
					t.Errorf("%v, want %q", err, tt.fails)
				}
				return
			}
			if err != nil || len(gpus) != 1 {
				t.Fatalf("the GPU is lost for it: %v", err)
			}
			plan, err := gpu.NewPlan(gpu.Grant{Host: host, GPUs: gpus, Libraries: true})
			if err != nil {
				t.Fatal(err)
			}
			record := offers[0].Settle(plan)
			if len(record.Refused) != 1 || !strings.Contains(record.Refused[0].String(), tt.refused) || record.Refused[0].Count != 1 {
				t.Errorf("refused %q, want %q", record.Refused, tt.refused)
			}
			record.Refused, record.Specs = nil, nil
			if there, _ := json.Marshal(record); tt.marker != "" && tt.marker != library && strings.Contains(string(there), tt.marker) {
				t.Errorf("it is in the offer: %s", there)
			}
			plain, err := host.Select([]string{"0"})
			if err != nil {
				t.Fatal(err)
			}
			if without, err := gpu.NewPlan(gpu.Grant{Host: host, GPUs: plain, Libraries: true}); err != nil || !reflect.DeepEqual(plan, without) {
				t.Errorf("the plan is not that of --gpu 0: %v %v", plan, err)
			}
			specs.Strict = true
			if _, _, err := specs.Select(host, []string{"nvidia.com/gpu=0"}); err == nil || !strings.Contains(err.Error(), tt.refused) {
				t.Errorf("strict reading: %v", err)
			}
		})
	}
}

// What differs from the hostile specs in one thing is offered.
func TestNearMisses(t *testing.T) {
	root := hostileHost(t)
	host := root.Discover()
	for _, tt := range []struct{ name, edits, offered string }{
		{"the real numbers", "    deviceNodes: [{path: /dev/nvidia-uvm, major: 511}]\n", `"/dev/nvidia-uvm","major":511`},
		{"no numbers", "    deviceNodes: [{path: /dev/nvidia-uvm}]\n", `"/dev/nvidia-uvm","major":511`},
		{"a host path", "    deviceNodes: [{path: /dev/nvidia-uvm, hostPath: /dev/nvidia-uvm, type: u, permissions: rwm, fileMode: 438, uid: 0, gid: 0}]\n", `"/dev/nvidia-uvm","major":511`},
		{"a library", "    mounts: [{hostPath: " + library + ", containerPath: " + library + ", " + ctk + "}]\n", library},
		{"a library by its link", "    mounts: [{hostPath: /usr/lib/x86_64-linux-gnu/libcuda.so.1, containerPath: /usr/lib/x86_64-linux-gnu/libcuda.so.1, " + ctk + "}]\n", library},
		{"another folder inside", "    mounts: [{hostPath: " + library + ", containerPath: /usr/lib64/libcuda.so.1, type: bind, options: [bind, ro, noexec, private]}]\n", library},
		{"which GPUs", "    env: [NVIDIA_VISIBLE_DEVICES=void]\n", "NVIDIA_VISIBLE_DEVICES=void"},
		{"where the library is", "    env: [NVIDIA_CTK_LIBCUDA_DIR=/usr/lib/x86_64-linux-gnu]\n", "NVIDIA_CTK_LIBCUDA_DIR="},
		{"the group of nodes", "    additionalGids: [44]\n", `"gids":[44]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root.Write("/etc/cdi/nvidia.yaml", spec(tt.edits))
			specs := load(t, root)
			specs.Strict = true
			o, err := specs.Offer("nvidia.com/gpu=0", host)
			if err != nil {
				t.Fatal(err)
			}
			if there, _ := json.Marshal(o); !strings.Contains(string(there), tt.offered) {
				t.Errorf("%s is not in %s", tt.offered, there)
			}
		})
	}
}
