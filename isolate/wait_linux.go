package isolate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Signal forwards a signal to the command.
func (b *Box) Signal(sig unix.Signal) error { return b.control.signal(sig) }

// SignalGroup sends a signal to the command's process group, as the keys of a terminal do.
func (b *Box) SignalGroup(sig unix.Signal) error { return b.control.signalGroup(sig) }

// Foreground continues the command as the foreground of its terminal.
func (b *Box) Foreground() error { return b.control.foreground(1) }

// Background continues the command in the background of its terminal, if it has one.
func (b *Box) Background() error { return b.control.foreground(0) }

const (
	// grace is how long a command has between SIGTERM and SIGKILL, unless a test is in a hurry.
	grace = 5 * time.Second
	// orderly is how long pid 1 has to end everything in good order before it is ended itself.
	orderly = time.Second
	// beyond is how long after the time limit and the grace pid 1 ends the command by itself: a supervisor that was
	// stopped does not.
	beyond = 2 * time.Second
)

// ownLimit is the time, in seconds, after which pid 1 does not wait for us any longer.
func (b *Box) ownLimit() uint32 {
	return uint32(b.spec.Sandbox.TimeoutSec + int64((b.grace+beyond+time.Second-1)/time.Second))
}

// Wait waits for the command. It ends it when the time limit passes or ctx is over: SIGTERM, a grace period, SIGKILL
// to everything. The time is CLOCK_MONOTONIC's: no change of the date moves it.
func (b *Box) Wait(ctx context.Context) (Exit, error) {
	var timedOut atomic.Bool
	limit := time.Duration(b.spec.Sandbox.TimeoutSec) * time.Second
	soft := time.AfterFunc(limit, func() {
		timedOut.Store(true)
		b.end()
	})
	defer soft.Stop()
	defer context.AfterFunc(ctx, b.end)()
	defer b.killOnOOM()()

	exit, err := b.story()
	exit.TimedOut = exit.TimedOut || timedOut.Load()
	exit.Usage = b.usage()
	notice := b.oom.Load()
	if notice != nil && exit.Usage.PeakMemory < 0 {
		exit.Usage = *notice // the group is gone
	}
	exit.OOM = exit.Usage.OOMKills > 0 || notice != nil
	if err != nil {
		return exit, err
	}
	_ = b.control.send(msgDismiss) // it was killed with the box, or waits for this
	exit.Stuck = b.reap()
	b.closeDenials()
	return exit, nil
}

// story is what pid 1 tells until the command has ended.
func (b *Box) story() (exit Exit, err error) {
	for {
		m, err := b.control.receive()
		switch {
		case errors.Is(err, io.EOF): // pid 1 was killed with everything else
			exit.Signal = int(unix.SIGKILL)
			return exit, nil
		case err != nil:
			return exit, fmt.Errorf("control socket: %w", err)
		}
		switch m.Kind {
		case msgStopped:
			if b.Stopped != nil {
				b.Stopped(unix.Signal(m.Value))
			}
		case msgOthers:
			exit.Survivors = int(m.Value)
		case msgWait:
			exit.TimedOut = m.Step != 0
			if ws := unix.WaitStatus(m.Value); ws.Signaled() {
				exit.Signal = int(ws.Signal())
			} else {
				exit.Code = ws.ExitStatus()
			}
			return exit, nil
		default:
			return exit, fmt.Errorf("pid 1 sent %q", m.Kind)
		}
	}
}

// end asks the command to end, and ends it after a while: first only the command, so that pid 1 reports how it ended
// and its terminal shows what was written; then pid 1 and all.
func (b *Box) end() {
	_ = b.Signal(unix.SIGTERM)
	_ = b.Signal(unix.SIGCONT) // one that was stopped has to see it
	time.AfterFunc(b.grace, func() { _ = b.Signal(unix.SIGKILL) })
	time.AfterFunc(b.grace+orderly, b.kill)
}

// kill ends everything in the box: the end of pid 1 is the end of the pid namespace (pid_namespaces(7)).
func (b *Box) kill() {
	if b.first != nil {
		_ = b.first.kill()
	}
}

// Close ends what still runs and removes the cgroup and the run folder. It may be called more than once. A *StuckError says
// that the kernel does not end something, which keeps the cgroup; the run folder then stays too, for Remove.
func (b *Box) Close() error {
	b.closeOnce.Do(func() {
		if b.control.file != nil {
			b.control.file.Close()
		}
		if b.container != nil {
			if b.first != nil {
				b.kill()
				b.closeErr = b.gone()
				b.first.close()
			}
			if b.closeErr == nil {
				b.closeErr = b.container.Destroy()
			}
		}
		b.closeDenials()
		b.dropNodes()
		if b.back != nil {
			b.back()
		}
		close(b.keeper)
		if !errors.As(b.closeErr, new(*StuckError)) { // what is there of it, the next call looks for
			b.closeErr = errors.Join(b.closeErr, os.RemoveAll(b.spec.RunDir))
		}
	})
	return b.closeErr
}
