package isolate

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loadlock/loadlock/isolate/attack"
	"github.com/loadlock/loadlock/policy"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// The table of package attack, three ways: without any layer every probe must get through, or it tries nothing; with
// each layer alone that it names it must be stopped, or the layer does nothing; and with all layers. loadlock selftest
// is the third way on the user's host.

// removable are the layers that a box can do without. It cannot do without the mount layer, which brings pid 1's
// program, and not without the pid layer, because pid 1 is what it is.
var removable = []string{"user", "net", "ipc", "uts", "cgroup", "limits", "capabilities", "no_new_privs", "landlock", "seccomp"}

// beside are layers that another one cannot do without. Without no_new_privs libcontainer installs the filter early,
// before calls that the filter refuses.
var beside = map[string][]string{"seccomp": {"no_new_privs"}}

// except is every removable layer but those.
func except(layers ...string) []string {
	return slices.DeleteFunc(slices.Clone(removable), func(l string) bool { return slices.Contains(layers, l) })
}

// alterations take away what a second layer does as well, so that the first one is seen. By ID, in the runs without
// layers and with one alone.
var alterations = map[string]func(*attack.Host, *specs.Spec){
	"N-05": func(_ *attack.Host, oci *specs.Spec) { // an ordinary user, and nosuid is the mount layer's
		without("nosuid", "/usr")(oci)
		oci.Process.User = specs.User{UID: workID, GID: workID}
	},
	"F-07": withoutReadOnly, "F-18": withoutReadOnly, "F-19": withoutReadOnly,
	"S-13": func(_ *attack.Host, oci *specs.Spec) { without("noexec", "/dev/shm")(oci) },
	// An ordinary user: root may raise limits.
	"R-12": func(_ *attack.Host, oci *specs.Spec) { oci.Process.User = specs.User{UID: workID, GID: workID} },
	"F-09": func(_ *attack.Host, oci *specs.Spec) { without("nodev", "/tmp")(oci) },
}

// withoutReadOnly leaves it to Landlock and to ids what is written.
func withoutReadOnly(h *attack.Host, oci *specs.Spec) {
	without("ro", h.Model)(oci)
	without("ro", "/usr")(oci)
}

// without removes an option from the mount on target.
func without(option, target string) func(*specs.Spec) {
	return func(oci *specs.Spec) {
		for i, m := range oci.Mounts {
			if m.Destination == target {
				oci.Mounts[i].Options = slices.DeleteFunc(m.Options, func(o string) bool { return o == option })
			}
		}
	}
}

// way is one of the three: a box without the layers in off, or the bare host.
type way struct {
	off     []string
	altered bool
	onHost  bool
}

// suite runs probes and remembers what was seen, by way and key.
type suite struct {
	host *attack.Host
}

func suiteHost(t *testing.T) *attack.Host {
	t.Helper()
	h, err := attack.Plant()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	mustChmod(t, h.Output, 0o777)
	if err := probeCgroup(); err != nil {
		h.Lacking["cgroup"] = err.Error()
	}
	return h
}

// try makes the probes of some checks in boxes; checks with the same setup and alteration share one.
func (s suite) try(t *testing.T, w way, checks []attack.Check, only func(attack.Probe) bool) map[string]string {
	type kind struct {
		setup  attack.Setup
		alter  string
		unless string // an operation that is restricted, so that using it is an attack
	}
	groups := map[kind][]string{}
	for _, c := range checks {
		k := kind{setup: c.Setup, unless: c.Unless}
		if w.altered && alterations[c.ID] != nil {
			k.alter = c.ID
		}
		for _, p := range c.Probes {
			if p.Try != nil && only(p) {
				groups[k] = append(groups[k], c.Key(p))
			}
		}
	}
	all := map[string]string{}
	for k, keys := range groups {
		start := time.Now()
		saw, _, err := attack.Run(keys, func(keys []string) ([]byte, attack.Ended, error) {
			if w.onHost {
				return s.onHost(t, keys, k.setup)
			}
			var alter func(*specs.Spec)
			if f := alterations[k.alter]; f != nil {
				alter = func(oci *specs.Spec) { f(s.host, oci) }
			}
			return s.box(t, w.off, k.setup, k.unless, alter, keys)
		})
		if err != nil {
			t.Errorf("without %v: %v", w.off, err)
		}
		maps.Copy(all, saw)
		if d := time.Since(start); d > 2*time.Second {
			t.Logf("%s and %d more took %.1f s", keys[0], len(keys)-1, d.Seconds())
		}
	}
	return all
}

