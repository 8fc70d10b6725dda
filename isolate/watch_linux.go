package isolate

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Lookup is a path that permitted calls of the workload named, as it is inside the box.
type Lookup struct {
	Path    string `json:"path"`    // absolute; names are the workload's choice
	Missing bool   `json:"missing"` // did not exist inside when it was first named
	Write   bool   `json:"write"`   // was to be written, created or made
	Exec    bool   `json:"exec"`    // was to be executed
	Socket  bool   `json:"socket"`  // was to be connected to
	Count   int64  `json:"count"`
}

// Watched is what learn mode saw.
type Watched struct {
	Lookups   []Lookup // sorted by path
	More      int64    // lookups of paths beyond those
	Processes bool     // the command started processes, not only threads
	Memfd     bool     // it made files in memory, which code generators map
}

// watch notes what a command does. It is bounded: maxLookups paths, and what was not noted is counted.
type watch struct {
	mu      sync.Mutex
	lookups map[string]*Lookup
	seen    Watched // without Lookups
}

const (
	maxLookups = 50_000
	maxPath    = unix.PathMax
)

// pathArg says where a call has its folder (−1: the working directory) and its path.
type pathArg struct {
	dir, path int
	flags     int // index of open(2)'s flags; 0: none
	write     bool
	exec      bool
}

var pathArgs = map[string]pathArg{
	"open": {dir: -1, path: 0, flags: 1}, "openat": {dir: 0, path: 1, flags: 2}, "creat": {dir: -1, path: 0, write: true},
	"stat": {dir: -1}, "lstat": {dir: -1}, "newfstatat": {dir: 0, path: 1}, "statx": {dir: 0, path: 1},
	"access": {dir: -1}, "faccessat": {dir: 0, path: 1}, "faccessat2": {dir: 0, path: 1},
	"readlink": {dir: -1}, "readlinkat": {dir: 0, path: 1}, "chdir": {dir: -1},
	"execve": {dir: -1, exec: true}, "mkdir": {dir: -1, write: true}, "mkdirat": {dir: 0, path: 1, write: true},
}

// look notes the path that a waiting thread names. Everything about the thread is read while it waits, and dropped
// when it no longer does: its number may then be another's.
func (w *watch) look(tid int, call string, args [6]uint64, waits func() bool) {
	var (
		at  Lookup
		err error
	)
	switch a, ok := pathArgs[call]; {
	case ok:
		at, err = a.read(tid, args)
	case call == "connect", call == "bind":
		at, err = socketPath(tid, args, call == "bind")
	default:
		w.use(call, args)
		return
	}
	if err != nil || at.Path == "" || !waits() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.lookups[at.Path]
	switch {
	case old != nil:
		old.Count++
		old.Write, old.Exec, old.Socket = old.Write || at.Write, old.Exec || at.Exec, old.Socket || at.Socket
	case len(w.lookups) >= maxLookups:
		w.seen.More++
	default:
		at.Count = 1
		w.lookups[at.Path] = &at
	}
}

// use notes a call that names no path.
func (w *watch) use(call string, args [6]uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen.Processes = w.seen.Processes || call == "fork" || call == "vfork" || call == "clone" && args[0]&unix.CLONE_THREAD == 0
	w.seen.Memfd = w.seen.Memfd || call == "memfd_create"
}

// read takes the path out of the thread's memory, makes it absolute, and looks whether it exists inside.
func (a pathArg) read(tid int, args [6]uint64) (at Lookup, err error) {
	name, err := textOf(tid, args[a.path])
	if err != nil || name == "" {
		return at, err
	}
	at = Lookup{Write: a.write, Exec: a.exec}
	if a.flags > 0 {
		at.Write = args[a.flags]&(unix.O_WRONLY|unix.O_RDWR|unix.O_CREAT|unix.O_TRUNC) != 0
	}
	if !filepath.IsAbs(name) {
		folder := fmt.Sprintf("/proc/%d/cwd", tid)
		if fd := int32(uint32(args[max(a.dir, 0)])); a.dir >= 0 && fd != unix.AT_FDCWD {
			folder = fmt.Sprintf("/proc/%d/fd/%d", tid, fd)
		}
		if folder, err = os.Readlink(folder); err != nil || !filepath.IsAbs(folder) {
			return at, err
		}
		name = folder + "/" + name
	}
	at.Path = filepath.Clean(name)
	at.Missing, err = missingInside(tid, at.Path)
	return at, err
}

// missingInside resolves a path as the thread's root sees it, never beyond it.
func missingInside(tid int, name string) (bool, error) {
	root, err := unix.Open(fmt.Sprintf("/proc/%d/root", tid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, err
	}
	defer unix.Close(root)
	fd, err := unix.Openat2(root, name, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS})
	if err == nil {
		unix.Close(fd)
		return false, nil
	}
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR), nil
}

// socketPath is the path of an AF_UNIX address; other families have none.
func socketPath(tid int, args [6]uint64, bind bool) (at Lookup, err error) {
	raw, err := bytesOf(tid, args[1], int(min(args[2], 110)))
	if err != nil || len(raw) < 3 || binary.NativeEndian.Uint16(raw) != unix.AF_UNIX || raw[2] == 0 {
		return at, err // no path, or a name of the abstract space
	}
	name, _, _ := bytes.Cut(raw[2:], []byte{0})
	if !filepath.IsAbs(string(name)) {
		return at, nil
	}
	at = Lookup{Path: filepath.Clean(string(name)), Socket: true, Write: bind}
	at.Missing, err = missingInside(tid, at.Path)
	return at, err
}

// textOf reads a string of C, page by page: it may end just before memory that is not there.
func textOf(tid int, address uint64) (string, error) {
	var text strings.Builder
	for text.Len() < maxPath {
		step := min(4096-int(address%4096), maxPath-text.Len())
		raw, err := bytesOf(tid, address, step)
		if err != nil {
			return "", err
		}
		part, _, ended := bytes.Cut(raw, []byte{0})
		text.Write(part)
		if ended {
			return text.String(), nil
		}
		address += uint64(step)
	}
	return "", unix.ENAMETOOLONG
}

func bytesOf(tid int, address uint64, n int) ([]byte, error) {
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", tid))
	if err != nil {
		return nil, err
	}
	defer mem.Close()
	raw := make([]byte, n)
	if address > 1<<62 {
		return nil, unix.EFAULT
	}
	_, err = mem.ReadAt(raw, int64(address))
	return raw, err
}

// Watched is what learn mode has seen until now; the zero value without learn mode.
func (b *Box) Watched() (seen Watched) {
	if b.watch == nil {
		return seen
	}
	b.watch.mu.Lock()
	defer b.watch.mu.Unlock()
	seen = b.watch.seen
	for _, l := range b.watch.lookups {
		seen.Lookups = append(seen.Lookups, *l)
	}
	slices.SortFunc(seen.Lookups, func(a, b Lookup) int { return cmp.Compare(a.Path, b.Path) })
	return seen
}
