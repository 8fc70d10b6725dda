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
		return fmt.Errorf("user.max_user_namespaces is 0: %w", ErrUnsupported)
	}
	if os.Geteuid() == 0 {
		return nil
	}
	for file, refused := range map[string]string{
		"/proc/sys/kernel/unprivileged_userns_clone":             "0",
		"/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
	} {
		if setting(file) == refused {
			if refused == "1" && TryNamespaces() == nil {
				continue // this program has a profile
			}
			return fmt.Errorf("%s is %s: %w", strings.ReplaceAll(strings.TrimPrefix(file, "/proc/sys/"), "/", "."), refused, ErrUnsupported)
		}
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
		c.Path = "/loadlock-" + id // at the top, so that no parent folder stays behind
		root := "/sys/fs/cgroup"
		if c.Kind != "v2" {
			root = "/sys/fs/cgroup/memory"
			if _, err := os.Stat("/sys/fs/cgroup/pids"); err != nil {
				return c, fmt.Errorf("no pids controller: %w: %w", ErrUnsupported, err)
			}
		}
		if err := unix.Access(root, unix.W_OK); err != nil {
			return c, fmt.Errorf("%s: %w: %w", root, ErrUnsupported, err)
		}
		return c, nil
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
