package runner

import (
	"fmt"
	"slices"
	"time"

	"github.com/loadlock/loadlock/isolate"
)

const (
	// stallAfter is how long a command makes no progress before that is worth a line.
	stallAfter = 5 * time.Second
	// stallSlack is how long after a denial a command may still be busy with it: printing a traceback, say.
	stallSlack = 2 * time.Second
	// stallShare is the part of one processor below which a command is not busy: event loops wake up now and then.
	stallShare = 0.01
)

// stall notices that a command stopped making progress around the time of a denial. A denied socket() can make a
// program wait for ever without a word.
type stall struct {
	after time.Duration

	since  time.Duration // the beginning of the present quiet, on the clock of the denials
	cpu    time.Duration // used until then
	output int64         // written until then, as far as we know
	from   time.Duration // since when the quiet is a denial's; 0: it is not
	told   bool
}

// tick looks at the command at a moment. It reports true once for each stall: quiet for long enough after a denial,
// which came shortly before the quiet or during it.
func (s *stall) tick(now, cpu time.Duration, output int64, lastDenial time.Duration) bool {
	if s.since == 0 || output != s.output || cpu-s.cpu > time.Duration(float64(now-s.since)*stallShare) {
		*s = stall{after: s.after, since: now, cpu: cpu, output: output}
		return false
	}
	if s.from == 0 && lastDenial >= s.since-stallSlack {
		s.from = max(s.since, lastDenial)
	}
	if s.told || s.from == 0 || now-s.from < s.after {
		return false
	}
	s.told = true
	return true
}

// watchStall tells Job.Notice about stalls, until the function it returns is called.
func (r *run) watchStall() (stop func()) {
	if r.job.Notice == nil {
		return func() {}
	}
	s := stall{after: r.job.stall}
	if s.after == 0 {
		s.after = stallAfter
	}
	began := time.Now()
	ticker := time.NewTicker(s.after / 10)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			list, _ := r.box.Denials()
			list = slices.DeleteFunc(list, func(d isolate.Denial) bool { return d.Usual != "" })
			if len(list) == 0 {
				continue // nothing to blame: no look at the processes
			}
			last := slices.MaxFunc(list, func(a, b isolate.Denial) int { return int(a.Last - b.Last) })
			if s.tick(time.Since(began), r.box.CPUTime(), r.stdio.bytes(), last.Last) {
				r.notice(fmt.Sprintf("no progress for %g s after %s; when it has ended: loadlock explain last", s.after.Seconds(), denialWords(last)))
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(done)
		<-ended
	}
}

// notice tells the caller something while the command runs.
func (r *run) notice(line string) {
	if r.job.Notice == nil {
		return
	}
	r.noticing.Lock()
	defer r.noticing.Unlock()
	r.job.Notice(line)
}
