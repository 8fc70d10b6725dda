package isolate

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// scripted is an attack by a shell script, for what the table of package attack cannot hold: it needs something on the
// host that no user shows. It too runs three times; see suite_linux_test.go.
type scripted struct {
	name  string
	layer string // the layer that must stop it
	prep  func(*testing.T, *arena)

	payload func(*arena) string // what it prints is the observation
	spec    func(*Spec, *arena) // what the box holds

	through string // regular expressions on the observation: got through,
	stopped string // and stopped
}

// arena is what the test puts on the host for an attack to aim at.
type arena struct {
	dir    string // open to everybody
	secret string // file with "host secret"
	target string // anything else that prep made: a process id, a port, a key
}

func (a scripted) arena(t *testing.T) *arena {
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
func (a scripted) observe(t *testing.T, off []string, alter func(*specs.Spec)) string {
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
	if exit.Signal != 0 {
		text += fmt.Sprintf("signal %d\n", exit.Signal)
	}
	return text
}

func TestScriptedAttacksAreStoppedByTheirLayer(t *testing.T) {
	need(t, "root", "userns", "cgroup", "seccomp", "landlock")
	for _, a := range attacks {
		for _, way := range []struct {
			name string
			off  []string
			want string
		}{{"without layers", removable, a.through}, {"with the layer alone", except(a.layer), a.stopped}, {"with all layers", nil, a.stopped}} {
			t.Run(a.layer+": "+a.name+" "+way.name, func(t *testing.T) {
				if got := a.observe(t, way.off, nil); !regexp.MustCompile(`(?m)` + way.want).MatchString(got) {
					t.Errorf("observed %q, want %q", got, way.want)
				}
			})
		}
	}
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
