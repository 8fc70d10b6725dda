package attack

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Check is one attack: what a hostile workload tries, and what must be seen when it does. A check without probes
// cannot be tried by this program; NotHere then says why, and where it is looked at instead.
type Check struct {
	ID     string   // "F-01"; the letter names the part, see doc.go
	Title  string   // what the workload does, in the third person
	Refs   []string // CVE numbers and man pages
	Layers []string // who stops it: names of isolate.Layers, or Ours
	Needs  []string // what it needs of the host; see Host.Lacks
	Unless string   // operation of the policy ("network_access", …) that makes it a permission instead of an attack
	Setup  Setup    // the box; the zero value is the one that most checks share
	Probes []Probe

	NotHere      string            // why there are no probes
	WithoutNeeds []string          // what this host must have for it to get through without its layer
	NoWithout    string            // why it cannot be shown to get through without its layer; empty: it is shown
	NotAlone     map[string]string // layers that cannot be shown to stop it alone, and why
}

// Probe is one observation. Exactly one of Try, Look and Drive is set.
type Probe struct {
	Name  string
	Try   func(*Inside) string      // made by the payload, inside the box
	Look  func(*Host, Ended) string // made outside, after the box in which the check's payload ran has ended
	Drive func(*Host) string        // made outside, starting loadlock itself

	// Want is what must be seen, and the layer that shows itself by it ("" when something must work).
	Want Saw
	// Also are layers that stop it too, and behind the others: they answer with the same words.
	Also []string
	// Through is what is seen without the layer; empty: anything but Want.
	Through []string
	Benign  bool // a near miss that must work
}

// Ours is no layer but this program itself: what it closes, leaves out, copies and ends.
const Ours = "loadlock"

// OnBareHost reports whether a probe is shown to get through on the bare host: there is no box without the mount layer,
// which brings pid 1's program, without the pid layer, because pid 1 is what it is, or without this program.
func (p Probe) OnBareHost() bool {
	for _, layer := range p.Want {
		if slices.Contains([]string{"mount", "pid", Ours}, layer) {
			return true
		}
	}
	return false
}

// Saw maps an observation to the layer that it comes from. An observation is one word: the name of an errno, of a
// signal, "through", or what the probe says.
type Saw map[string]string

// Setup is a box that a check needs for itself. Zero fields are the policy's. It is comparable: checks with the same
// Setup share a box.
type Setup struct {
	MemoryMB, Pids, TmpMB, ShmMB, TimeoutSec int64
	CPUs                                     float64
	Output                                   bool   // --output, into Host.Output
	Alone                                    string // shares its box with nobody: the check's ID
}

// Ended is how the box of a check ended, as the supervisor reports it.
type Ended struct {
	Code, Signal                     int
	OOM, TimedOut                    bool
	PeakMemory, OOMKills, PidsDenied int64
	Skipped                          []string // left in the output folder and not copied out
	Notes                            []string
	Seconds                          float64
}

// Word is the observation when the payload ended before it could report.
func (e Ended) Word() string {
	switch {
	case e.OOM:
		return "oom"
	case e.TimedOut:
		return "time-limit"
	case e.Signal != 0:
		return unix.SignalName(unix.Signal(e.Signal))
	}
	return fmt.Sprintf("exit-%d", e.Code)
}

// Key names a probe of a check: "F-01/shadow".
func (c Check) Key(p Probe) string { return c.ID + "/" + p.Name }

// Tries are the keys of the probes that the payload makes, in order.
func (c Check) Tries() (keys []string) {
	for _, p := range c.Probes {
		if p.Try != nil {
			keys = append(keys, c.Key(p))
		}
	}
	return keys
}

// Stopped reports whether an observation is one that must be seen, and which layer it shows.
func (p Probe) Stopped(saw string) (layer string, ok bool) {
	layer, ok = p.Want[saw]
	return layer, ok
}

// GotThrough reports whether an observation shows that nothing stopped the probe.
func (p Probe) GotThrough(saw string) bool {
	if _, ok := p.Want[saw]; ok || saw == "" {
		return false
	}
	if len(p.Through) == 0 && (slices.Contains([]string{"hangs", "time-limit", "error"}, saw) || strings.HasPrefix(saw, "exit-")) {
		return false // that is no answer of the kernel
	}
	return len(p.Through) == 0 || slices.Contains(p.Through, saw)
}

// Wanted is Want as text.
func (p Probe) Wanted() string { return strings.Join(slices.Sorted(maps.Keys(p.Want)), " or ") }

// All is the whole table.
func All() []Check {
	return slices.Concat(files(), proc(), lifecycle(), namespaces(), resources(),
		calls(), moreCalls(), code(), races(),
		sockets(), descriptors(), devices(), gap(), ownBinary())
}

// Find returns the probe of a key.
func Find(key string) (Check, Probe, bool) {
	for _, c := range All() {
		for _, p := range c.Probes {
			if c.Key(p) == key {
				return c, p, true
			}
		}
	}
	return Check{}, Probe{}, false
}
