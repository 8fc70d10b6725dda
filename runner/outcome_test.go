package runner

import (
	"testing"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/validate"
)

func TestEveryStoryHasOneOutcomeAndStatus(t *testing.T) {
	for _, c := range []struct {
		name   string
		exit   isolate.Exit
		want   Outcome
		status int
	}{
		{"success", isolate.Exit{}, Exited, 0},
		{"own status", isolate.Exit{Code: 7}, Exited, 7},
		{"own status that looks like ours", isolate.Exit{Code: 124}, Exited, 124},
		{"signal", isolate.Exit{Signal: 11}, Signaled, 139},
		{"out of memory", isolate.Exit{Signal: 9, OOM: true}, OutOfMemory, 137},
		{"a child was killed for memory, the command ended before it was killed, too", isolate.Exit{OOM: true}, OutOfMemory, 137},
		{"time limit wins over the signal that enforced it", isolate.Exit{Signal: 15, TimedOut: true}, TimedOut, 124},
		{"time limit wins over a clean exit on SIGTERM", isolate.Exit{TimedOut: true}, TimedOut, 124},
	} {
		if got, st := ofExit(c.exit); got != c.want || st != c.status {
			t.Errorf("%s: %s %d, want %s %d", c.name, got, st, c.want, c.status)
		}
	}
	if _, st := ofVerdict(validate.Reject); st != 121 {
		t.Error(st)
	}
	for _, v := range []validate.Verdict{validate.Undecided, validate.Inconclusive} {
		if _, st := ofVerdict(v); st != 122 {
			t.Errorf("%s: %d", v, st)
		}
	}
}

func TestTheWorstVerdictOfSeveralModelsCounts(t *testing.T) {
	if worse(validate.Admit, validate.Inconclusive) != validate.Inconclusive || worse(validate.Reject, validate.Admit) != validate.Reject ||
		worse(validate.Undecided, validate.Admit) != validate.Admit {
		t.Error("order of verdicts")
	}
}

func TestLaunchWithoutClearanceRunsNothing(t *testing.T) {
	r := run{res: &Result{}}
	if err := r.launch(t.Context(), clearance{}); err == nil {
		t.Error("the zero clearance launched")
	}
}
