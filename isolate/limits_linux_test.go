package isolate

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLimitsAreFullOnlyWhenEachIsAtMostWhatWasAskedFor(t *testing.T) {
	var fine strings.Builder
	for _, l := range rlimits(Spec{}) {
		fmt.Fprintf(&fine, "%-25s %-20d %-20d units\n", l.proc, l.max, l.max)
	}
	proc := func(oom string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "oom_score_adj"), []byte(oom), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	replace := func(name, value string) string {
		var out strings.Builder
		for line := range strings.Lines(fine.String()) {
			if strings.HasPrefix(line, name) {
				line = fmt.Sprintf("%-25s %-20s %-20s units\n", name, value, value)
			}
			out.WriteString(line)
		}
		return out.String()
	}
	for _, tc := range []struct {
		name, limits string
		want         Strength
	}{
		{"as asked for", fine.String(), Full},
		{"lower, because the supervisor's own was lower at the time", replace("Max locked memory", "65536"), Full},
		{"higher", replace("Max msgqueue size", "1"), Partial},
		{"unlimited", replace("Max core file size", "unlimited"), Partial},
		{"not in the kernel's list", strings.ReplaceAll(fine.String(), "Max pending signals", "Max something else"), Partial},
		{"no list", "", Partial},
	} {
		if got, why := limitsLayer.Observe(View{dir: proc("1000"), limits: tc.limits}, Spec{}); got != tc.want {
			t.Errorf("%s: %s (%s), want %s", tc.name, got, why, tc.want)
		}
	}
	if got, _ := limitsLayer.Observe(View{dir: proc(fmt.Sprint(workloadOOM() - 1)), limits: fine.String()}, Spec{}); got != Partial {
		t.Errorf("chosen later than asked for: %s", got)
	}
}

func TestOutOfMemoryTheWorkloadIsChosenBeforeTheSupervisor(t *testing.T) {
	needBox(t)
	own := oomScoreAdj("/proc/self")
	s, out := boxed(t, fmt.Sprintf("cat /proc/self/oom_score_adj; echo %d 2>/dev/null >/proc/self/oom_score_adj || echo refused", own-1))
	want := fmt.Sprintf("%d\nrefused\n", min(own+oomAbove, 1000))
	if _, text, _ := runBox(t, s, out); text != want {
		t.Errorf("%q, want %q", text, want)
	}
}
