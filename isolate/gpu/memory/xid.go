package memory

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Xids counts the errors of NVIDIA GPUs (Xid, NVIDIA's "Xid Errors") that the kernel's log still holds, by the PCI addresses
// of the GPUs. known is false where this process may not read the log (kernel.dmesg_restrict), or there is none.
func Xids(root string, busIDs []string) (count int, known bool) {
	fd, err := unix.Open(filepath.Join(root, "dev/kmsg"), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	// One read is one record (the kernel's ABI/testing/dev-kmsg). The log is a ring of a few MiB; whoever fills it faster
	// than we read does not keep us.
	buf := make([]byte, 16<<10)
	for until := time.Now().Add(time.Second); time.Now().Before(until); {
		n, err := unix.Read(fd, buf)
		switch {
		case err == unix.EPIPE, err == unix.EINTR: // records were overwritten before they were read
			continue
		case err == unix.EAGAIN, err == nil && n == 0:
			return count, true
		case err != nil:
			return 0, false
		}
		for line := range strings.Lines(string(buf[:n])) {
			if isXid(line, busIDs) {
				count++
			}
		}
	}
	return count, true
}

// isXid reports whether a line of the log is the kernel's own, and tells of an error of one of the GPUs:
// "4,1234,5678,-;NVRM: Xid (PCI:0000:81:00): 79, …". The number before the first comma is 8 × facility + level; facility 0
// is the kernel, and nobody else can write with it.
func isXid(line string, busIDs []string) bool {
	head, text, ok := strings.Cut(line, ";")
	priority, _, _ := strings.Cut(head, ",")
	n, err := strconv.ParseUint(priority, 10, 16)
	rest, xid := strings.CutPrefix(text, "NVRM: Xid (PCI:")
	at, _, closed := strings.Cut(rest, ")")
	if !ok || err != nil || n >= 8 || !xid || !closed {
		return false
	}
	for _, id := range busIDs {
		if slot, _, _ := strings.Cut(busKey(id), "."); slot != "" && slot == busKey(at) {
			return true
		}
	}
	return false
}
