package isolate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// requirements are what a test may need of the machine; each says why it is missing.
var requirements = map[string]func() error{
	"root": func() error {
		if os.Geteuid() != 0 {
			return errors.New("not root")
		}
		return nil
	},
	"userns":   TryNamespaces,
	"cgroup":   probeCgroup,
	"seccomp":  probeSeccomp,
	"landlock": func() error { _, err := landlockABI(); return err },
	"landlock-net": func() error {
		abi, err := landlockABI()
		if err == nil && abi < 4 {
			err = fmt.Errorf("landlock ABI %d knows no TCP", abi)
		}
		return err
	},
	"landlock-ioctl": func() error {
		abi, err := landlockABI()
		if err == nil && abi < 5 {
			err = fmt.Errorf("landlock ABI %d knows no ioctl", abi)
		}
		return err
	},
	"landlock-scope": func() error {
		abi, err := landlockABI()
		if err == nil && abi < 6 {
			err = fmt.Errorf("landlock ABI %d knows no scopes", abi)
		}
		return err
	},
	"device-nodes": func() error { // can be made, and opened: no device cgroup and no nodev around us
		name := fmt.Sprintf("/dev/loadlock-need-%d", os.Getpid())
		defer os.Remove(name)
		if err := unix.Mknod(name, unix.S_IFCHR|0o600, int(unix.Mkdev(195, 200))); err != nil {
			return fmt.Errorf("mknod: %w", err)
		}
		if _, err := unix.Open(name, unix.O_RDWR|unix.O_CLOEXEC, 0); err != unix.ENXIO {
			return fmt.Errorf("a node without a driver is opened with %w", err)
		}
		return nil
	},
	"apparmor_parser": func() error { _, err := exec.LookPath("apparmor_parser"); return err },
	"cgroup1":         func() error { return wantUnified(false) },
	"cgroup2":         func() error { return wantUnified(true) },
	"python":          func() error { _, err := os.Stat(python); return err },
	"gcc":             func() error { _, err := exec.LookPath("gcc"); return err },
	"core-file": func() error {
		raw, err := os.ReadFile("/proc/sys/kernel/core_pattern")
		if err == nil && (strings.HasPrefix(string(raw), "|") || strings.HasPrefix(string(raw), "/")) {
			err = fmt.Errorf("core pattern is %q", strings.TrimSpace(string(raw)))
		}
		return err
	},
	"core-limit": func() error {
		var l unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_CORE, &l); err != nil || l.Max == unix.RLIM_INFINITY {
			return err
		}
		return fmt.Errorf("the hard limit of core files is %d (sudo sets 0)", l.Max)
	},
	"gpu": func() error {
		if _, err := os.Stat("/dev/nvidiactl"); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		_, err := os.Stat("/dev/kfd")
		return err
	},
}

func wantUnified(want bool) error {
	if unified() != want {
		return fmt.Errorf("cgroup v2 alone: %v", unified())
	}
	return nil
}

// TestMachine asks for nothing but what REQUIRE names: a lane that believes to test cgroup v2 and is not there fails.
func TestMachine(t *testing.T) {
	for name := range strings.SplitSeq(os.Getenv("REQUIRE"), ",") {
		if requirements[name] != nil {
			need(t, name)
		}
	}
}

const python = "/usr/bin/python3"

var skipped struct {
	sync.Mutex
	why map[string][]string // reason → tests
}

// need skips the test when the machine lacks something, unless the environment variable REQUIRE (names with
// commas between them) says that this machine has it: then the test fails.
func need(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		has, known := requirements[name]
		if !known {
			t.Fatalf("nobody knows how to look for %q", name)
		}
		err := has()
		if err == nil {
			continue
		}
		if slices.Contains(strings.Split(os.Getenv("REQUIRE"), ","), name) {
			t.Fatalf("REQUIRE names %s, and it is missing: %v", name, err)
		}
		skipped.Lock()
		if skipped.why == nil {
			skipped.why = map[string][]string{}
		}
		reason := name + " (" + err.Error() + ")"
		skipped.why[reason] = append(skipped.why[reason], t.Name())
		skipped.Unlock()
		t.Skipf("needs %s: %v", name, err)
	}
}

// reportSkipped is what the test binary says last, so that nobody takes a skipped wall for a tested one.
func reportSkipped() {
	for reason, tests := range skipped.why {
		fmt.Printf("skipped for lack of %s: %s\n", reason, strings.Join(tests, ", "))
	}
}
