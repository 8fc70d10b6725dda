package isolate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

func probeNamespace(kind string) func() error {
	return func() error {
		if _, err := os.Stat("/proc/self/ns/" + kind); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("no %s namespaces: %w", kind, ErrUnsupported)
		} else if err != nil {
			return fmt.Errorf("%s namespace: %w", kind, err)
		}
		return nil
	}
}

// probeUserNamespace checks what can be known without making one; TryNamespaces makes one.
func probeUserNamespace() error {
	if err := probeNamespace("user")(); err != nil {
		return err
	}
	if setting("/proc/sys/user/max_user_namespaces") == "0" {
		return &LayerError{Layer: "user", Err: fmt.Errorf("user.max_user_namespaces is 0: %w", ErrUnsupported), Remedy: "sysctl user.max_user_namespaces=15000"}
	}
	if os.Geteuid() == 0 {
		return nil
	}
	if setting("/proc/sys/kernel/unprivileged_userns_clone") == "0" {
		return &LayerError{Layer: "user", Err: fmt.Errorf("kernel.unprivileged_userns_clone is 0: %w", ErrUnsupported), Remedy: "sysctl kernel.unprivileged_userns_clone=1, or run as root"}
	}
	if setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" && TryNamespaces() != nil { // else this program has a profile
		return &LayerError{Layer: "user", Err: fmt.Errorf("kernel.apparmor_restrict_unprivileged_userns is 1: %w", ErrUnsupported), Remedy: remedyUbuntu}
	}
	return nil
}

func probeSeccomp() error {
	// An unknown filter pointer: EFAULT says that filters exist (seccomp(2)).
	err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, 0, 0, 0)
	if errors.Is(err, unix.EFAULT) || errors.Is(err, unix.EACCES) {
		return nil
	}
	return fmt.Errorf("seccomp filters: %w: %w", ErrUnsupported, err)
}

// probeCgroup reports whether this process may make a cgroup with limits.
func probeCgroup() error {
	_, err := FindCgroup("probe")
	return err
}

// Cgroup is where a new group goes.
type Cgroup struct {
	Path    string // libcontainer's notation
	Systemd bool
	Kind    string // "v1", "hybrid", "v2", for doctor
}

// FindCgroup chooses where the cgroup of a run goes: below the root as root; below the own group when that is
// delegated to this process alone (see stepAside); in a scope of the user's systemd; beside the own group when the
// one above is delegated.
func FindCgroup(id string) (Cgroup, error) {
	c := Cgroup{Kind: "v1"}
	switch {
	case unified():
		c.Kind = "v2"
	case cgroups.IsCgroup2HybridMode():
		c.Kind = "hybrid"
	}
	if os.Geteuid() == 0 {
		return c.ofRoot(id)
	}
	if c.Kind != "v2" {
		return c, fmt.Errorf("an ordinary user cannot limit memory and processes under cgroup %s: %w", c.Kind, ErrUnsupported)
	}
	own, err := ownGroup()
	if err != nil {
		return c, err
	}
	if base, ok := delegated(own); ok {
		c.Path = filepath.Join(base, "loadlock-"+id)
		return c, nil
	}
	if _, err := os.Stat(filepath.Join("/run/user", fmt.Sprint(os.Getuid()), "systemd/private")); err == nil {
		c.Path, c.Systemd = "user.slice:loadlock:"+id, true
		return c, nil
	}
	if parent := filepath.Dir(own); limitsChildren(parent) { // after systemd, which wants to be asked about its groups
		c.Path = filepath.Join(parent, "loadlock-"+id)
		return c, nil
	}
	return c, fmt.Errorf("cgroup %s is not delegated to this user alone, and there is no systemd user manager: %w", own, ErrUnsupported)
}

