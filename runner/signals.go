package runner

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// manyInterrupts is how often Ctrl-C must be pressed to end a command that ignores it, where the terminal is not the
	// command's (there the key is; see terminal.Options.Insist).
	manyInterrupts = 3
	// patience is how long a command may go on after SIGTERM or SIGHUP was passed on to it. Then it is told again, and
	// ended after the grace period of isolate.Box: docker stop gives 10 s, Kubernetes 30.
	patience = 30 * time.Second
)

// signals gives up when a signal comes before the command runs, and passes it on to the command afterwards.
func (r *run) signals(ctx context.Context, giveUp context.CancelCauseFunc) {
	interrupts := 0
	var patient <-chan time.Time
	var last unix.Signal
	for {
		var sig unix.Signal
		select {
		case <-ctx.Done():
			return
		case <-patient:
			giveUp(SignalError(last))
			continue
		case s := <-r.job.Signals:
			var ok bool
			if sig, ok = s.(unix.Signal); !ok {
				continue
			}
		}
		r.mu.Lock()
		running := r.running
		r.mu.Unlock()
		switch {
		case sig == unix.SIGWINCH: // comes to the command through its pseudo-terminal
		case !running:
			giveUp(SignalError(sig))
		case sig == unix.SIGINT, sig == unix.SIGQUIT: // a key of the terminal: for all that are in the foreground
			if interrupts++; interrupts >= manyInterrupts {
				giveUp(SignalError(sig))
			}
			_ = r.box.SignalGroup(sig)
		default:
			if last = sig; patient == nil && (sig == unix.SIGTERM || sig == unix.SIGHUP) {
				patient = time.After(r.patience)
			}
			_ = r.box.Signal(sig)
		}
	}
}
