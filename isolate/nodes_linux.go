package isolate

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/isolate/gpu"
	"golang.org/x/sys/unix"
)

// node is a device node of the plan. It is held open (O_PATH, which opens no driver) from its check until the box was
// looked at: what exists inside under its name must be this very file.
type node struct {
	gpu.Node
	file *os.File
	stat unix.Stat_t
}

// checkNode looks at what has that path below root, which must be the node. No part of the path may be a link.
func checkNode(root, at string, n gpu.Node) (node, error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return node{}, fmt.Errorf("open %s: %w", root, err)
	}
	defer unix.Close(dir)
	fd, err := unix.Openat2(dir, strings.TrimPrefix(at, "/"), &unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_BENEATH})
	if err != nil {
		return node{}, fmt.Errorf("%s: %w", at, err)
	}
	checked := node{Node: n, file: os.NewFile(uintptr(fd), at)}
	if err = unix.Fstat(fd, &checked.stat); err == nil {
		err = checked.isPlanned()
	}
	if err != nil {
		checked.file.Close()
		return node{}, fmt.Errorf("%s: %w", at, err)
	}
	return checked, nil
}

func (n node) isPlanned() error {
	if n.stat.Mode&unix.S_IFMT != unix.S_IFCHR {
		return errors.New("not a character device")
	}
	if major, minor := unix.Major(n.stat.Rdev), unix.Minor(n.stat.Rdev); major != n.Major || minor != n.Minor {
		return fmt.Errorf("device %d:%d, the driver's is %d:%d", major, minor, n.Major, n.Minor)
	}
	return nil
}

const (
	remedyNode = "loadlock doctor --gpu says which nodes the driver has; ls -l shows what is there"
	remedyMode = "let others use it (NVIDIA: the module option NVreg_DeviceFileMode=0666; else a udev rule with MODE=\"0666\"), " +
		"or give it to a group that is not root's: as root, loadlock gives the command that group alone; as another user, be a member of it"
	remedyRoot = "run loadlock as an ordinary user, or as root outside of the user namespace it is in now"
)

// takeNodes opens and checks the nodes of the plan, and finds out which groups the command needs to use them. It is the
// last word before anything starts: what cannot be used is refused here.
func (b *Box) takeNodes() error {
	if !b.spec.GPU.Granted() {
		return nil
	}
	if b.spec.Host.Rootless && b.spec.Host.UID == 0 && rootIsHostRoot() {
		return &LayerError{Layer: userLayer.Name, Remedy: remedyRoot, Err: errHostRoot}
	}
	for _, n := range b.spec.GPU.Nodes {
		checked, err := checkNode("/", nodeSource(n), n)
		if err != nil {
			return &LayerError{Layer: mountLayer.Name, Remedy: remedyNode, Err: err}
		}
		b.nodes = append(b.nodes, checked)
		if err := b.spec.Host.reach(checked); err != nil {
			return &LayerError{Layer: userLayer.Name, Remedy: remedyMode, Err: err}
		}
	}
	return nil
}

var errHostRoot = errors.New("a command with a GPU must not run as root of the host: the driver gives root what it gives nobody else")

// reach makes sure that the command may read and write the node. An ordinary user's groups stay the command's. As root, the
// command has an id that is nobody's, and gets the group of the node where the mode asks for that.
func (h *Host) reach(n node) error {
	if h.Rootless && h.UID != 0 {
		err := unix.Faccessat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", n.file.Fd()), unix.R_OK|unix.W_OK, unix.AT_EACCESS)
		if err != nil {
			return fmt.Errorf("%s (mode %#o, user %d, group %d) is not yours to use: %w", n.Path, n.stat.Mode&0o777, n.stat.Uid, n.stat.Gid, err)
		}
		return nil
	}
	const others, group = 0o006, 0o060
	gid := n.stat.Gid
	switch {
	case n.stat.Mode&others == others, slices.Contains(h.NodeGroups, gid):
		return nil
	case n.stat.Mode&group != group || gid == 0 || h.Rootless || h.Limited || !idMap("gid").has(gid):
		return fmt.Errorf("%s has mode %#o, user %d, group %d: the command could not open it", n.Path, n.stat.Mode&0o777, n.stat.Uid, gid)
	}
	h.NodeGroups = append(h.NodeGroups, gid)
	return nil
}

// Groups are host groups that New found the command to need for a granted node, and that it is therefore a member of.
func (b *Box) Groups() []uint32 { return b.spec.Host.NodeGroups }

// observeNodes compares the nodes inside with those that were checked. Nothing of the command has run, so what is found
// inside is what the box was given.
func (b *Box) observeNodes() error {
	defer b.dropNodes()
	for _, n := range b.nodes {
		if err := n.observe(b.Root()); err != nil {
			return &LayerError{Layer: mountLayer.Name, Remedy: remedyNode, Err: fmt.Errorf("inside the sandbox, %w", err)}
		}
	}
	if len(b.spec.GPU.Proc) == 0 {
		return nil
	}
	if err := observeDriver(b.Root(), b.spec.GPU.Proc); err != nil {
		return &LayerError{Layer: mountLayer.Name, Remedy: "report this: the sandbox's own /proc/driver is not in place", Err: err}
	}
	return nil
}

func (n node) observe(root string) error {
	inside, err := checkNode(root, n.Path, n.Node)
	if err != nil {
		return err
	}
	defer inside.file.Close()
	if inside.stat.Dev != n.stat.Dev || inside.stat.Ino != n.stat.Ino {
		return fmt.Errorf("%s is another file than the one that was checked", n.Path)
	}
	var mnt unix.Statfs_t
	if err := unix.Fstatfs(int(inside.file.Fd()), &mnt); err != nil {
		return fmt.Errorf("%s: statfs: %w", n.Path, err)
	}
	const locked = unix.ST_RDONLY | unix.ST_NOSUID | unix.ST_NOEXEC
	switch {
	case mnt.Flags&unix.ST_NODEV != 0:
		return fmt.Errorf("%s lies on a mount with nodev: it could not be opened", n.Path)
	case mnt.Flags&locked != locked:
		return fmt.Errorf("%s is mounted with flags %#x, without one of ro, nosuid, noexec", n.Path, mnt.Flags)
	}
	return nil
}

func (b *Box) dropNodes() {
	for _, n := range b.nodes {
		n.file.Close()
	}
	b.nodes = nil
}
