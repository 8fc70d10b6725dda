package isolate

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/loadlock/loadlock/seccomp"
	"golang.org/x/sys/unix"
)

// Release starts the command. Pid 1 forks, its child confines itself (Landlock, seccomp) and waits; only when the
// kernel shows of that very process what the policy requires may it execute the command. Release returns nil when
// the command was executed, and an *ExecError when it could not be.
func (b *Box) Release() error {
	o, err := b.order()
	if err != nil {
		return err
	}
	if o.flags&withLandlock != 0 {
		defer unix.Close(o.ruleset)
	}
	gate, theirs, err := newGate()
	if err != nil {
		return err
	}
	defer gate.file.Close()
	err = b.control.release(o, theirs)
	theirs.Close() // the end of the child's copy must be the end
	if err != nil {
		return fmt.Errorf("release: %w", err)
	}
	m, child, err := gate.receiveFrom()
	if err := b.failure(m, msgLocked, err); err != nil {
		return err
	}
	if m, err = b.control.receive(); err != nil || m.Kind != msgReady {
		return b.failure(m, msgReady, err)
	}
	if child.fd >= 0 {
		unix.Close(child.fd)
	}
	if err := gate.execute(); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	if m, err = gate.receive(); !errors.Is(err, io.EOF) {
		return b.failure(m, 0, err)
	}
	b.started = true
	for i := range b.Enforced {
		if b.Enforced[i].Layer == landlockLayer.Name && o.flags&withLandlock != 0 {
			b.Enforced[i] = Enforcement{Layer: landlockLayer.Name, Strength: Full}
		}
	}
	return nil
}

// order collects what the box needs to let the workload start.
func (b *Box) order() (o release, err error) {
	o.seconds = b.ownLimit()
	if b.spec.Terminal {
		o.flags |= withTerminal
	}
	if b.spec.Terminal && b.spec.Foreground {
		o.flags |= withForeground
	}
	if !slices.Contains(b.off, seccompLayer.Name) {
		if o.filters[filterPlain], err = seccomp.Seal(sealOptions(b.spec)); err != nil {
			return o, &LayerError{Layer: seccompLayer.Name, Err: err}
		}
	}
	if !slices.Contains(b.off, landlockLayer.Name) {
		if o.ruleset, err = ruleset(b.Root(), b.spec); err != nil {
			return o, &LayerError{Layer: landlockLayer.Name, Remedy: landlockLayer.Remedy, Err: err}
		}
		o.flags |= withLandlock
	}
	return o, nil
}

// failure is why a message is not of the kind that must come now.
func (b *Box) failure(m message, want byte, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("pid 1 ended before the command: %w", err)
	case m.Kind == msgFailed && int(m.Step) < len(steps):
		return &ExecError{Step: steps[m.Step], Path: b.spec.Args[0], Errno: unix.Errno(m.Value)}
	case m.Kind != want:
		return fmt.Errorf("the box sent %q", m.Kind)
	}
	return nil
}

// ExecError says why the command could not be executed inside.
type ExecError struct {
	Step, Path string
	Errno      unix.Errno
}

func (e *ExecError) Error() string {
	return fmt.Sprintf("%s of %s inside the sandbox: %v", e.Step, e.Path, e.Errno)
}
func (e *ExecError) Unwrap() error { return e.Errno }
