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

// control is the supervisor's end of the socket to pid 1. See pid1_linux.c for the other end.
type control struct{ file *os.File }

// steps names what pid 1 was doing; the order is that of the enum in pid1_linux.c.
var steps = [...]string{"", "fork", "landlock_restrict_self", "seccomp seal", "exec"}

type message struct {
	Kind  byte
	Step  byte
	Value int32
}

func newControl() (c control, peer *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return c, nil, fmt.Errorf("socketpair: %w", err)
	}
	return control{os.NewFile(uintptr(fds[0]), "control")}, os.NewFile(uintptr(fds[1]), "control-pid1"), nil
}

// receive waits for the next message; io.EOF means that pid 1 is gone.
func (c control) receive() (m message, err error) {
	buf := make([]byte, 16)
	n, err := c.file.Read(buf)
	if errors.Is(err, unix.ECONNRESET) {
		err = io.EOF
	}
	if err != nil {
		return m, err
	}
	return m, binary.Read(bytes.NewReader(buf[:n]), binary.NativeEndian, &m)
}

// release lets pid 1 start the workload under the seal and the Landlock ruleset (a descriptor, or -1).
func (c control) release(seal []bpf.RawInstruction, ruleset int) error {
	var msg bytes.Buffer
	msg.WriteByte('G')
	for _, i := range seal {
		if err := binary.Write(&msg, binary.NativeEndian, i); err != nil {
			return err
		}
	}
	var rights []byte
	if ruleset >= 0 {
		rights = unix.UnixRights(ruleset)
	}
	return unix.Sendmsg(int(c.file.Fd()), msg.Bytes(), rights, nil, unix.MSG_NOSIGNAL)
}

// signal asks pid 1 to send sig to the workload.
func (c control) signal(sig unix.Signal) error {
	_, err := c.file.Write([]byte{'K', byte(sig)})
	return err
}
