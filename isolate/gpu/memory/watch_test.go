package memory

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake is a box, and the source that tells of it.
type fake struct {
	mu     sync.Mutex
	pids   [][]int // each answer of Pids in turn, the last one for ever
	uses   []use
	err    error
	asked  int
	killed time.Time
	dead   chan struct{}
}

func (f *fake) Pids() ([]int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.pids) == 0 {
		return nil, nil
	}
	p := f.pids[0]
	if len(f.pids) > 1 {
		f.pids = f.pids[1:]
	}
	return p, nil
}

func (f *fake) Kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.killed.IsZero() {
		f.killed = time.Now()
		close(f.dead)
	}
}

func (*fake) name() string         { return "the test" }
func (*fake) every() time.Duration { return time.Millisecond }
func (f *fake) read(ctx context.Context, _ []int) ([]use, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return slices.Clone(f.uses), f.err
}

func (f *fake) set(uses ...use) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.uses, f.asked = uses, 0
	return time.Now()
}

// looked waits until the source was asked a few times since set.
func (f *fake) looked(t *testing.T) {
	t.Helper()
	for range 2000 {
		f.mu.Lock()
		n := f.asked
		f.mu.Unlock()
		if n > 3 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("nobody asks")
}

// watching is a limiter that a fake source tells of GPUs "a", "b", … with a limit of 100 bytes each.
func watching(f *fake, devices ...string) *Limiter {
	f.dead = make(chan struct{})
	l := &Limiter{limit: 100}
	for i, d := range devices {
		l.chosen = append(l.chosen, chosen{sources: []source{f}, key: d, held: Held{GPU: d, Limit: 100, Mechanism: Watcher, Peak: -1}})
		l.watched(f, i)
	}
	return l
}

func TestTheWatcherKillsAboveTheLimitAndNotBefore(t *testing.T) {
	for _, tt := range []struct {
		what string
		pids [][]int
		uses []use
		kill bool
		peak []int64
	}{
		{"nothing is used", [][]int{{7}}, nil, false, []int64{0, 0}},
		{"just the limit", [][]int{{7}}, []use{{7, "a", "", 100}}, false, []int64{100, 0}},
		{"one byte more", [][]int{{7}}, []use{{7, "a", "", 101}}, true, []int64{101, 0}},
		{"each GPU has a limit of its own", [][]int{{7}}, []use{{7, "a", "", 100}, {7, "b", "", 100}}, false, []int64{100, 100}},
		{"the second one", [][]int{{7}}, []use{{7, "a", "", 1}, {7, "b", "", 101}}, true, []int64{1, 101}},
		{"processes of the box are added up", [][]int{{7, 8}}, []use{{7, "a", "", 60}, {8, "a", "", 60}}, true, []int64{120, 0}},
		{"a neighbour's do not count", [][]int{{7}}, []use{{7, "a", "", 60}, {9, "a", "", 600}}, false, []int64{60, 0}},
		{"nor other GPUs", [][]int{{7}}, []use{{7, "c", "", 600}}, false, []int64{0, 0}},
		{"one client in two processes is one", [][]int{{7, 8}}, []use{{7, "a", "1", 60}, {8, "a", "1", 60}}, false, []int64{60, 0}},
		{"two clients are two", [][]int{{7, 8}}, []use{{7, "a", "1", 60}, {8, "a", "2", 60}}, true, []int64{120, 0}},
		{"one number on two GPUs is two clients", [][]int{{7}}, []use{{7, "a", "1", 60}, {7, "b", "1", 60}}, false, []int64{60, 60}},
		{"a number that the box had and somebody else has now", [][]int{{7, 8}, {8}, {8}}, []use{{7, "a", "", 600}}, false, []int64{0, 0}},
	} {
		f := &fake{pids: tt.pids, uses: tt.uses}
		r := watching(f, "a", "b").Start(f, "")
		if tt.kill {
			<-f.dead
		} else {
			f.looked(t)
		}
		held, err := r.Stop()
		var over *ExceededError
		if killed := !f.killed.IsZero(); killed != tt.kill || errors.As(err, &over) != tt.kill || !tt.kill && err != nil {
			t.Errorf("%s: killed %v, %v", tt.what, killed, err)
		}
		for i, h := range held {
			if h.Peak != tt.peak[i] || h.Exceeded != (tt.kill && h.Peak > 100) {
				t.Errorf("%s: %+v, want a peak of %d", tt.what, h, tt.peak[i])
			}
		}
	}
}

// The watcher is no wall: what is above the limit for a moment, between two looks, is not seen, and what is seen was there.
func TestTheWatcherIsNoWallAndSaysSo(t *testing.T) {
	f := &fake{pids: [][]int{{7}}}
	l := watching(f, "a")
	if lines := l.Weaker(); len(lines) != 1 || !strings.Contains(lines[0], "no hard limit") {
		t.Errorf("%q", lines)
	}
	r := l.Start(f, "")
	f.looked(t)
	at := f.set(use{7, "a", "", 1 << 40})
	<-f.dead
	held, err := r.Stop()
	if err == nil || held[0].Hard || held[0].Peak != 1<<40 {
		t.Errorf("%+v, %v: all of a GPU was in use before anybody looked", held, err)
	}
	t.Logf("from the allocation to the kill: %v, the source being asked every %v", f.killed.Sub(at), f.every())
}

func TestAWatcherWithoutAnswersEndsTheBox(t *testing.T) {
	for what, f := range map[string]*fake{
		"it fails":                            {pids: [][]int{{7}}, err: errors.New("no driver")},
		"it does not say how much":            {pids: [][]int{{7}}, uses: []use{{7, "a", "", -1}}},
		"its numbers are impossible":          {pids: [][]int{{7}}, uses: []use{{7, "a", "", 1 << 62}, {7, "a", "", 1 << 62}}},
		"it hangs, and ends with its context": {pids: [][]int{{7}}},
	} {
		l := watching(f, "a")
		if strings.Contains(what, "hangs") {
			l.watches[0].source = hanging{f}
		}
		l.watches[0].patience = 50 * time.Millisecond
		r := l.Start(f, "")
		<-f.dead
		held, err := r.Stop()
		var blind *BlindError
		if !errors.As(err, &blind) || blind.Err == nil || held[0].Exceeded {
			t.Errorf("%s: %v, %+v", what, err, held)
		}
	}
	// One answer that does not come is no reason yet.
	f := &fake{pids: [][]int{{7}}, err: errors.New("busy")}
	r := watching(f, "a").Start(f, "")
	f.looked(t)
	f.mu.Lock()
	f.err = nil
	f.mu.Unlock()
	f.set(use{7, "a", "", 5})
	f.looked(t)
	if held, err := r.Stop(); err != nil || held[0].Peak != 5 || !f.killed.IsZero() {
		t.Errorf("%+v, %v", held, err)
	}
}

// What a driver does not say of a neighbour is no reason either.
func TestANeighbourThatNobodyCanMeasureIsLeftAlone(t *testing.T) {
	f := &fake{pids: [][]int{{7}}, uses: []use{{9, "a", "", -1}, {7, "a", "", 3}}}
	l := watching(f, "a")
	l.watches[0].patience = 50 * time.Millisecond
	r := l.Start(f, "")
	time.Sleep(100 * time.Millisecond)
	f.looked(t)
	if held, err := r.Stop(); err != nil || held[0].Peak != 3 {
		t.Errorf("%+v, %v", held, err)
	}
}

type hanging struct{ *fake }

func (hanging) read(ctx context.Context, _ []int) ([]use, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// The end of a run ends a question that is on its way.
func TestStopDoesNotWaitForAnAnswer(t *testing.T) {
	f := &fake{pids: [][]int{{7}}}
	l := watching(f, "a")
	l.watches[0].source = hanging{f}
	l.watches[0].patience = time.Hour
	if held, err := l.Start(f, "").Stop(); err != nil || held[0].Peak != -1 {
		t.Errorf("%+v, %v", held, err)
	}
}
