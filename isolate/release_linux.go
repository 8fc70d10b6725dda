package isolate

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Release starts the command. Pid 1 forks, its child confines itself (Landlock, seccomp) and waits; only when the
// kernel shows of that very process what the policy requires may it execute the command. Release returns nil when
// the command was executed, and an *ExecError when it could not be.
func (b *Box) Release() error {
	o, filters, err := b.order()
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
	if err := b.listen(child.fd, unix.Errno(m.Value), filters); err != nil {
		return err
	}
	if m, err = b.control.receive(); err != nil || m.Kind != msgReady {
		return b.failure(m, msgReady, err)
	}
	if err := b.observeCommand(int(child.pid), o); err != nil {
		return err
	}
	if err := gate.execute(); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	if m, err = gate.receive(); !errors.Is(err, io.EOF) {
		return b.failure(m, 0, err)
	}
	b.started = true
	return nil
}

// order collects what the box needs to let the workload start.
func (b *Box) order() (o release, f compiledFilters, err error) {
	o.seconds = b.ownLimit()
	if b.spec.Terminal {
		o.flags |= withTerminal
	}
	if b.spec.Terminal && b.spec.Foreground {
		o.flags |= withForeground
	}
	if !slices.Contains(b.off, seccompLayer.Name) {
		if f = <-b.filters; f.err != nil {
			return o, f, &LayerError{Layer: seccompLayer.Name, Remedy: seccompLayer.Remedy, Err: f.err}
		}
		o.filters = [filterKinds][]bpf.RawInstruction{filterNotify: f.command.Notify, filterPlain: f.command.Plain, filterOwn: f.own.Plain}
		if b.plain {
			o.filters[filterNotify] = nil
		}
		if b.watch != nil {
			if o.filters[filterNotify], err = f.command.Watching(); err != nil {
				return o, f, &LayerError{Layer: seccompLayer.Name, Err: err}
			}
		}
	}
	if !slices.Contains(b.off, landlockLayer.Name) {
		abi, err := landlockABI()
		if err == nil {
			o.ruleset, err = ruleset(abi, b.Root(), b.spec)
		}
		if err != nil {
			return o, f, &LayerError{Layer: landlockLayer.Name, Remedy: landlockLayer.Remedy, Err: err}
		}
		o.flags |= withLandlock
	}
	return o, f, nil
}

// listen takes over the listener that the child sent, or notes why it has none.
func (b *Box) listen(listener int, why unix.Errno, f compiledFilters) (err error) {
	if listener >= 0 {
		b.denials, err = newDenials(listener, f.truth, b.watch)
		return err
	}
	b.uncounted = "the layer " + seccompLayer.Name + " is off"
	if why != 0 {
		b.uncounted = whyUncounted(why)
	}
	if b.spec.CountDenials {
		return &LayerError{Layer: seccompLayer.Name, Remedy: "leave --fail-on-denial out, or run outside the sandbox around this one",
			Err: fmt.Errorf("refused calls cannot be counted: %s", b.uncounted)}
	}
	return nil
}

// observeCommand asks the kernel about the process that is to become the command.
func (b *Box) observeCommand(pid int, o release) error {
	child, err := hold(pid)
	if err != nil {
		return err
	}
	defer child.close()
	v, err := lookAt(child.dir())
	if err != nil {
		return err
	}
	// It waits at the gate, so its number cannot have passed to another one; whether it is pid 1's child is asked
	// all the same.
	first, err := b.process.Pid()
	if parent := strings.Join(v.statusFields("PPid"), ""); err != nil || parent != strconv.Itoa(first) {
		return fmt.Errorf("observe: process %d is a child of %q, not of pid 1 (%w)", pid, parent, err)
	}
	v.outerFilters = b.outer
	v.LandlockWhy = "landlock_restrict_self was not called"
	if o.flags&withLandlock != 0 { // the kernel shows a domain nowhere: the call returned 0
		v.Landlock, v.LandlockWhy = Full, ""
	}
	for i, l := range Layers() {
		if l.Scope == ofBox {
			continue
		}
		if b.Enforced[i], err = b.enforcement(l, v); err != nil {
			return err
		}
	}
	return b.observePid1(o)
}

// observePid1 asks the kernel whether pid 1 is under the filter of its own.
func (b *Box) observePid1(o release) error {
	if len(o.filters[filterOwn]) == 0 {
		return nil
	}
	v, err := lookAt(b.first.dir())
	if err != nil {
		return err
	}
	v.outerFilters = b.outer
	if st, why := seccompLayer.Observe(v, b.spec); st != Full {
		return &LayerError{Layer: seccompLayer.Name, Remedy: seccompLayer.Remedy, Err: fmt.Errorf("pid 1 of the box: %s", why)}
	}
	return nil
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
