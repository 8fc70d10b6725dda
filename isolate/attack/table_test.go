package attack

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// parts are the identifiers that the table must have, each part from 01 on. They do not change: reports name them.
var parts = []struct {
	letter string
	count  int
}{{"F", 22}, {"P", 8}, {"L", 16}, {"N", 10}, {"S", 30}, {"I", 11}, {"R", 14}, {"D", 8}, {"G", 7}, {"V", 15}, {"H", 7}}

func TestTheTableHasEveryCheckOnce(t *testing.T) {
	have := map[string]int{}
	for _, c := range All() {
		have[c.ID]++
	}
	total := 0
	for _, p := range parts {
		for i := 1; i <= p.count; i++ {
			id := fmt.Sprintf("%s-%02d", p.letter, i)
			total++
			if have[id] != 1 {
				t.Errorf("%s is in the table %d times", id, have[id])
			}
			delete(have, id)
		}
	}
	for id := range have {
		t.Errorf("%s is in the table and on no list", id)
	}
	if total != 148 {
		t.Errorf("%d checks are listed", total)
	}
}

var layers = []string{"user", "mount", "pid", "net", "ipc", "uts", "cgroup", "limits", "capabilities", "no_new_privs", "landlock", "seccomp", Ours}

func TestEveryCheckSaysWhatMustBeSeen(t *testing.T) {
	word := regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	for _, c := range All() {
		if c.Title == "" || strings.ToLower(c.Title[:1]) != c.Title[:1] {
			t.Errorf("%s: title %q", c.ID, c.Title)
		}
		for _, n := range slices.Concat(c.Needs, c.WithoutNeeds) {
			if _, ok := needs[n]; !ok {
				t.Errorf("%s: needs %q, which nobody knows", c.ID, n)
			}
		}
		if (len(c.Probes) == 0) != (c.NotHere != "") {
			t.Errorf("%s: %d probes, and not here because %q", c.ID, len(c.Probes), c.NotHere)
		}
		named := map[string]bool{}
		for _, p := range c.Probes {
			if named[p.Name] || !word.MatchString(p.Name) {
				t.Errorf("%s: probe %q", c.ID, p.Name)
			}
			named[p.Name] = true
			kinds := 0
			for _, is := range []bool{p.Try != nil, p.Look != nil, p.Drive != nil} {
				if is {
					kinds++
				}
			}
			if kinds != 1 || len(p.Want) == 0 {
				t.Errorf("%s: %d ways to look, %d things that may be seen", c.Key(p), kinds, len(p.Want))
			}
			for saw, layer := range p.Want {
				if !word.MatchString(saw) || slices.Contains(p.Through, saw) {
					t.Errorf("%s: %q may be seen, and through is %q", c.Key(p), saw, p.Through)
				}
				if layer != "" && !slices.Contains(c.Layers, layer) {
					t.Errorf("%s: %s shows %s, which the check does not name", c.Key(p), saw, layer)
				}
				// Who was killed before the kernel answered did not get through, and no layer is credited with it.
				if layer == "" && saw != "SIGKILL" && !p.Benign && p.Try != nil && c.NoWithout == "" {
					t.Errorf("%s: %s shows no layer", c.Key(p), saw)
				}
			}
		}
		for _, p := range c.Probes {
			for _, l := range p.Also {
				if !slices.Contains(c.Layers, l) {
					t.Errorf("%s: %s stops it too, and the check does not name it", c.Key(p), l)
				}
			}
		}
		for _, l := range slices.Concat(c.Layers, slices.Collect(maps.Keys(c.NotAlone))) {
			if !slices.Contains(layers, l) {
				t.Errorf("%s: no layer is named %q", c.ID, l)
			}
		}
		if len(c.Tries()) > 0 && c.NoWithout == "" && len(c.Layers) == 0 {
			t.Errorf("%s: no layer stops it", c.ID)
		}
	}
}

// What is not shown to get through without its layer, and why: this is the list to read.
func TestChecksThatAreNotTriedWithoutTheirLayerSayWhy(t *testing.T) {
	for _, c := range All() {
		why := c.NoWithout
		switch {
		case len(c.Probes) == 0:
			t.Logf("%s is not tried at all: %s", c.ID, c.NotHere)
		case why == "" && len(c.Tries()) == 0:
			t.Errorf("%s is observed from outside only, and does not say why it is not tried without its layer", c.ID)
		case why != "":
			t.Logf("%s is not tried without its layer: %s", c.ID, why)
		}
		for l, why := range c.NotAlone {
			if why == "" {
				t.Errorf("%s: why does %s not stop it alone?", c.ID, l)
			}
			t.Logf("%s is not tried with %s alone: %s", c.ID, l, why)
		}
	}
}

func TestAReportThatStopsShortNamesTheProbe(t *testing.T) {
	saw, open := Report([]byte(`{"begin":"A"}
{"probe":"A","saw":"EPERM"}
noise
{"probe":"B","saw":"EPERM"}
{"begin":"C"}
{"probe":"C","sa`))
	if len(saw) != 1 || saw["A"] != "EPERM" || open != "C" {
		t.Errorf("%v, open %q", saw, open)
	}
}

func TestAProbeThatTakesThePayloadAlongDoesNotStopTheRest(t *testing.T) {
	var calls [][]string
	saw, _, err := Run([]string{"A", "B", "C"}, func(keys []string) ([]byte, Ended, error) {
		calls = append(calls, keys)
		if len(calls) == 1 {
			return []byte("{\"begin\":\"A\"}\n"), Ended{Signal: 31}, nil
		}
		return []byte("{\"begin\":\"B\"}\n{\"probe\":\"B\",\"saw\":\"EPERM\"}\n"), Ended{}, nil
	})
	if err != nil || len(calls) != 2 || saw["A"] != "SIGSYS" || saw["B"] != "EPERM" || len(saw) != 2 {
		t.Errorf("%v, %v, %v", saw, calls, err)
	}
}

func TestCallSaysWhatTheKernelSaid(t *testing.T) {
	if got := Call(unix.SYS_GETPID); got != "through" {
		t.Errorf("getpid: %s", got)
	}
	if got := Call(1<<20, nil, 3, uint64(1)<<40, "text", []byte{0}); got != "ENOSYS" {
		t.Errorf("a number that no call has: %s", got)
	}
}
