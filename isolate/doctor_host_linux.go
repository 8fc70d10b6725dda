package isolate

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// hostChecks are the settings around the layers: none keeps anything from running by itself.
var hostChecks = []func() Check{surroundingsCheck, cgroupKind, cgroupCost, landlockVersion, swapCheck, corePattern, tiocsti, ioUring, unprivilegedBPF,
	appArmorCheck, shmCheck, runFolder, engineVersion, runAs}

func surroundingsCheck() Check {
	at := lookAround()
	c := Check{Name: "surroundings", Status: Fine, Detail: "no container seen"}
	var seen []string
	if at.container != "" {
		seen = append(seen, "in a container ("+at.container+")")
	}
	if !initialUserNamespace() {
		seen = append(seen, "in a user namespace")
	}
	if at.filtered {
		seen = append(seen, "under a seccomp filter")
	}
	if at.apparmor != "" {
		seen = append(seen, "under the AppArmor profile "+at.apparmor)
	}
	if seen != nil {
		c.Detail = strings.Join(seen, ", ")
	}
	if id := FindIdentity("doctor"); id.Limited {
		c.Status = Warning
		c.Detail += "; root without CAP_SYS_ADMIN and CAP_SYS_PTRACE: what exists inside must lie in folders that are open to others"
		c.Remedy = "chmod o+x those folders, or start the container with --cap-add SYS_ADMIN --cap-add SYS_PTRACE"
	}
	return c
}

// cgroupCost: moving a process into a group waits for an RCU grace period, some 15 ms after an idle gap, unless the
// hierarchy is mounted with favordynmods (Linux 6.0, the kernel's cgroup-v2 document).
func cgroupCost() Check {
	c := Check{Name: "cgroup cost", Status: Fine}
	raw, _ := os.ReadFile("/proc/self/mounts")
	kind, at := "cgroup ", "/sys/fs/cgroup/memory"
	if unified() {
		kind, at = "cgroup2 ", "/sys/fs/cgroup"
	}
	for line := range strings.Lines(string(raw)) {
		if strings.Contains(line, " "+at+" "+kind) && strings.Contains(line, "favordynmods") {
			c.Detail = "favordynmods: moving a process into a group is quick"
			return c
		}
	}
	c.Detail = "moving the command into its group may take about 15 ms"
	c.Remedy = "mount -o remount,favordynmods " + at + " makes every start faster (Linux 6.0 or later, as root)"
	return c
}

func ioUring() Check {
	switch setting("/proc/sys/kernel/io_uring_disabled") {
	case "":
		return Check{Name: "io_uring", Status: Fine, Detail: "cannot be switched off on this kernel; loadlock's filter refuses it"}
	case "0":
		return Check{Name: "io_uring", Status: Fine, Detail: "on for everybody; loadlock's filter refuses it"}
	}
	return Check{Name: "io_uring", Status: Fine, Detail: "restricted by the host, and refused by loadlock's filter"}
}

func unprivilegedBPF() Check {
	if setting("/proc/sys/kernel/unprivileged_bpf_disabled") == "0" {
		return Check{Name: "BPF", Status: Warning, Detail: "every user of this host may load BPF programs", Remedy: "loadlock's filter refuses it; sysctl kernel.unprivileged_bpf_disabled=2 refuses it for everybody"}
	}
	return Check{Name: "BPF", Status: Fine, Detail: "not for ordinary users"}
}

// shmCheck: torch's loaders share memory there, inside too.
func shmCheck() Check {
	if unix.Access("/dev/shm", unix.W_OK) != nil {
		return Check{Name: "shared memory", Status: Fine, Detail: "the host has no /dev/shm; the command gets one of its own"}
	}
	return Check{Name: "shared memory", Status: Fine, Detail: "the command gets a /dev/shm of its own"}
}

// runFolder: programs are never executed from it, so a noexec mount is fine; a read-only or full one is not.
func runFolder() Check {
	dir := "/run"
	if os.Geteuid() != 0 {
		if dir = os.Getenv("XDG_RUNTIME_DIR"); dir == "" {
			dir = os.TempDir()
		}
	}
	var st unix.Statfs_t
	c := Check{Name: "run folder", Status: Fine}
	switch err := unix.Statfs(dir, &st); {
	case err != nil:
		c.Status, c.Detail, c.Remedy = Warning, dir+": "+err.Error(), "set XDG_RUNTIME_DIR to a folder of your own"
	case unix.Access(dir, unix.W_OK) != nil:
		c.Status, c.Detail, c.Remedy = Warning, dir+" cannot be written", "mount a tmpfs on it, or set XDG_RUNTIME_DIR to a folder of your own"
	default:
		free := st.Bavail * uint64(st.Bsize) >> 20
		c.Detail = fmt.Sprintf("below %s, %d MiB free", dir, free)
		if free < 64 {
			c.Status, c.Remedy = Warning, "small files of a model are copied there: free some space"
		}
	}
	return c
}
