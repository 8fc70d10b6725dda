package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"golang.org/x/sys/unix"
)

// lease takes a read lease (fcntl(2), F_SETLEASE) on the descriptor that is held. The kernel gives it only when nobody
// has the file open for writing, a mapping that outlived its descriptor included, under any of its names. From then on
// open(2) for writing and truncate(2) wait until the lease is given back, at most /proc/sys/fs/lease-break-time
// seconds (45), and we get SIGIO. Only the owner of a file, and root, can have one.
func lease(_ context.Context, r *run, f *validate.File) error {
	if err := fileSystem(f, localOnly); err != nil {
		return err
	}
	_, err := unix.FcntlInt(f.Held().Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	switch {
	case errors.Is(err, unix.EAGAIN):
		r.written = append(r.written, f)
		return fmt.Errorf("somebody has the file open for writing: %w", errNotThisWay)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("only the owner of the file can have one: %w", errNotThisWay)
	case err != nil:
		return fmt.Errorf("%w: %w", err, errNotThisWay)
	}
	r.leased = append(r.leased, f)
	return nil
}

// broken reports whether somebody waits to write to a leased file: the kernel then shows what the lease is to become.
func broken(f *validate.File) bool {
	kind, err := unix.FcntlInt(f.Held().Fd(), unix.F_GETLEASE, 0)
	return err != nil || kind != unix.F_RDLCK
}

// unbroken is the last look before the command starts.
func (r *run) unbroken() error {
	for _, f := range r.leased {
		if broken(f) {
			return &validate.ChangedError{Path: f.Path, What: "somebody opened it for writing"}
		}
	}
	return nil
}

// watchLeases waits for writers while the command runs, and calls opened once for each file that one waits for, before
// that writer can write. Where the policy says unchangeable, the lease is kept until everything is over; else it is given
// back, so that nobody waits for a command that may run for days.
func (r *run) watchLeases(ctx context.Context, opened func(*validate.File)) (stop func()) {
	if len(r.leased) == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGIO)
	look := func() {
		for _, f := range r.leased {
			if !r.opened[f] && broken(f) {
				r.opened[f] = true
				opened(f)
				if r.policy.ModelFiles != policy.ModelFilesUnchangeable {
					_, _ = unix.FcntlInt(f.Held().Fd(), unix.F_SETLEASE, unix.F_UNLCK)
				}
			}
		}
	}
	go func() {
		defer close(done)
		look() // who came since unbroken still waits
		for {
			select {
			case <-ctx.Done():
				look()
				return
			case <-signals:
				look()
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		cancel()
		<-done
	}
}
