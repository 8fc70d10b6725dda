package cdi

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/loadlock/loadlock/isolate/gpu"
	"golang.org/x/sys/unix"
	specs "tags.cncf.io/container-device-interface/specs-go"
)

// gpuDrivers are the drivers of GPUs, as /proc/devices and, for dxg, /proc/misc call them.
var gpuDrivers = []string{"nvidia", "nvidia-frontend", "nvidiactl", "nvidia-uvm", "nvidia-caps", "kfd", "drm", "dxg"}

// miscMajor is that of drivers with a single device, which /proc/misc lists by minor number (misc(4); admin-guide/devices.txt).
const miscMajor = 10

// table says which drivers own a number.
type table struct {
	major map[uint32][]string // NVIDIA's registers several names with one number
	misc  map[uint32][]string // by minor number
}

func drivers(root string) (table, error) {
	devices, err := os.ReadFile(filepath.Join(root, "/proc/devices"))
	if err != nil {
		return table{}, fmt.Errorf("CDI: %w", err)
	}
	characters, _, _ := strings.Cut(string(devices), "\nBlock devices:")
	misc, err := os.ReadFile(filepath.Join(root, "/proc/misc"))
	if err != nil && !absent(err) {
		return table{}, fmt.Errorf("CDI: %w", err)
	}
	return table{numbered(characters), numbered(string(misc))}, nil
}

// numbered reads lines such as "195 nvidia".
func numbered(text string) map[uint32][]string {
	out := map[uint32][]string{}
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 2 {
			if n, err := strconv.ParseUint(f[0], 10, 20); err == nil {
				out[uint32(n)] = append(out[uint32(n)], f[1])
			}
		}
	}
	return out
}

// gpu is the GPU driver that owns a device, and "" when another does.
func (t table) gpu(major, minor uint32) string {
	names := t.major[major]
	if major == miscMajor {
		names = t.misc[minor]
	}
	for _, name := range names {
		if slices.Contains(gpuDrivers, name) {
			return name
		}
	}
	return ""
}

// node checks one device node of a spec against the host.
func node(root string, look lookup, t table, d *specs.DeviceNode) (Node, error) {
	name := d.HostPath
	if name == "" {
		name = d.Path
	}
	switch {
	case !clean(name) || !strings.HasPrefix(name, "/dev/"):
		return Node{}, errors.New("is not a plain path below /dev")
	case d.Path != name:
		return Node{}, fmt.Errorf("would have another name inside: %s", shown(d.Path))
	case d.Type != "" && d.Type != "c" && d.Type != "u":
		return Node{}, fmt.Errorf("is of type %s; a GPU's are character devices", shown(d.Type))
	case strings.Trim(d.Permissions, "rwm") != "" && d.Permissions != "none":
		return Node{}, fmt.Errorf("has unknown permissions %s", shown(d.Permissions))
	}
	in, err := look(root, name)
	if absent(err) {
		return Node{}, errors.New("is not there; the spec is older than this host's devices, or the driver is not loaded")
	}
	if err != nil {
		return Node{}, err
	}
	if !in.CharDevice {
		return Node{}, errors.New("is not a character device")
	}
	n := Node{Path: name, Major: in.Major, Minor: in.Minor}
	if (d.Major != 0 || d.Minor != 0) && (d.Major != int64(n.Major) || d.Minor != int64(n.Minor)) {
		return Node{}, fmt.Errorf("is %d:%d, and the spec says %d:%d; write the spec anew", n.Major, n.Minor, d.Major, d.Minor)
	}
	if n.Driver = t.gpu(n.Major, n.Minor); n.Driver == "" {
		return Node{}, fmt.Errorf("is %d:%d, which is no GPU driver's in /proc/devices", n.Major, n.Minor)
	}
	return n, nil
}

// lookup says what is at a path below root.
type lookup func(root, name string) (gpu.Inode, error)

// inode is the lookup in use. No part of the path may be a link.
func inode(root, name string) (gpu.Inode, error) {
	fd, err := openIn(root, name, unix.O_PATH|unix.O_NOFOLLOW, unix.RESOLVE_NO_SYMLINKS)
	if err != nil {
		return gpu.Inode{}, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return gpu.Inode{}, err
	}
	return gpu.Inode{CharDevice: st.Mode&unix.S_IFMT == unix.S_IFCHR, Major: unix.Major(st.Rdev), Minor: unix.Minor(st.Rdev)}, nil
}

// openIn opens a path below root as if root were "/", openat2(2): links cannot lead out of a test's folder.
func openIn(root, name string, flags int, resolve uint64) (int, error) {
	top, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(top)
	return unix.Openat2(top, name, &unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: unix.RESOLVE_IN_ROOT | resolve})
}

// clean reports whether a path is absolute and says plainly where it leads.
func clean(name string) bool {
	return path.IsAbs(name) && path.Clean(name) == name && shown(name) == name
}