// suiteOpen are the operations that the boxes of the suite permit, as policy safe does, unless one is the attack.
func suiteOpen(unless string) []string {
	return slices.DeleteFunc([]string{"subprocess", "native_code"}, func(o string) bool { return o == unless })
}

func (s suite) onHost(t *testing.T, keys []string, setup attack.Setup) ([]byte, attack.Ended, error) {
	args := s.host.Task(keys, setup, suiteOpen(""))
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(s.host.Environ()[:2], "PATH=/usr/bin:/bin")
	cmd.Dir = s.host.Model
	leak, err := os.Open(s.host.Secret) // what a careless caller leaves open
	if err != nil {
		return nil, attack.Ended{}, err
	}
	defer leak.Close()
	cmd.ExtraFiles = []*os.File{leak}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	raw, err := cmd.Output()
	if err != nil {
		return raw, attack.Ended{Code: 1}, fmt.Errorf("%w: %s", err, stderr.String())
	}
	return raw, attack.Ended{}, nil
}

// box is a box without the layers in off.
func (s suite) box(t *testing.T, off []string, setup attack.Setup, unless string, alter func(*specs.Spec), keys []string) ([]byte, attack.Ended, error) {
	spec, out := boxed(t, "")
	spec.Args = s.host.Task(keys, setup, suiteOpen(unless))
	spec.Dir = s.host.Model
	spec.Binds = append(spec.Binds, Bind{Source: s.host.Model, Target: s.host.Model}, Bind{Source: spec.Host.Program, Target: s.host.Program, Exec: true})
	if setup.Output {
		spec.Binds = append(spec.Binds, Bind{Source: s.host.Output, Target: s.host.Output, Write: true})
	}
	sb := &spec.Sandbox
	sb.Allow = policy.Operations{Subprocess: unless != "subprocess", NativeCode: unless != "native_code"}
	for _, l := range []struct {
		to   *int64
		want int64
	}{{&sb.MemoryMB, setup.MemoryMB}, {&sb.Pids, setup.Pids}, {&sb.TmpMB, setup.TmpMB}, {&sb.ShmMB, setup.ShmMB}, {&sb.TimeoutSec, setup.TimeoutSec}} {
		if l.want > 0 {
			*l.to = l.want
		}
	}
	if setup.CPUs > 0 {
		sb.CPUs = setup.CPUs
	}
	var b *Box
	var err error
	if off == nil {
		b, err = New(spec)
	} else {
		b = weakened(t, spec, off, alter)
	}
	if err != nil {
		return nil, attack.Ended{}, err
	}
	defer b.Close()
	if err := b.Start(context.Background()); err != nil {
		return nil, attack.Ended{}, err
	}
	if err := b.Release(); err != nil {
		return nil, attack.Ended{}, err
	}
	b.spec.Stdout.Close()
	output := make(chan []byte)
	go func() { raw, _ := io.ReadAll(out); output <- raw }()
	x, err := b.Wait(context.Background())
	closeErr := b.Close()
	ended := attack.Ended{Code: x.Code, Signal: x.Signal, OOM: x.OOM, TimedOut: x.TimedOut,
		PeakMemory: x.Usage.PeakMemory, OOMKills: x.Usage.OOMKills, PidsDenied: x.Usage.PidsDenied}
	raw := <-output
	if err == nil {
		err = closeErr
	}
	return raw, ended, err
}

// weakened plans a box without the layers in off.
func weakened(t *testing.T, s Spec, off []string, alter func(*specs.Spec)) *Box {
	t.Helper()
	for _, l := range Layers() {
		s.Sandbox.UnsafeOptional = append(s.Sandbox.UnsafeOptional, l.Name)
	}
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	b.off = append(b.off, off...)
	b.alter = alter
	if slices.Contains(off, "cgroup") {
		b.spec.Host.Cgroup = ""
		b.alter = func(oci *specs.Spec) { // libcontainer has a list of devices of its own
			oci.Linux.Resources = &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}}
			if alter != nil {
				alter(oci)
			}
		}
	}
	return b
}

