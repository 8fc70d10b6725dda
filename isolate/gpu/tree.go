package gpu

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// tree is the host's files below a root. Every reading is bounded: a hostile or broken file system may neither exhaust
// memory nor lead out of the root.
type tree struct {
	root string
	stat Stat
	left int64 // of maxBytes
}

// Stat says what is at a path of the host, without following a link there.
type Stat func(name string) (Inode, error)

// Inode is what a device node is known by.
type Inode struct {
	CharDevice   bool
	Major, Minor uint32
}

// Lstat is the Stat in use.
func Lstat(name string) (Inode, error) {
	var st unix.Stat_t
	if err := unix.Lstat(name, &st); err != nil {
		return Inode{}, err
	}
	return Inode{st.Mode&unix.S_IFMT == unix.S_IFCHR, unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))}, nil
}

// Most bytes of a file, entries of a folder, links on a path.
const (
	maxBytes     = 64 << 20 // of all files together, each counted with perFile
	perFile      = 256
	maxAttribute = 64 << 10 // a file of sysfs has at most a page, but for KFD's and MIG's lists
	maxList      = 1 << 20  // /proc/driver/nvidia-caps/mig-minors: 32 GPUs × 15 instances × 9 rows of 25 bytes
	maxCache     = 16 << 20 // ld.so.cache
	maxEntries   = 4 << 10
	maxLinks     = 40 // as the kernel
)

var errTooMuch = fmt.Errorf("more than %d MiB in the files of GPUs below /proc and /sys", maxBytes>>20)

// host is where a path of the tree is on this machine.
func (t *tree) host(name string) string { return path.Join(t.root, name) }

// real resolves every link of a path, absolute ones below the root, as if the root were "/".
func (t *tree) real(name string) (string, error) {
	at, left := "/", strings.Split(name, "/")
	for links := 0; len(left) > 0; {
		next := path.Join(at, left[0])
		left = left[1:]
		target, err := os.Readlink(t.host(next))
		if errors.Is(err, unix.EINVAL) { // there, and no link
			at = next
			continue
		}
		if err != nil {
			return "", err
		}
		if links++; links > maxLinks || len(left) > maxEntries {
			return "", &fs.PathError{Op: "readlink", Path: name, Err: unix.ELOOP}
		}
		if path.IsAbs(target) {
			at = "/"
		}
		left = slices.Concat(strings.Split(target, "/"), left)
	}
	return at, nil
}

// text is the content of a regular file of at most so many bytes.
func (t *tree) text(name string, most int64) (string, error) {
	raw, err := t.head(name, most+1)
	if err == nil && int64(len(raw)) > most {
		err = &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("more than %d bytes", most)}
	}
	return raw, err
}

// head is the beginning of a regular file.
func (t *tree) head(name string, most int64) (string, error) {
	at, err := t.real(name)
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(t.host(at), os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return "", errors.Join(err, &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")})
	}
	if t.left -= perFile; t.left <= 0 {
		return "", errTooMuch
	}
	raw, err := io.ReadAll(io.LimitReader(f, min(most, t.left)))
	if t.left -= int64(len(raw)); t.left <= 0 {
		return "", errTooMuch
	}
	return string(raw), err
}

// attribute is the one line of a file of sysfs, or "".
func (t *tree) attribute(name string) string {
	s, err := t.text(name, maxAttribute)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(s)
}

// list is the sorted names in a folder; none when it is absent.
func (t *tree) list(name string) ([]string, error) {
	at, err := t.real(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(t.host(at), os.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(names) > maxEntries {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fmt.Errorf("more than %d entries", maxEntries)}
	}
	slices.Sort(names)
	return names, nil
}

// node checks a device node: a character device of just these numbers, in a folder that is no link.
func (t *tree) node(name string, major, minor uint32, why string) (Node, error) {
	n := Node{Path: name, Major: major, Minor: minor, Why: why}
	if t.root != "/" {
		n.Source = t.host(name)
	}
	if dir, err := t.real(path.Dir(name)); err != nil {
		return n, err
	} else if dir != path.Dir(name) {
		return n, fmt.Errorf("%s is a link", path.Dir(name))
	}
	st, err := t.stat(t.host(name))
	switch {
	case err != nil:
		return n, err
	case !st.CharDevice:
		return n, errors.New("not a character device")
	case st.Major != major || st.Minor != minor:
		return n, fmt.Errorf("is device %d:%d, and the driver's is %d:%d", st.Major, st.Minor, major, minor)
	}
	return n, nil
}
