package memory

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"time"
)

// Patience is how long a watcher may be without an answer before it ends the box.
const Patience = 10 * time.Second

// source tells how much memory processes use.
type source interface {
	name() string
	every() time.Duration // between two questions
	// read tells what processes use of its devices; those that are not among pids may be left out. It must be complete for
	// pids: an error when it cannot be.
	read(ctx context.Context, pids []int) ([]use, error)
}

// use is what one process, or one of its clients of a driver, holds.
type use struct {
	pid    int
	device string // as the source names it; see key
	client string // two uses of a device with the same client are one; empty: no such thing
	bytes  int64
}

// watch asks one source, for all the devices that it tells of.
type watch struct {
	source   source
	devices  []int // of the limiter
	limit    int64
	patience time.Duration
}

// run asks until the box has ended, or kills it: above the limit, or when there was no answer for too long.
func (w *watch) run(r *Running, box Box) {
	// The kernel ends a child of the source with the thread that started it (PR_SET_PDEATHSIG).
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-r.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	answered := time.Now()
	for {
		used, err := w.look(ctx, r.limiter.chosen, box, answered.Add(w.patience))
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			answered = time.Now()
			over := false
			for i, d := range w.devices {
				over = r.saw(d, used[i]) || over
			}
			if over {
				box.Kill()
				return
			}
		case time.Since(answered) >= w.patience:
			r.blind(&BlindError{Source: w.source.name(), For: w.patience, Err: err})
			box.Kill()
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(w.source.every()):
		}
	}
}

// look asks once. The box's processes are listed before and after: one that is in neither list, or whose number passed to a
// process outside while the source was asked, does not count; one that came meanwhile counts the next time.
func (w *watch) look(ctx context.Context, all []chosen, box Box, until time.Time) ([]int64, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	before, err := box.Pids()
	if err != nil {
		return nil, err
	}
	uses, err := w.source.read(ctx, before)
	if err != nil {
		return nil, err
	}
	after, err := box.Pids()
	if err != nil {
		return nil, err
	}
	sums := make([]int64, len(w.devices))
	seen := map[[2]string]bool{}
	for _, u := range uses {
		if !slices.Contains(before, u.pid) || !slices.Contains(after, u.pid) {
			continue
		}
		if u.client != "" {
			if seen[[2]string{u.device, u.client}] {
				continue
			}
			seen[[2]string{u.device, u.client}] = true
		}
		i := slices.IndexFunc(w.devices, func(d int) bool { return all[d].key == u.device })
		if i < 0 {
			continue // a neighbour's, or one whose limit is held otherwise
		}
		if u.bytes < 0 {
			return nil, errors.New("the driver does not say how much memory a process of the box uses")
		}
		if sums[i] += u.bytes; sums[i] < 0 {
			return nil, errors.New("impossible numbers")
		}
	}
	return sums, nil
}
