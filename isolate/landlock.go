package isolate

import (
	"path"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// landlockLayer is a second wall around files that does not depend on mounts (landlock(7)). The supervisor
// builds the ruleset, pid 1's child enforces it on itself just before exec; the kernel shows it nowhere, so
// "full" means that landlock_restrict_self(2) returned success.
var landlockLayer = Layer{
	Name: "landlock", Doc: "files are read, written and executed only where the plan says, whatever is mounted",
	Remedy:    "use Linux 5.13 or later with landlock in the lsm= list of the kernel command line",
	Scope:     ofCommand,
	Probe:     func() error { _, err := landlockABI(); return err },
	Configure: func(*specs.Spec, Spec) error { return nil },
	Observe:   func(v View, _ Spec) (Strength, string) { return v.Landlock, v.LandlockWhy },
}

// access is what a path allows under Landlock.
type access int

const (
	readOnly access = 1 << iota
	execute
	write
	overwrite // of what exists: devices, and files of /proc such as a thread's comm
	deviceIO  // ioctl(2) on a device that was opened inside
)

type pathRule struct {
	path   string
	access access
}

// landlockRules is pure: which path inside may be used how. Everything mounted may be read.
func landlockRules(s Spec) []pathRule {
	rules := []pathRule{
		{"/", readOnly},
		{"/tmp", write}, {"/dev/shm", write},
		{"/dev", overwrite}, {"/proc", overwrite}, {"/dev/tty", deviceIO},
	}
	for _, n := range s.GPU.Nodes {
		rules = append(rules, pathRule{n.Path, deviceIO})
	}
	if s.Sandbox.Allow.NativeCode {
		rules = append(rules, pathRule{"/tmp", execute})
	}
	for _, b := range s.Binds {
		if b.Write {
			rules = append(rules, pathRule{b.Target, write})
		}
		if b.Exec && s.Sandbox.Allow.Subprocess {
			rules = append(rules, pathRule{b.Target, execute})
		}
	}
	if !s.Sandbox.Allow.Subprocess && len(s.Args) > 0 { // only the command itself, and its ELF interpreter
		rules = append(rules, pathRule{path.Clean(s.Args[0]), execute})
		for _, ld := range loaders {
			rules = append(rules, pathRule{ld, execute})
		}
	}
	return rules
}

// loaders are the ELF interpreters that the kernel opens for execution beside the program.
var loaders = []string{"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-aarch64.so.1"}
