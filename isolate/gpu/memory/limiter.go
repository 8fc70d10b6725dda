package memory

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Limiter holds the limit of one box. A nil one holds none, and its methods do nothing.
type Limiter struct {
	limit   int64 // bytes of each device
	chosen  []chosen
	watches []*watch // one for each source
}

// Box is what a limiter needs of the box.
type Box interface {
	// Pids are the numbers of its processes, as the supervisor's pid namespace has them.
	Pids() ([]int, error)
	Kill() // everything in it, at once
}

// watched adds a device to those that a source tells of.
func (l *Limiter) watched(s source, device int) {
	i := slices.IndexFunc(l.watches, func(w *watch) bool { return w.source == s })
	if i < 0 {
		l.watches = append(l.watches, &watch{source: s, limit: l.limit, patience: Patience})
		i = len(l.watches) - 1
	}
	l.watches[i].devices = append(l.watches[i].devices, device)
}

// Plan says what will hold the limits, before anything starts.
func (l *Limiter) Plan() []Held {
	if l == nil {
		return nil
	}
	var out []Held
	for _, c := range l.chosen {
		out = append(out, c.held)
	}
	return out
}

// Weaker names the limits that are no walls, for the list of what makes a run weaker than it looks.
func (l *Limiter) Weaker() (lines []string) {
	for _, h := range l.Plan() {
		if !h.Hard {
			lines = append(lines, fmt.Sprintf("GPU memory of %s: %d MiB is no hard limit: %s", h.GPU, h.Limit>>20, h.How))
		}
	}
	return lines
}

// Confine writes the kernel's limits into the box's group, an absolute folder of cgroup v2, and reads them back. It must be
// called when the group exists and nothing of the workload has run. An error is a *Refusal.
func (l *Limiter) Confine(group string) error {
	if l == nil {
		return nil
	}
	for _, c := range l.chosen {
		for _, r := range c.regions {
			err := errors.New("the box has no group on cgroup v2")
			if filepath.IsAbs(group) {
				err = writeMax(group, r)
			}
			if err != nil {
				return &Refusal{What: fmt.Sprintf("dmem.max of %s cannot be set: %v", r.name, err),
					Remedy: "see cgroup.controllers and cgroup.subtree_control above " + group + "; or gpu.enforce: best-effort with a kernel that has no dmem"}
			}
		}
	}
	return nil
}

// Running is a limiter at work.
type Running struct {
	limiter *Limiter
	group   string
	stop    chan struct{}
	done    sync.WaitGroup

	mu    sync.Mutex
	peaks []int64 // by device
	over  []bool
	cause error
}

// Start begins to watch. group is as in Confine, empty where there is none. Precondition: Confine has returned nil.
func (l *Limiter) Start(box Box, group string) *Running {
	if l == nil {
		return nil
	}
	r := &Running{limiter: l, group: group, stop: make(chan struct{}), peaks: make([]int64, len(l.chosen)), over: make([]bool, len(l.chosen))}
	for i := range r.peaks {
		r.peaks[i] = -1
	}
	for _, w := range l.watches {
		r.done.Go(func() { w.run(r, box) })
	}
	if slices.ContainsFunc(l.chosen, func(c chosen) bool { return len(c.regions) > 0 }) {
		r.done.Go(r.sampleDmem)
	}
	return r
}

// Stop ends the watchers, and tells what was used. The error says why the limiter killed the box, if it did: an
// *ExceededError or a *BlindError. It may be called once.
func (r *Running) Stop() ([]Held, error) {
	if r == nil {
		return nil, nil
	}
	close(r.stop)
	r.done.Wait()
	held := r.limiter.Plan()
	for i := range held {
		held[i].Peak, held[i].Exceeded = r.peaks[i], r.over[i]
		if regions := r.limiter.chosen[i].regions; len(regions) > 0 {
			held[i].Peak, held[i].Left = max(held[i].Peak, r.dmem("dmem.peak", regions)), max(0, r.dmem("dmem.current", regions))
		}
	}
	return held, r.cause
}

// saw notes what a device's memory is used by the box, and reports whether that is the reason to kill it.
func (r *Running) saw(device int, bytes int64) (over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.peaks[device] = max(r.peaks[device], bytes)
	if bytes <= r.limiter.limit {
		return false
	}
	r.over[device] = true
	if r.cause == nil {
		r.cause = &ExceededError{GPU: r.limiter.chosen[device].held.GPU, Used: bytes, Limit: r.limiter.limit}
	}
	return true
}

// blind notes that a source does not answer any more.
func (r *Running) blind(err *BlindError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cause == nil {
		r.cause = err
	}
}

// sampleDmem looks at what is charged, for kernels without dmem.peak. The kernel holds the limit; nobody is killed here.
func (r *Running) sampleDmem() {
	for tick := time.NewTicker(time.Second / 4); ; {
		for i, c := range r.limiter.chosen {
			if len(c.regions) > 0 {
				r.mu.Lock()
				r.peaks[i] = max(r.peaks[i], r.dmem("dmem.current", c.regions))
				r.mu.Unlock()
			}
		}
		select {
		case <-r.stop:
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}

// dmem is the sum of one of the controller's files over some regions, -1 when it cannot be read.
func (r *Running) dmem(file string, regions []region) int64 { return sumOf(r.group, file, regions) }

// ExceededError says that a watcher killed the box.
type ExceededError struct {
	GPU         string
	Used, Limit int64
}

func (e *ExceededError) Error() string {
	return fmt.Sprintf("GPU memory: %d MiB of %s were in use, and the limit is %d MiB: the watcher killed the command", (e.Used+1<<20-1)>>20, e.GPU, e.Limit>>20)
}

// BlindError says that a watcher got no answer any more and ended the box.
type BlindError struct {
	Source string
	For    time.Duration
	Err    error
}

func (e *BlindError) Error() string {
	return fmt.Sprintf("GPU memory: %s gave no answer for %s, so nothing held gpu.memory_limit_mb: the command was ended: %v", e.Source, e.For, e.Err)
}
func (e *BlindError) Unwrap() error { return e.Err }
