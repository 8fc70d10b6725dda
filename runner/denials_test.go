package runner

import (
	"strings"
	"testing"
	"time"

	"github.com/loadlock/loadlock/isolate"
)

func TestDenialsInTheSummary(t *testing.T) {
	socket := isolate.Denial{Call: "socket", Arg: "AF_INET", Errno: "EAFNOSUPPORT", Count: 13, Program: "/usr/bin/\x1b[31mpython", Last: 2 * time.Second}
	usual := isolate.Denial{Call: "mbind", Errno: "EPERM", Count: 5, Usual: "because", Last: 3 * time.Second}
	bpf := isolate.Denial{Call: "bpf", Errno: "EPERM", Count: 1, Last: time.Second}
	for _, tc := range []struct {
		what  string
		res   Result
		parts string
		last  string
	}{
		{"nothing", Result{}, "", ""},
		{"several", Result{Denials: []isolate.Denial{bpf, usual, socket}}, "14 denied calls (loadlock explain last)",
			"socket(AF_INET) was refused (EAFNOSUPPORT, by /usr/bin/�[31mpython), 13×, last after 2.00 s|bpf() was refused (EPERM), 1×, last after 1.00 s"},
		{"one", Result{Denials: []isolate.Denial{bpf}}, "1 denied call (loadlock explain last)", "bpf() was refused (EPERM), 1×, last after 1.00 s"},
		{"the usual", Result{Denials: []isolate.Denial{usual}}, "", ""},
		{"not counted", Result{DenialsNotCounted: "there is no listener"}, "denied calls not counted: there is no listener", ""},
	} {
		if got := strings.Join(deniedPart(tc.res), "|"); got != tc.parts {
			t.Errorf("%s: %q, want %q", tc.what, got, tc.parts)
		}
		var b strings.Builder
		lastDenials(&b, tc.res)
		got := strings.ReplaceAll(strings.TrimSpace(b.String()), "denied before: ", "")
		if got = strings.Join(strings.Split(got, "\n          "), "|"); got != tc.last {
			t.Errorf("%s: last %q, want %q", tc.what, got, tc.last)
		}
	}
}

func TestFailOnDenialFailsASuccessOnly(t *testing.T) {
	bpf := []isolate.Denial{{Call: "bpf", Errno: "EPERM", Count: 1}}
	for _, tc := range []struct {
		what    string
		asked   bool
		res     Result
		outcome Outcome
		status  int
	}{
		{"a success with a denial", true, Result{Outcome: Exited, Denials: bpf}, Denied, 123},
		{"not asked for", false, Result{Outcome: Exited, Denials: bpf}, Exited, 0},
		{"a success without one", true, Result{Outcome: Exited}, Exited, 0},
		{"a success with a usual one", true, Result{Outcome: Exited, Denials: []isolate.Denial{{Call: "mbind", Count: 1, Usual: "because"}}}, Exited, 0},
		{"a success whose counting failed on the way", true, Result{Outcome: Exited, DenialsNotCounted: "the listener failed"}, Denied, 123},
		{"a failure of its own", true, Result{Outcome: Exited, Status: 3, Denials: bpf}, Exited, 3},
		{"a time limit", true, Result{Outcome: TimedOut, Status: 124, Denials: bpf}, TimedOut, 124},
	} {
		r := run{job: Job{FailOnDenial: tc.asked}, res: &tc.res}
		r.failOnDenial()
		if tc.res.Outcome != tc.outcome || tc.res.Status != tc.status {
			t.Errorf("%s: %s %d, want %s %d", tc.what, tc.res.Outcome, tc.res.Status, tc.outcome, tc.status)
		}
	}
}
