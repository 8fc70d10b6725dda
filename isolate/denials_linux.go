package isolate

// #include "notify_linux.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/loadlock/loadlock/seccomp"
	"golang.org/x/sys/unix"
)

// denials answers and counts the calls that the filter refuses. Its memory is bounded: no more rows than the
// kernel has calls, and maxArgs for each call that is told apart by its arguments.
type denials struct {
	listener *os.File
	stop     *os.File // closed to end the work
	done     chan struct{}
	truth    seccomp.Evaluator
	watch    *watch // learn; nil otherwise
	started  time.Time

	names map[uint32]string // of calls met; used by serve alone

	mu     sync.Mutex
	rows   map[denialKey]*Denial
	args   map[string]int // rows by call
	failed error          // why it gave up, if it did
}

// denialKey tells denials apart.
type denialKey struct {
	call  string
	arg   seccomp.Argument
	other bool // one of the arguments that got no row of their own
	errno uint16
}

// maxArgs bounds the rows of one call.
const maxArgs = 16

// unknownCall stands for all numbers without a name.
const unknownCall = "unknown"

// newDenials takes over the listener of a program. truth is the same program with the answers in it.
func newDenials(listener int, truth seccomp.Evaluator, w *watch) (*denials, error) {
	d := &denials{watch: w, listener: os.NewFile(uintptr(listener), "seccomp listener"), done: make(chan struct{}), names: map[uint32]string{},
		truth: truth, rows: map[denialKey]*Denial{}, args: map[string]int{}, started: time.Now()}
	r, end, err := os.Pipe()
	if err != nil {
		d.listener.Close()
		return nil, err
	}
	d.stop = end
	go d.serve(r)
	return d, nil
}

// serve answers every refused call until no process is left that could make one. When it cannot go on, the
// listener is closed, and the kernel answers ENOSYS from then on.
func (d *denials) serve(stop *os.File) {
	defer close(d.done)
	defer stop.Close()
	defer d.listener.Close()
	listener, end := C.int(d.listener.Fd()), C.int(stop.Fd())
	for {
		n := C.loadlock_next(listener, end)
		switch errno := unix.Errno(n.error); errno {
		case 0:
			d.one(listener, n)
		case unix.ENOENT: // the caller was killed before we looked
		case unix.ECANCELED:
			return
		default:
			d.mu.Lock()
			d.failed = errno
			d.mu.Unlock()
			return
		}
	}
}

// one counts a refused call and answers it. The answer is what the filter says of the very registers that the
// kernel shows: nothing is read from the caller's memory, and no call that the filter refuses is ever let through.
func (d *denials) one(listener C.int, n C.struct_denied) {
	data := seccomp.Data{Number: uint32(n.number), Arch: uint32(n.arch), IP: uint64(n.ip)}
	for i := range data.Args {
		data.Args[i] = uint64(n.args[i])
	}
	errno, refused := d.truth.Errno(data)
	if !refused && d.truth.Allows(data) && d.passed(listener, n, data) {
		return
	}
	if !refused {
		errno = uint16(unix.EPERM) // cannot be: both programs refuse the same calls; or it cannot go on
	}
	d.note(listener, n, data, errno)
	C.loadlock_refuse(listener, n.id, C.int(errno)) // ENOENT: the caller is gone
}

// passed deals with what the filter allows and asks about: commands of ioctl(2) that are to be noted, and in learn mode
// calls that name paths. They go on; false: the kernel cannot do that (before Linux 5.5).
func (d *denials) passed(listener C.int, n C.struct_denied, data seccomp.Data) bool {
	if d.watch != nil {
		d.watch.look(int(n.pid), d.nameOf(data.Number), data.Args, func() bool { return C.loadlock_waits(listener, n.id) != 0 })
	}
	if d.truth.Logs(data) {
		d.note(listener, n, data, 0)
	}
	return C.loadlock_go_on(listener, n.id) != C.int(unix.EINVAL)
}

// note counts, and looks who it was when it is the first of its kind.
func (d *denials) note(listener C.int, n C.struct_denied, data seccomp.Data, errno uint16) {
	row := d.count(data, errno)
	if row == nil {
		return
	}
	program, library := whoCalled(int(n.pid), data.IP)
	if C.loadlock_waits(listener, n.id) != 0 {
		d.mu.Lock()
		row.Program, row.Library = program, library
		d.mu.Unlock()
	}
}