// ofRoot is a group at the top, so that no parent folder stays behind.
func (c Cgroup) ofRoot(id string) (Cgroup, error) {
	c.Path = "/loadlock-" + id
	for _, controller := range []string{"memory", "pids"} {
		root, err := "/sys/fs/cgroup/"+controller, error(nil)
		if c.Kind == "v2" {
			root = "/sys/fs/cgroup"
			if !lists("/", "cgroup.controllers", controller) {
				err = unix.ENOENT
			}
		} else {
			_, err = os.Stat(root)
		}
		if err != nil {
			return c, fmt.Errorf("no %s controller (cgroup_disable= on the kernel's command line?): %w", controller, ErrUnsupported)
		}
		if err := unix.Access(root, unix.W_OK); err != nil {
			return c, fmt.Errorf("%s: %w: %w", root, ErrUnsupported, err)
		}
	}
	if c.Kind != "v2" || !isInnerRoot() || limitsChildren("/") {
		return c, nil
	}
	if _, ok := delegated("/"); !ok {
		return c, &LayerError{Layer: "cgroup", Err: fmt.Errorf("this container's cgroup holds other processes, so its children can have no limits: %w", ErrUnsupported),
			Remedy: "let loadlock be the only process that begins in the container; or, before it: mkdir /sys/fs/cgroup/init, move every process of " +
				"/sys/fs/cgroup/cgroup.procs there, and echo '+memory +pids +cpu' >/sys/fs/cgroup/cgroup.subtree_control"}
	}
	return c, nil
}

// isInnerRoot reports whether the top of the hierarchy, as this process sees it, is a group like any other: that of a
// cgroup namespace. The real root has no type (the kernel's cgroup-v2 document).
func isInnerRoot() bool {
	_, err := os.Stat("/sys/fs/cgroup/cgroup.type")
	return err == nil
}

// ownGroup is the group of this process on cgroup v2.
func ownGroup() (string, error) {
	own, err := cgroups.ParseCgroupFile("/proc/self/cgroup")
	if err != nil {
		return "", fmt.Errorf("own cgroup: %w", err)
	}
	return own[""], nil
}

func unified() bool { return cgroups.IsCgroup2UnifiedMode() }

func processors() int { return runtime.NumCPU() }

func swapExists() bool {
	var info unix.Sysinfo_t
	return unix.Sysinfo(&info) != nil || info.Totalswap > 0
}

// SwapAccounted reports whether swap can be limited.
func SwapAccounted() bool {
	if unified() {
		return true
	}
	_, err := os.Stat("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")
	return err == nil
}

// atMost is want, or the supervisor's own hard limit when that is lower: raising one needs CAP_SYS_RESOURCE.
func atMost(resource int, want uint64) uint64 {
	var l unix.Rlimit
	if err := unix.Getrlimit(resource, &l); err != nil {
		return want
	}
	return min(l.Max, want)
}

// coreLimit is 1, not 0, where that is possible: a piped core_pattern ignores 0 and starts its program, and obeys 1
// (core(5)). sudo leaves a hard limit of 0, which only CAP_SYS_RESOURCE of the host raises.
func coreLimit() uint64 {
	if atMost(unix.RLIMIT_CORE, 1) == 1 || initialUserNamespace() && effective(unix.CAP_SYS_RESOURCE) {
		return 1
	}
	return 0
}

// corePiped reports whether a crash starts a program of the host; it does when that cannot be known.
func corePiped() bool {
	raw, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	return err != nil || strings.HasPrefix(string(raw), "|")
}

func rlimitNumber(name string) (int, error) {
	n, ok := map[string]int{"RLIMIT_CORE": unix.RLIMIT_CORE, "RLIMIT_MEMLOCK": unix.RLIMIT_MEMLOCK, "RLIMIT_MSGQUEUE": unix.RLIMIT_MSGQUEUE,
		"RLIMIT_NOFILE": unix.RLIMIT_NOFILE, "RLIMIT_SIGPENDING": unix.RLIMIT_SIGPENDING, "RLIMIT_CPU": unix.RLIMIT_CPU}[name]
	if !ok {
		return 0, fmt.Errorf("unknown limit %s", name)
	}
	return n, nil
}
