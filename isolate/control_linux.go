package isolate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// control is the supervisor's end of a socket to the box: the control socket to pid 1, which lives as long as the
// box, or the gate, which pid 1's child holds until it has become the workload. See pid1_linux.c for the other end.
type control struct{ file *os.File }

// steps names what the box was doing; the order is that of the enum in pid1_linux.h.
var steps = [...]string{"", "fork", "the controlling terminal", "landlock_restrict_self", "seccomp", "exec", "pid 1's own filter"}

// Kinds of message.
const (
	msgHello   = 'H' // pid 1 is there
	msgReady   = 'R' // pid 1 has forked and is under its own filter
	msgStopped = 'T' // the workload was stopped; the value is the signal
	msgOthers  = 'N' // the value is how many processes were left when the workload ended
	msgWait    = 'W' // the workload ended; the value is its wait status, the step is 1 when pid 1 ended it for its time
	msgLocked  = 'L' // on the gate: the child is confined; the value is why it has no listener, an errno
	msgFailed  = 'S' // a step failed; the value is the errno
	msgRelease = 'G' // ours: the order to fork and confine
	msgExecute = 'E' // ours, on the gate: execute the workload
	msgSignal  = 'K' // ours: send the workload a signal
	msgDismiss = 'D' // ours: what the cgroup counted was read, pid 1 may end
	msgGroup   = 'P' // ours: send its process group a signal
	msgFront   = 'F' // ours: put its process group into the foreground of the terminal (1) or not (0), and continue it
)

// message is struct report of pid1_linux.h.
type message struct {
	Kind  byte
	Step  byte
	Value int32
}

// from says what came with a message.
type from struct {
	fd  int   // a descriptor, or -1
	pid int32 // of the sender, in our pid namespace
}

// The filters of a release, in their order on the wire.
const (
	filterNotify = iota // what the workload runs under; every denial is told to us
	filterPlain         // the same answers without a listener, for where there cannot be one
	filterOwn           // pid 1's own
	filterKinds
)

// Flags of a release.
const (
	withLandlock   = 1 << iota // a ruleset comes along
	withTerminal               // the first stream that is a terminal becomes the controlling terminal
	withForeground             // the workload starts in its foreground
)

// release is the order that lets the workload start. Its head is that of struct release of pid1_linux.h.
type release struct {
	flags   uint32
	seconds uint32 // after which pid 1 ends the workload by itself; 0: never
	filters [filterKinds][]bpf.RawInstruction
	ruleset int // Landlock, with withLandlock
}

func newControl() (c control, peer *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return c, nil, fmt.Errorf("socketpair: %w", err)
	}
	return control{os.NewFile(uintptr(fds[0]), "control")}, os.NewFile(uintptr(fds[1]), "control-box"), nil
}

// newGate is a control on which the kernel says who sends (SO_PASSCRED, unix(7)).
func newGate() (c control, peer *os.File, err error) {
	if c, peer, err = newControl(); err != nil {
		return c, nil, err
	}
	if err := unix.SetsockoptInt(int(c.file.Fd()), unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		c.file.Close()
		peer.Close()
		return c, nil, fmt.Errorf("gate: SO_PASSCRED: %w", err)
	}
	return c, peer, nil
}

// receive waits for the next message; io.EOF means that the other side is gone.
func (c control) receive() (m message, err error) {
	m, f, err := c.receiveFrom()
	if f.fd >= 0 {
		unix.Close(f.fd)
	}
	return m, err
}

// receiveFrom is receive with what the kernel says about the sender, and the descriptor that came along.
func (c control) receiveFrom() (m message, f from, err error) {
	f.fd = -1
	buf, oob := make([]byte, 16), make([]byte, unix.CmsgSpace(4)+unix.CmsgSpace(unix.SizeofUcred))
	var n, oobn int
	err = c.with(func(fd int) error {
		n, oobn, _, _, err = unix.Recvmsg(fd, buf, oob, unix.MSG_CMSG_CLOEXEC)
		return err
	})
	switch {
	case errors.Is(err, unix.ECONNRESET), err == nil && n == 0:
		return m, f, io.EOF
	case err != nil:
		return m, f, err
	}
	scms, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return m, f, err
	}
	for _, scm := range scms {
		if fds, err := unix.ParseUnixRights(&scm); err == nil && len(fds) == 1 {
			f.fd = fds[0]
		}
		if cred, err := unix.ParseUnixCredentials(&scm); err == nil {
			f.pid = cred.Pid
		}
	}
	return m, f, binary.Read(bytes.NewReader(buf[:n]), binary.NativeEndian, &m)
}

// release sends pid 1 the order, with the box's end of the gate.
func (c control) release(o release, gate *os.File) error {
	var msg bytes.Buffer
	head := struct {
		Kind           byte
		_              [3]byte
		Flags, Seconds uint32
		Count          [filterKinds]uint32
	}{Kind: msgRelease, Flags: o.flags, Seconds: o.seconds}
	for i, f := range o.filters {
		head.Count[i] = uint32(len(f))
	}
	rights := []int{int(gate.Fd())}
	if o.flags&withLandlock != 0 {
		rights = append(rights, o.ruleset)
	}
	if err := binary.Write(&msg, binary.NativeEndian, head); err != nil {
		return err
	}
	code := msg.Bytes()
	for _, f := range o.filters {
		for _, i := range f { // struct sock_filter
			code = binary.NativeEndian.AppendUint16(code, i.Op)
			code = append(code, i.Jt, i.Jf)
			code = binary.NativeEndian.AppendUint32(code, i.K)
		}
	}
	return c.with(func(fd int) error {
		return unix.Sendmsg(fd, code, unix.UnixRights(rights...), nil, unix.MSG_NOSIGNAL)
	})
}

// execute lets the child become the workload.
func (c control) execute() error { return c.send(msgExecute) }

// signal asks pid 1 to send sig to the workload.
func (c control) signal(sig unix.Signal) error { return c.send(msgSignal, byte(sig)) }

func (c control) signalGroup(sig unix.Signal) error { return c.send(msgGroup, byte(sig)) }

func (c control) foreground(on byte) error { return c.send(msgFront, on) }

func (c control) send(b ...byte) error {
	return c.with(func(fd int) error { return unix.Sendmsg(fd, b, nil, nil, unix.MSG_NOSIGNAL) })
}

// with makes a system call on the socket, which nobody closes meanwhile, until no signal interrupts it.
func (c control) with(call func(fd int) error) error {
	raw, err := c.file.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	err = raw.Control(func(fd uintptr) {
		for result = unix.EINTR; errors.Is(result, unix.EINTR); {
			result = call(int(fd))
		}
	})
	return errors.Join(err, result)
}