func (d *denials) nameOf(number uint32) string {
	name, met := d.names[number]
	if !met {
		if name = seccomp.CallName(number); name != "" { // the kernel's table bounds this one
			d.names[number] = name
		}
	}
	return name
}

// count returns the row when it is a new one.
func (d *denials) count(data seccomp.Data, errno uint16) *Denial {
	name := d.nameOf(data.Number)
	k := denialKey{call: name, errno: errno}
	if name == "" {
		k.call, k.arg = unknownCall, seccomp.Argument{uint64(data.Number)}
	} else {
		k.arg = seccomp.ArgumentOf(name, data.Args)
	}
	now := time.Since(d.started)
	d.mu.Lock()
	defer d.mu.Unlock()
	row := d.rows[k]
	if row == nil && d.args[k.call] >= maxArgs {
		k.arg, k.other = seccomp.Argument{}, true
		row = d.rows[k]
	}
	if row != nil {
		row.Count++
		row.Last = now
		return nil
	}
	row = &Denial{Call: k.call, Errno: unix.ErrnoName(unix.Errno(errno)), Count: 1, Usual: seccomp.Usual(k.call), First: now, Last: now}
	switch {
	case k.other:
		row.Arg = "others"
	case name == "":
		row.Arg = strconv.Itoa(int(data.Number))
	default:
		row.Arg = k.arg.Spell(name)
	}
	d.rows[k] = row
	d.args[k.call]++
	return row
}

// list is a copy of the rows in the order of their first occurrence: those that were refused, or those that went on.
func (d *denials) list(refused bool) []Denial {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]Denial, 0, len(d.rows))
	for _, r := range d.rows {
		if (r.Errno != "") == refused {
			out = append(out, *r)
		}
	}
	slices.SortFunc(out, func(a, b Denial) int { return int(a.First - b.First) })
	return out
}

// close ends the work. Calls that are refused afterwards are answered ENOSYS by the kernel.
func (d *denials) close() {
	d.stop.Close() // again: harmless
	<-d.done
}

func (b *Box) closeDenials() {
	if b.denials != nil {
		b.denials.close()
	}
}

// Denials lists the refused system calls until now. counted is empty when they are counted, and says why not
// otherwise.
func (b *Box) Denials() (list []Denial, counted string) {
	if b.denials == nil {
		return nil, b.uncounted
	}
	list = b.denials.list(true)
	b.denials.mu.Lock()
	defer b.denials.mu.Unlock()
	if b.denials.failed != nil {
		counted = fmt.Sprintf("the listener failed: %v", b.denials.failed)
	}
	return list, counted
}

// Noted lists the calls that were let through and are to be noted: with gpu.ioctl_filter: log, commands of ioctl(2) that
// are on no list. Their Errno is empty. Without a listener they are in the kernel's log, which does not say which
// command it was.
func (b *Box) Noted() []Denial {
	if b.denials == nil {
		return nil
	}
	return b.denials.list(false)
}

// whyUncounted says why a process could have no listener.
func whyUncounted(errno unix.Errno) string {
	switch {
	case errors.Is(errno, unix.EBUSY):
		return "a sandbox around this one already listens to refused calls; the kernel permits one listener (EBUSY)"
	case errors.Is(errno, unix.EINVAL):
		return "this kernel has no listener for refused calls (EINVAL; Linux 5.0 brought it)"
	}
	return fmt.Sprintf("no listener for refused calls: %v", errno)
}

// probeLog checks that the kernel has the answer that gpu.ioctl_filter: log needs (Linux 4.14).
func probeLog(s Spec) error {
	if !s.GPU.Granted() || s.GPU.Ioctls.Mode != seccomp.IoctlLog {
		return nil
	}
	return hasAction(unix.SECCOMP_RET_LOG)
}

// hasAction asks the kernel whether a filter may answer so.
func hasAction(action uint32) error {
	if errno := C.loadlock_has_action(C.uint32_t(action)); errno != 0 {
		return &LayerError{Layer: seccompLayer.Name, Err: fmt.Errorf("logging calls: %w: %w", ErrUnsupported, unix.Errno(errno)),
			Remedy: "this kernel cannot log what a filter lets through: set gpu.ioctl_filter to strict in the policy"}
	}
	return nil
}
