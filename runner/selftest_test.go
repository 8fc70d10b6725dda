package runner

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate/attack"
	"github.com/loadlock/loadlock/policy"
)

func TestACheckIsAsBadAsItsWorstProbe(t *testing.T) {
	try := func(*attack.Inside) string { return "" }
	c := attack.Check{ID: "X-01", Title: "tries", Probes: []attack.Probe{
		{Name: "a", Try: try, Want: attack.Saw{"EPERM": "seccomp", "ENOENT": "mount"}, Through: []string{"through"}},
		{Name: "b", Try: try, Want: attack.Saw{"EPERM": "seccomp"}},
	}}
	for _, tt := range []struct {
		a, b   string
		status CheckStatus
		layers string
	}{
		{"EPERM", "EPERM", CheckStopped, "seccomp"},
		{"ENOENT", "EPERM", CheckStopped, "mount seccomp"},
		{"through", "EPERM", CheckThrough, "seccomp"},
		{"EPERM", "EINVAL", CheckThrough, "seccomp"},
		{"EPERM", "hangs", CheckThrough, "seccomp"},
		{"EPERM", "SIGSEGV", CheckThrough, "seccomp"}, // the payload died of something else
		{"EPERM", "", CheckSilent, "seccomp"},
		{"", "through", CheckSilent, ""},
		{"through", "", CheckSilent, ""},
	} {
		s := selftest{host: &attack.Host{}, saw: map[string]string{}}
		for name, saw := range map[string]string{"a": tt.a, "b": tt.b} {
			if saw != "" {
				s.saw["X-01/"+name] = saw
			}
		}
		if r := s.judge(c); r.Status != tt.status || strings.Join(r.Layers, " ") != tt.layers || len(r.Probes) != 2 {
			t.Errorf("%q and %q: %+v", tt.a, tt.b, r)
		}
	}
}

func TestASelftestIsGreenOnlyWhenSomethingWasStopped(t *testing.T) {
	for _, tt := range []struct {
		s  Selftest
		ok bool
	}{
		{Selftest{Stopped: 1}, true},
		{Selftest{Stopped: 1, NotHere: 9}, true},
		{Selftest{NotHere: 9}, false},
		{Selftest{Stopped: 9, Through: 1}, false},
		{Selftest{Stopped: 9, Silent: 1}, false},
		{Selftest{Stopped: 9, Changed: []string{"marker file"}}, false},
	} {
		if tt.s.OK() != tt.ok {
			t.Errorf("%+v is %v", tt.s, !tt.ok)
		}
	}
}

func TestChecksAreSelectedByIDAndByPart(t *testing.T) {
	ids := func(names ...string) (out []string) {
		list, err := selected(names)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			out = append(out, c.ID)
		}
		return out
	}
	if got := ids("f-01", "P"); got[0] != "F-01" || !slices.Contains(got, "P-08") || slices.Contains(got, "F-02") {
		t.Errorf("%v", got)
	}
	if got := ids(); len(got) != len(attack.All()) {
		t.Errorf("%d checks without a name", len(got))
	}
	var usage *UsageError
	for _, bad := range []string{"F-99", "F-", "", "X"} {
		if _, err := selected([]string{bad}); !errors.As(err, &usage) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestThePolicyOfAHostWithoutLayersIsTheNamedOneWithThemOptional(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(file, []byte("extends: strict\noptional_layers: [uts]\ntimeout_seconds: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		explicit string
		optional []string
		timeout  int64
	}{{"", []string{"cgroup"}, 0}, {"strict", []string{"cgroup"}, 0}, {file, []string{"uts", "cgroup"}, 7}} {
		s := selftest{job: SelftestJob{Policy: policy.Sources{Host: "/nonexistent", User: "/nonexistent", Explicit: tt.explicit}}, waived: []string{"cgroup"}}
		var err error
		if s.policy, _, err = policy.Load(s.job.Policy); err != nil {
			t.Fatal(err)
		}
		name, err := s.waivedPolicy()
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(filepath.Dir(name))
		p, _, err := policy.Load(policy.Sources{Host: "/nonexistent", User: "/nonexistent", Explicit: name})
		if err != nil || !slices.Equal(slices.Sorted(slices.Values(p.Sandbox.UnsafeOptional)), slices.Sorted(slices.Values(tt.optional))) || tt.timeout != 0 && p.Sandbox.TimeoutSec != tt.timeout {
			t.Errorf("%q: %v, %+v", tt.explicit, err, p.Sandbox)
		}
	}
}

func TestWhatGotThroughIsPrintedWithWhatWasWanted(t *testing.T) {
	var b bytes.Buffer
	SelftestText(&b, Selftest{Policy: "safe", Waived: []string{"cgroup"}, Remedy: "run as root", Changed: []string{"marker file: x"}, Through: 1, Checks: []CheckResult{
		{ID: "F-01", Title: "reads", Status: CheckThrough, Probes: []ProbeResult{{Name: "marker", Saw: "through", Want: "ENOENT"}, {Name: "fine", Saw: "ENOENT", Want: "ENOENT", Layer: "mount"}}},
		{ID: "F-02", Title: "says nothing", Status: CheckSilent, Probes: []ProbeResult{{Name: "quiet", Want: "ENOENT"}}},
		{ID: "R-01", Title: "cannot", Status: CheckNotHere, Why: "needs cgroup"},
	}})
	for _, want := range []string{"marker: saw through, want ENOENT", "quiet: saw nothing, want ENOENT", "not here  R-01", "needs cgroup", "HOST CHANGED", "marker file: x", "run as root", "requires the layer cgroup"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in:\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "fine: saw") {
		t.Errorf("what was stopped is listed as wrong:\n%s", b.String())
	}
}
