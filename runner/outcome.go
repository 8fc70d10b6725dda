package runner

import (
	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/validate"
)

// Outcome summarises a run in one word.
type Outcome string

// The outcomes. Status says the exit status of each.
const (
	Exited        Outcome = "exited"         // the command's own status
	Signaled      Outcome = "signaled"       // 128+n
	OutOfMemory   Outcome = "oom"            // 137, also when the command ended by itself before it could be killed: a child of its was
	TimedOut      Outcome = "timeout"        // 124
	Denied        Outcome = "denied"         // 123, --fail-on-denial: it ended with 0, and unusual system calls were refused
	Rejected      Outcome = "rejected"       // 121, not run
	Inconclusive  Outcome = "inconclusive"   // 122, not run
	Failed        Outcome = "failed"         // 125, ours
	NotExecutable Outcome = "not-executable" // 126
	NotFound      Outcome = "not-found"      // 127
	Interrupted   Outcome = "interrupted"    // 128+n before the command ran
	Planned       Outcome = "planned"        // 0, --dry-run of an admitted model
)

// ofExit maps the command's story to an outcome and the exit status of loadlock (timeout(1), docker-run(1)).
func ofExit(e isolate.Exit) (Outcome, int) {
	switch {
	case e.TimedOut:
		return TimedOut, 124
	case e.OOM:
		return OutOfMemory, 137
	case e.Signal != 0:
		return Signaled, 128 + e.Signal
	default:
		return Exited, e.Code
	}
}

// ofVerdict maps a verdict that keeps the command from running.
func ofVerdict(v validate.Verdict) (Outcome, int) {
	if v == validate.Reject {
		return Rejected, 121
	}
	return Inconclusive, 122
}
