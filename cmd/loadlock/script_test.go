package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/loadlock/loadlock/isolate"
	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what was seen into the scripts' expectations")

// TestMain makes this test binary the loadlock of the scripts: they run the command itself, with the box's
// first process and libcontainer's re-executed child taken from this binary as from the real one.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "exe" { // /proc/self/exe: loadlock re-executed itself
		os.Exit(Main())
	}
	testscript.Main(loud{m}, map[string]func(){"loadlock": func() { os.Exit(Main()) }})
}

// loud says at the end what was skipped for lack of what, so that a lane that tests nothing is seen.
type loud struct{ *testing.M }

func (l loud) Run() int {
	code := l.M.Run()
	for _, line := range host.skipped() {
		fmt.Println(line)
	}
	return code
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "script"),
		Setup:               setup,
		Condition:           host.condition,
		Cmds:                commands,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
	})
}

// setup gives every script a home, a state folder and a run folder of its own. A user who cannot have the
// cgroup layer here runs the scripts with a policy that says so; scripts about limits need the condition
// cgroup.
func setup(env *testscript.Env) error {
	demo, err := filepath.Abs(filepath.Join("..", "..", "testdata", "demo"))
	if err != nil {
		return err
	}
	for _, dir := range []string{"home", "config/loadlock", "run"} {
		if err := os.MkdirAll(filepath.Join(env.WorkDir, dir), 0o700); err != nil {
			return err
		}
	}
	env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
	env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
	env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
	env.Setenv("XDG_RUNTIME_DIR", filepath.Join(env.WorkDir, "run"))
	env.Setenv("DEMO", demo)
	env.Setenv("PYTHON", "/usr/bin/python3")
	env.Setenv("OMP_NUM_THREADS", "1")
	if host.lacks("cgroup") == nil {
		return nil
	}
	return os.WriteFile(filepath.Join(env.WorkDir, "config", "loadlock", "policy.yaml"),
		[]byte("name: rootless-test\nextends: safe\noptional_layers: [cgroup]\n"), 0o600)
}

// host answers the scripts' conditions.
var host = &conditions{probed: map[string]func() error{}, missing: map[string]string{}}

type conditions struct {
	mu      sync.Mutex
	probed  map[string]func() error
	missing map[string]string // what → why, for what a script asked for
}

// probes are the words that scripts and REQUIRE use.
var probes = map[string]func() error{
	"root": func() error {
		if os.Geteuid() != 0 {
			return fmt.Errorf("not root")
		}
		return nil
	},
	"user": func() error {
		if os.Geteuid() == 0 {
			return fmt.Errorf("root may do everything")
		}
		return nil
	},
	// box: a sandbox can be made at all.
	"box":      func() error { return missingLayers("user", "mount", "pid", "net", "seccomp", "landlock") },
	"userns":   func() error { return missingLayers("user") },
	"cgroup":   func() error { return missingLayers("cgroup") },
	"seccomp":  func() error { return missingLayers("seccomp") },
	"landlock": func() error { return missingLayers("landlock") },
	"torch":    func() error { return python("import torch") },
	"python":   func() error { return python("") },
	// nogpu: nothing that --gpu could find.
	"nogpu": func() error {
		for _, pattern := range []string{"/dev/nvidia[0-9]*", "/dev/kfd", "/dev/dri/renderD*", "/dev/dxg"} {
			if found, _ := filepath.Glob(pattern); len(found) > 0 {
				return fmt.Errorf("there is %s", found[0])
			}
		}
		return nil
	},
	// gpu: one that can be granted. There is no word for its absence: a script says [gpu] stop.
	"gpu": func() error {
		for _, c := range isolate.DoctorGPU("/") {
			if c.Status == isolate.Missing {
				return fmt.Errorf("%s", c.Detail)
			}
		}
		return nil
	},
	"gcc":  func() error { _, err := exec.LookPath("gcc"); return err },
	"runc": func() error { _, err := exec.LookPath("runc"); return err },
	"overlay": func() error {
		out, err := exec.Command("unshare", "-m", "mount", "-t", "overlay", "-o", "lowerdir=/usr:/etc", "none", "/mnt").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	},
	"unshare": func() error {
		out, err := exec.Command("unshare", "-m", "true").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	},
}

func python(code string) error {
	if out, err := exec.Command("/usr/bin/python3", "-c", code).CombinedOutput(); err != nil {
		return fmt.Errorf("/usr/bin/python3 -c %q: %w: %s", code, err, out)
	}
	return nil
}

// missingLayers asks doctor, as a user would.
func missingLayers(names ...string) error {
	for _, c := range doctor() {
		if c.Status == isolate.Missing && slices.Contains(names, c.Name) {
			return fmt.Errorf("%s: %s", c.Name, c.Detail)
		}
	}
	return nil
}

var doctor = sync.OnceValue(isolate.Doctor)

// lacks says why this host lacks something, or nil. Every probe runs once.
func (c *conditions) lacks(what string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.probed[what] == nil {
		c.probed[what] = sync.OnceValue(probes[what])
	}
	return c.probed[what]()
}

// condition is the scripts' [word]. A word that REQUIRE names and the host lacks is an error, so that no lane
// goes quiet; root's and the ordinary user's scripts are each other's complement and are never required.
func (c *conditions) condition(word string) (bool, error) {
	if probes[word] == nil {
		return false, fmt.Errorf("no probe for %q on %s", word, runtime.GOOS)
	}
	err := c.lacks(word)
	if err == nil {
		return true, nil
	}
	if slices.Contains(strings.Split(os.Getenv("REQUIRE"), ","), word) {
		return false, fmt.Errorf("REQUIRE names %s: %w", word, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missing[word] = err.Error()
	return false, nil
}

func (c *conditions) skipped() (lines []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for word, why := range c.missing {
		lines = append(lines, fmt.Sprintf("scripts were skipped for lack of %s: %s", word, why))
	}
	slices.Sort(lines)
	return lines
}