// runnable are the checks that this host can run and that the payload makes; the rest are logged with their reason.
func runnable(t *testing.T, h *attack.Host) (out []attack.Check) {
	for _, c := range attack.All() {
		why := c.NotHere
		if len(c.Probes) > 0 {
			why = lacks(t, h, c.ID, c.Needs)
		}
		if why != "" {
			t.Logf("%s is not run: %s", c.ID, why)
			continue
		}
		if len(c.Tries()) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// lacks says what this host has not. It is a failure when REQUIRE says that this machine has it.
func lacks(t *testing.T, h *attack.Host, id string, needs []string) (why string) {
	for _, n := range needs {
		lack := h.Lacks(n)
		if lack != "" && slices.Contains(strings.Split(os.Getenv("REQUIRE"), ","), n) {
			t.Errorf("%s: REQUIRE names %s, and it is missing: %s", id, n, lack)
		}
		if lack != "" && why == "" {
			why = "needs " + n + ": " + lack
		}
	}
	return why
}

func TestEveryAttackIsStoppedByItsLayersAndByNothingElse(t *testing.T) {
	need(t, "root", "userns", "cgroup", "seccomp", "landlock")
	s := suite{host: suiteHost(t)}
	checks := runnable(t, s.host)

	all := func(attack.Probe) bool { return true }
	t.Run("with all layers", func(t *testing.T) {
		saw := s.try(t, way{}, checks, all)
		each(checks, all, func(c attack.Check, p attack.Probe) {
			if _, ok := p.Stopped(saw[c.Key(p)]); !ok {
				t.Errorf("%s: %q, want %s", c.Key(p), saw[c.Key(p)], p.Wanted())
			}
		})
	})
	t.Run("without layers", func(t *testing.T) {
		with := slices.DeleteFunc(slices.Clone(checks), func(c attack.Check) bool {
			lack := lacks(t, s.host, c.ID, c.WithoutNeeds)
			if lack != "" {
				t.Logf("%s is not tried without layers: %s", c.ID, lack)
			}
			return c.NoWithout != "" || lack != ""
		})
		inBox := func(p attack.Probe) bool { return !p.Benign && !p.OnBareHost() }
		onHost := func(p attack.Probe) bool { return !p.Benign && p.OnBareHost() }
		saw := s.try(t, way{off: removable, altered: true}, with, inBox)
		maps.Copy(saw, s.try(t, way{onHost: true}, with, onHost))
		each(with, all, func(c attack.Check, p attack.Probe) {
			if !p.Benign && !p.GotThrough(saw[c.Key(p)]) {
				t.Errorf("%s: %q without layers too, want %v: it tries nothing", c.Key(p), saw[c.Key(p)], p.Through)
			}
		})
	})
	for _, l := range Layers() {
		t.Run("with "+l.Name+" alone", func(t *testing.T) {
			its := slices.DeleteFunc(slices.Clone(checks), func(c attack.Check) bool {
				return c.NotAlone[l.Name] != "" || c.NoWithout != "" || !slices.Contains(c.Layers, l.Name)
			})
			shows := func(p attack.Probe) bool {
				return slices.Contains(slices.Collect(maps.Values(p.Want)), l.Name) || slices.Contains(p.Also, l.Name)
			}
			w := way{off: removable}
			if slices.Contains(removable, l.Name) {
				w = way{off: except(append(beside[l.Name], l.Name)...), altered: true}
			}
			saw := s.try(t, w, its, shows)
			if len(saw) == 0 {
				t.Errorf("nothing that the layer stops is tried")
			}
			each(its, shows, func(c attack.Check, p attack.Probe) {
				// The observation must be the layer's own: another wall in front of it is taken away by an alteration.
				if layer, ok := p.Stopped(saw[c.Key(p)]); layer != l.Name && !(ok && slices.Contains(p.Also, l.Name)) {
					t.Errorf("%s: %q with %s alone, want its own of %s", c.Key(p), saw[c.Key(p)], l.Name, p.Wanted())
				}
			})
		})
	}
	for _, change := range s.host.Changed() {
		t.Log("changed on the host: ", change)
	}
}

// each calls f for every probe that the payload makes.
func each(checks []attack.Check, only func(attack.Probe) bool, f func(attack.Check, attack.Probe)) {
	for _, c := range checks {
		for _, p := range c.Probes {
			if p.Try != nil && only(p) {
				f(c, p)
			}
		}
	}
}
