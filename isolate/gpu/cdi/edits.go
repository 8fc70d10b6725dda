package cdi

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
	specs "tags.cncf.io/container-device-interface/specs-go"
)

// libraryFolders are where distributions keep a driver's libraries; discovery adds those that it found.
var libraryFolders = []string{
	"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib",
	"/usr/lib/x86_64-linux-gnu/nvidia/current", "/usr/lib/aarch64-linux-gnu/nvidia/current", "/usr/lib/wsl/lib",
}

// mountOptions are those of a private read-only bind. "ro" must be among them.
var mountOptions = []string{"ro", "nosuid", "nodev", "noexec", "bind", "rbind", "private", "rprivate"}

// variables are those that say which GPUs there are and where the driver's library is. The plan sets its own.
var variables = []string{"NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "NVIDIA_CTK_LIBCUDA_DIR", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"}

// judge sorts the edits of a spec into what is offered and what is refused.
type judge struct {
	root      string
	look      lookup
	drivers   table
	libraries []string // folders
	offer     *Offer
}

// edits judges one list of edits. The error is about a node: nodes say which GPU is meant.
func (j judge) edits(e specs.ContainerEdits) error {
	for _, d := range e.DeviceNodes {
		n, err := node(j.root, j.look, j.drivers, d)
		if err != nil {
			return fmt.Errorf("device node %s %w", shown(cmp.Or(d.HostPath, d.Path)), err)
		}
		if !slices.Contains(j.offer.Nodes, n) {
			j.offer.Nodes = append(j.offer.Nodes, n)
		}
	}
	for _, m := range e.Mounts {
		if library, reason := j.mount(m); reason != "" {
			j.offer.refuse("mount", reason, m.HostPath)
		} else if !slices.Contains(j.offer.Mounts, library) {
			j.offer.Mounts = append(j.offer.Mounts, library)
		}
	}
	for _, v := range e.Env {
		if reason := variable(v); reason != "" {
			name, _, _ := strings.Cut(v, "=")
			j.offer.refuse("env", reason, name)
		} else if !slices.Contains(j.offer.Env, v) {
			j.offer.Env = append(j.offer.Env, v)
		}
	}
	for _, gid := range e.AdditionalGIDs {
		if gid == 0 || gid == 1<<32-1 {
			j.offer.refuse("gid", "is the group of root, or none", strconv.FormatUint(uint64(gid), 10))
		} else if !slices.Contains(j.offer.GIDs, gid) {
			j.offer.GIDs = append(j.offer.GIDs, gid)
		}
	}
	for _, h := range e.Hooks {
		j.offer.refuse("hook", "is never run", h.Path)
	}
	for _, n := range e.NetDevices {
		j.offer.refuse("netDevice", "is never moved", n.HostInterfaceName)
	}
	if e.IntelRdt != nil {
		j.offer.refuse("intelRdt", "is never set", e.IntelRdt.ClosID)
	}
	return nil
}

// mount is the library that is offered, or why none is.
func (j judge) mount(m *specs.Mount) (library, reason string) {
	switch {
	case !clean(m.HostPath) || !clean(m.ContainerPath):
		return "", "is not a plain path"
	case m.Type != "" && m.Type != "bind" && m.Type != "none":
		return "", "is not a bind"
	case slices.ContainsFunc(m.Options, func(o string) bool { return !slices.Contains(mountOptions, o) }):
		return "", "has an option that a private read-only bind has not"
	case !slices.Contains(m.Options, "ro"):
		return "", "is not read-only"
	}
	folders := slices.Concat(libraryFolders, j.libraries)
	if !slices.Contains(folders, path.Dir(m.ContainerPath)) || !sharedLibrary(path.Base(m.ContainerPath)) {
		return "", notLibrary
	}
	real, err := realFile(j.root, m.HostPath)
	if err != nil {
		return "", "is not a regular file of this host"
	}
	if !slices.Contains(folders, path.Dir(real)) || !sharedLibrary(path.Base(real)) {
		return "", notLibrary
	}
	return real, ""
}

// sharedLibrary reports whether a name is one such as libcuda.so.580.95.05.
func sharedLibrary(name string) bool {
	stem, version, ok := strings.Cut(name, ".so")
	return ok && strings.HasPrefix(stem, "lib") && strings.Trim(version, ".0123456789") == ""
}

const notLibrary = "is not a library in a folder of driver libraries"

// realFile is where a regular file really lies, as a path below root.
func realFile(root, name string) (string, error) {
	fd, err := openIn(root, name, unix.O_PATH, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return "", unix.EINVAL
	}
	real, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return "", err
	}
	top, err := filepath.EvalSymlinks(root)
	if err != nil {
		return "", err
	}
	below, err := filepath.Rel(top, real)
	return path.Join("/", below), err
}

func variable(v string) (reason string) {
	name, value, ok := strings.Cut(v, "=")
	switch {
	case !ok || !slices.Contains(variables, name):
		return "is not a variable that a GPU needs"
	case shown(value) != value:
		return "has a value that is not plain text"
	}
	return ""
}

func (o *Offer) refuse(what, reason, name string) {
	for i, r := range o.Refused {
		if r.What == what && r.Reason == reason {
			o.Refused[i].Count++
			return
		}
	}
	o.Refused = append(o.Refused, Refusal{What: what, Reason: reason, Count: 1, First: shown(name)})
}
