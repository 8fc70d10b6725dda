package seccomp

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/policy"
)

// tolerated are measured calls that stay refused; the program works without them.
func tolerated() map[string]string {
	calls := map[string]string{"timer_settime": "follows timer_create, so it is never made"}
	for _, q := range quiet {
		calls[q.name] = q.why
	}
	maps.Copy(calls, usual)
	return calls
}

func TestEveryMeasuredCallIsAllowedOrKnownToBeTolerated(t *testing.T) {
	data, err := os.ReadFile("testdata/measured.txt")
	if err != nil {
		t.Fatal(err)
	}
	open := allowed(Profile(Options{Arch: "amd64", Ops: policy.Operations{Subprocess: true}}))
	seen, tolerated := map[string]bool{}, tolerated()
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for name := range strings.FieldsSeq(line) {
			seen[name] = true
			if !open[name] && tolerated[name] == "" {
				t.Errorf("%s was measured and is refused", name)
			}
		}
	}
	if len(seen) < 75 {
		t.Errorf("only %d calls in the list", len(seen))
	}
	for name := range tolerated {
		if !seen[name] || open[name] {
			t.Errorf("%s: measured %v, allowed %v: not an exception", name, seen[name], open[name])
		}
	}
}
