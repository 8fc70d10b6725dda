package isolate

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// attack is something that a hostile workload tries. It runs three times: without its layer, where it must get
// through (or the attack is fake); with that layer alone, where it must be stopped (or the layer is fake); and
// with all layers.
type oldAttack struct {
	name  string
	layer string   // the layer that must stop it
	needs []string // beside root, userns, cgroup, seccomp and landlock
	prep  func(*testing.T, *arena)

	payload func(*arena) string           // sh script; what it prints is the observation
	spec    func(*Spec, *arena)           // what the box holds, in every run in a box
	alter   func(*specs.Spec)             // takes away, in the first two runs, what another layer does as well
	after   func(*testing.T, Exit) string // observation from outside, added to what was printed

	onHost string   // why the first run has no box: a box cannot do without this layer
	beside []string // layers that this one needs
	alone  string   // why the layer cannot stand alone; empty: it can

	through string // regular expressions on the observation: got through,
	stopped string // stopped by the layer alone,
	inside  string // and stopped by all layers; empty: like stopped
}

// arena is what the test puts on the host for an attack to aim at.
type arena struct {
	dir    string // open to everybody
	secret string // file with "host secret"
	target string // anything else that prep made: a process id, a port, a key
}

func (a oldAttack) arena(t *testing.T) *arena {
	ar := &arena{dir: openDir(t)}
	ar.secret = filepath.Join(ar.dir, "secret")
	if err := os.WriteFile(ar.secret, []byte("host secret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if a.prep != nil {
		a.prep(t, ar)
	}
	return ar
}

// observe runs the payload in a box without the layers in off.
func (a oldAttack) observe(t *testing.T, off []string, alter func(*specs.Spec)) string {
	ar := a.arena(t)
	s, out := boxed(t, a.payload(ar))
	if a.spec != nil {
		a.spec(&s, ar)
	}
	var b *Box
	if off != nil {
		b = weakened(t, s, off, alter)
	} else {
		var err error
		if b, err = New(s); err != nil {
			t.Fatal(err)
		}
	}
	exit, text := finish(t, b, out)
	if a.after != nil {
		text += a.after(t, exit)
	}
	if exit.Signal != 0 {
		text += fmt.Sprintf("signal %d\n", exit.Signal)
	}
	return text
}

func (a oldAttack) observeOnHost(t *testing.T) string {
	cmd := exec.Command("/bin/sh", "-c", a.payload(a.arena(t)))
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	raw, _ := cmd.CombinedOutput() // its status is no observation
	return string(raw)
}

func (a oldAttack) run(t *testing.T) {
	need(t, "root", "userns", "cgroup", "seccomp", "landlock")
	need(t, a.needs...)
	check := func(t *testing.T, got, want string) {
		t.Helper()
		if !regexp.MustCompile(`(?m)` + want).MatchString(got) {
			t.Errorf("observed %q, want %q", got, want)
		}
	}
	t.Run("without the layer it gets through", func(t *testing.T) {
		if a.onHost != "" {
			check(t, a.observeOnHost(t), a.through)
			return
		}
		check(t, a.observe(t, removable, a.alter), a.through)
	})
	if a.alone == "" {
		t.Run("the layer alone stops it", func(t *testing.T) {
			check(t, a.observe(t, except(append(a.beside, a.layer)...), a.alter), a.stopped)
		})
	}
	t.Run("all layers stop it", func(t *testing.T) {
		inside := a.inside
		if inside == "" {
			inside = a.stopped
		}
		got := a.observe(t, nil, nil)
		check(t, got, inside)
		if regexp.MustCompile(`(?m)` + a.through).MatchString(got) {
			t.Errorf("got through: %q", got)
		}
	})
}

func TestAttacksAreStoppedByTheirLayer(t *testing.T) {
	for _, a := range attacks {
		t.Run(a.layer+": "+a.name, a.run)
	}
}

func TestEveryLayerIsNamedByAnAttack(t *testing.T) {
	named := map[string]bool{}
	for _, a := range attacks {
		named[a.layer] = true
		if a.through == "" || a.stopped == "" && a.alone == "" || a.alone != "" && a.inside == "" {
			t.Errorf("attack %q says not what must be seen", a.name)
		}
	}
	for _, l := range Layers() {
		if !named[l.Name] {
			t.Errorf("no attack names the layer %s", l.Name)
		}
		delete(named, l.Name)
	}
	for name := range named {
		t.Errorf("an attack names %q, which is no layer", name)
	}
	for _, name := range []string{"mount", "pid"} {
		if slices.Contains(removable, name) {
			t.Errorf("a box cannot do without %s", name)
		}
	}
	if len(removable)+2 != len(Layers()) {
		t.Errorf("%d layers, %d removable", len(Layers()), len(removable))
	}
}

// raw is a Python program that makes one system call and prints its result: "0", or the name of the errno.
func raw(call string) string {
	return py(`
import ctypes
c = ctypes.CDLL(None, use_errno=True)
r = c.syscall(` + call + `)
print("got", "through" if r >= 0 else errno.errorcode[ctypes.get_errno()])`)
}

// py runs a Python program that must not contain a single quote.
func py(program string) string {
	if strings.Contains(program, "'") {
		panic("single quote in " + program)
	}
	return python + ` -I -c 'import errno, os, socket, sys, time
` + program + `' 2>&1`
}

// connect is a Python program that connects to a socket and says how that went.
func connect(family, address string) string {
	return py(`
try:
    socket.socket(socket.` + family + `).connect(` + address + `)
    print("connected")
except OSError as e:
    print(errno.errorcode[e.errno])`)
}
