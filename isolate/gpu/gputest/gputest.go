// Package gputest makes folders that look like hosts with GPUs, for the tests of packages that discover, plan and bind.
package gputest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu"
	"golang.org/x/sys/unix"
)

// Root is a folder that looks like a host's "/". Its methods change it, for hosts that are damaged; paths are those of
// the host.
type Root struct {
	Dir string
	t   testing.TB
}

// New is an empty host below a folder: one with no GPU. Where this process may make device nodes there (root, and no
// nodev), those of the hosts in this package are real, with no driver behind them: open(2) says ENXIO. Otherwise they
// are files that only Discover of this package takes for nodes.
func New(t testing.TB, dir string) *Root {
	t.Helper()
	r := &Root{Dir: dir, t: t}
	r.Write("/proc/devices", devices())
	r.Write("/proc/sys/kernel/osrelease", "6.12.0-example\n")
	r.Write("/proc/misc", "234 btrfs-control\n")
	for _, f := range []string{"cpu/online", "cpu/possible", "cpu/present", "node/online", "node/possible"} {
		r.Write("/sys/devices/system/"+f, "0\n")
	}
	r.Write("/sys/devices/system/memory/block_size_bytes", "80000000\n")
	r.Write("/sys/bus/pci/uevent", "")
	r.Write("/etc/hostname", "host\n")
	return r
}

// Discover is gpu.Discover on the folder.
func (r *Root) Discover() gpu.Host {
	r.t.Helper()
	h, err := gpu.DiscoverBy(r.Dir, Stat)
	if err != nil {
		r.t.Fatal(err)
	}
	return h
}

// Plan is the plan of the GPUs that words name, with nothing else in the grant.
func (r *Root) Plan(words ...string) gpu.Plan {
	r.t.Helper()
	h := r.Discover()
	gpus, err := h.Select(words)
	if err != nil {
		r.t.Fatal(err)
	}
	p, err := gpu.NewPlan(gpu.Grant{Host: h, GPUs: gpus})
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// Real reports whether the nodes are real.
func (r *Root) Real(name string) bool {
	in, err := gpu.Lstat(r.Path(name))
	return err == nil && in.CharDevice
}

// Path is where a file of the host is.
func (r *Root) Path(name string) string { return filepath.Join(r.Dir, name) }

// Write makes a file, and its folders.
func (r *Root) Write(name, text string) {
	r.t.Helper()
	r.make(name, func(at string) error { return os.WriteFile(at, []byte(text), 0o644) })
}

// Link makes a link.
func (r *Root) Link(name, target string) {
	r.t.Helper()
	r.make(name, func(at string) error { return os.Symlink(target, at) })
}

// Remove takes a file, or a folder with all that it holds, away.
func (r *Root) Remove(name string) {
	r.t.Helper()
	if err := os.RemoveAll(r.Path(name)); err != nil {
		r.t.Fatal(err)
	}
}

// pretended is the first word of a file that stands for a character device.
const pretended = "character-device"

// Node makes a character device, mode 0666, or a file that Stat takes for one.
func (r *Root) Node(name string, major, minor uint32) {
	r.t.Helper()
	r.make(name, func(at string) error {
		if unix.Mknod(at, unix.S_IFCHR|0o666, int(unix.Mkdev(major, minor))) == nil {
			return os.Chmod(at, 0o666)
		}
		return os.WriteFile(at, fmt.Appendf(nil, "%s %d %d", pretended, major, minor), 0o666)
	})
}

func (r *Root) make(name string, with func(at string) error) {
	r.t.Helper()
	at := r.Path(name)
	err := os.MkdirAll(filepath.Dir(at), 0o755)
	if err == nil {
		err = os.RemoveAll(at)
	}
	if err == nil {
		err = with(at)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// Stat is gpu.Lstat, and takes the files that Node wrote for devices.
func Stat(name string) (gpu.Inode, error) {
	in, err := gpu.Lstat(name)
	if err != nil || in.CharDevice {
		return in, err
	}
	if st, err := os.Lstat(name); err != nil || !st.Mode().IsRegular() || st.Size() > 64 {
		return in, err
	}
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrPermission) {
		return in, nil
	}
	var major, minor uint32
	if n, _ := fmt.Sscanf(string(raw), pretended+" %d %d", &major, &minor); n == 2 {
		return gpu.Inode{CharDevice: true, Major: major, Minor: minor}, nil
	}
	return in, err
}

// devices is /proc/devices with drivers beside the usual.
func devices(more ...string) string {
	return "Character devices:\n  1 mem\n  4 /dev/vc/0\n  4 tty\n  5 /dev/tty\n 10 misc\n136 pts\n" + strings.Join(more, "") +
		"\nBlock devices:\n  7 loop\n259 blkext\n"
}
