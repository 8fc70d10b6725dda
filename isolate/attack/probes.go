package attack

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What many checks do.

// notThere is a probe for what must not exist inside.
func notThere(name string, try func(*Inside) string) Probe {
	return Probe{Name: name, Try: try, Want: Saw{"ENOENT": "mount"}, Through: []string{"through"}}
}

// readOnly is a probe that writes where a mount is read-only and Landlock permits no writing either.
func readOnly(name string, try func(*Inside) string) Probe {
	return Probe{Name: name, Try: try, Want: Saw{"EROFS": "mount", "EACCES": "landlock"}, Through: []string{"through"}}
}

func (c Canary) modelFile() string { return filepath.Join(c.Model, "model.safetensors") }

// create makes a file and removes it again.
func create(name string) string {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err == nil {
		f.Close()
		err = os.Remove(name)
	}
	return Errno(err)
}

func makeFolder(name string) string {
	err := os.Mkdir(name, 0o755)
	if err == nil {
		err = os.Remove(name)
	}
	return Errno(err)
}

// list opens a folder and reads a name.
func list(dir string) string {
	f, err := os.Open(dir)
	if err != nil {
		return Errno(err)
	}
	defer f.Close()
	if _, err = f.Readdirnames(1); errors.Is(err, io.EOF) {
		return "empty"
	}
	return Errno(err)
}

func there(name string) string {
	_, err := os.Lstat(name)
	return Errno(err)
}

func fileSystem(name string) string {
	var st unix.Statfs_t
	if err := unix.Statfs(name, &st); err != nil {
		return Errno(err)
	}
	if st.Type != unix.PROC_SUPER_MAGIC {
		return "other"
	}
	return "procfs"
}

// leadOut looks for descriptors that lead to a file; those of the Go runtime do not.
func leadOut(*Inside) string {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return Errno(err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return Errno(err)
	}
	for _, n := range names {
		fd, err := strconv.Atoi(n)
		if err != nil || fd < 3 || fd == int(dir.Fd()) {
			continue
		}
		if at, err := os.Readlink("/proc/self/fd/" + n); err == nil && strings.HasPrefix(at, "/") && !strings.HasPrefix(at, goCgroup) {
			return "through"
		}
	}
	return "none"
}

// workingFolder says whether the kernel can name the working folder from the root.
func workingFolder(*Inside) string {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Getcwd(buf)
	if err != nil {
		return Errno(err)
	}
	if n == 0 || buf[0] != '/' { // "(unreachable)/…", getcwd(2)
		return "outside"
	}
	return "inside"
}

// device makes a node for /dev/kmsg, which everybody on a host may see, and opens it.
func device(in *Inside) string {
	at := "/tmp/" + in.Mark + "-device"
	if err := unix.Mknod(at, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 11))); err != nil {
		return "mknod-" + Errno(err)
	}
	defer os.Remove(at)
	fd, err := unix.Open(at, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return "open-" + Errno(err)
	}
	unix.Close(fd)
	return "through"
}

// maskOf says what lies at a masked path.
func maskOf(name string) string {
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil {
		return Errno(err)
	}
	if st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == unix.Mkdev(1, 3) {
		return "null-device"
	}
	return "other"
}

// freshTmp looks in one run for what another one left in /tmp.
func freshTmp(h *Host) string {
	left := "/tmp/" + h.Mark + "-left"
	if err := h.Loadlock("--", "/bin/sh", "-c", "echo x > "+left).Run(); err != nil {
		return "error"
	}
	if h.Loadlock("--", "/bin/sh", "-c", "test ! -e "+left).Run() != nil || exists(left) {
		return "through"
	}
	return "fresh"
}

// engineFixed says whether the engine that is compiled in is newer than its known holes: CVE-2025-31133, -52565 and
// -52881 are fixed in 1.2.8, 1.3.3 and 1.4.0.
func engineFixed() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, d := range info.Deps {
		if d.Path != "github.com/opencontainers/runc" {
			continue
		}
		major, minor, ok := strings.Cut(strings.TrimPrefix(d.Version, "v"), ".")
		minor, _, _ = strings.Cut(minor, ".")
		n, err := strconv.Atoi(minor)
		if !ok || err != nil || major != "1" || n < 4 || strings.HasPrefix(d.Version, "v1.4.0-") {
			return "old"
		}
		return "fixed"
	}
	return "unknown"
}
