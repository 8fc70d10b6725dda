//go:build linux

package seccomp

import (
	"testing"

	"github.com/loadlock/loadlock/policy"
	moby "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// beyondMoby are the calls we allow and Moby's default profile, for a container without capabilities,
// does not; with the reason.
var beyondMoby = map[string]string{
	"get_mempolicy": "only with gpu: reads the caller's own placement; Moby asks for CAP_SYS_NICE",
	"set_mempolicy": "only with gpu: the caller's own placement, inside its cpuset",
	"mbind":         "only with gpu: as set_mempolicy; moving shared pages still takes CAP_SYS_NICE in the kernel",
}

// conditional are calls that Moby allows with some arguments only, so that ours must look too.
var conditional = []string{"clone", "personality", "socket"}

func mobyDefault(t *testing.T) *specs.LinuxSeccomp {
	t.Helper()
	p, err := moby.GetDefaultProfile(&specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{}}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEveryCallWeAllowIsInMobysProfile(t *testing.T) {
	theirs := allowed(mobyDefault(t))
	if len(theirs) < 200 {
		t.Fatalf("the baseline holds %d calls only", len(theirs))
	}
	used := map[string]bool{}
	everyOption(func(o Options) {
		if o.arch() != (Options{}).arch() {
			return // Moby's profile is computed for the running architecture
		}
		for name := range allowed(Profile(o)) {
			if theirs[name] {
				continue
			}
			used[name] = true
			if beyondMoby[name] == "" {
				t.Errorf("%+v: %s is not allowed there", o, name)
			}
			if !o.GPU {
				t.Errorf("%+v: %s without gpu", o, name)
			}
		}
	})
	for name := range beyondMoby {
		if !used[name] {
			t.Errorf("%s is listed as an exception and is none", name)
		}
	}
}

func TestWhatMobyFiltersByArgumentWeDoToo(t *testing.T) {
	for _, name := range conditional {
		for _, o := range []Options{{}, {Ops: policy.Operations{NetworkAccess: true}, Network: policy.NetworkHost}} {
			for _, s := range Profile(o).Syscalls {
				for _, n := range s.Names {
					if n == name && len(s.Args) == 0 {
						t.Errorf("%s has no condition", n)
					}
				}
			}
		}
	}
}

func TestTheProfileIsFarSmallerThanMobys(t *testing.T) {
	ours, theirs := len(allowed(Profile(Options{}))), len(allowed(mobyDefault(t)))
	if 2*ours > theirs+theirs/2 {
		t.Errorf("we allow %d calls, the container default %d", ours, theirs)
	}
	t.Logf("%d calls, the container default has %d", ours, theirs)
}
