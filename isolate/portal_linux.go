package isolate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ProxyPort is the port on the box's own loopback at which the proxy to the outside is reached.
const ProxyPort = 3128

// Portal is the way into the box's network namespace for whoever has no business in it otherwise: a socket to pid 1, on
// which pid 1 hands out sockets of that namespace. A socket belongs to the namespace that it was made in, whoever holds
// it (network_namespaces(7)); so the proxy outside accepts and connects inside, and no interface joins the two.
type Portal struct {
	mu   sync.Mutex
	file *os.File
}

// What pid 1 hands out; see pid1_linux.c.
const (
	msgListener = 'A' // pid 1's, unasked and first: a socket that listens on ProxyPort
	msgSocket   = 'C' // ours: a socket please; pid 1's: here it is, or the errno
)

// portalTime bounds waiting for pid 1, which does nothing that takes long, and for a connection inside.
const portalTime = 5 * time.Second

// NewPortal makes a socket for Spec.Portal, and its other end for a Portal.
func NewPortal() (box, ours *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("portal: socketpair: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "portal-box"), os.NewFile(uintptr(fds[1]), "portal"), nil
}

// OpenPortal uses the end of NewPortal that is not the box's.
func OpenPortal(file *os.File) *Portal { return &Portal{file: file} }

// Listener waits for the box and returns the listener on its ProxyPort. io.EOF means that there is no box any more.
func (p *Portal) Listener() (net.Listener, error) {
	f, err := p.receive(msgListener)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return net.FileListener(f)
}

// Dial connects to a port on the box's loopback.
func (p *Portal) Dial(ctx context.Context, port uint16) (net.Conn, error) {
	f, err := p.socket()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fd := int(f.Fd())
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(port), Addr: [4]byte{127, 0, 0, 1}})
	if errors.Is(err, unix.EINPROGRESS) {
		err = connected(ctx, fd)
	}
	if err != nil {
		return nil, fmt.Errorf("port %d inside: %w", port, err)
	}
	return net.FileConn(f)
}

// connected waits for the end of a connection that is being made.
func connected(ctx context.Context, fd int) error {
	ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	for end := time.Now().Add(portalTime); ctx.Err() == nil; {
		left := time.Until(end)
		if left <= 0 {
			return unix.ETIMEDOUT
		}
		n, err := unix.Poll(ready, int(min(left, 100*time.Millisecond).Milliseconds())+1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if n > 0 {
			code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
			if err == nil && code != 0 {
				err = unix.Errno(code)
			}
			return err
		}
	}
	return ctx.Err()
}

// socket asks pid 1 for a TCP socket of the box's namespace.
func (p *Portal) socket() (*os.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := control{p.file}
	if err := c.send(msgSocket); err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	return p.receive(msgSocket)
}

func (p *Portal) receive(kind byte) (*os.File, error) {
	if kind == msgSocket { // the first message comes when the box is there, which takes as long as it takes
		_ = unix.SetsockoptTimeval(int(p.file.Fd()), unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: int64(portalTime / time.Second)}) // without it we wait longer
	}
	m, f, err := control{p.file}.receiveFrom()
	if err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	if m.Kind != kind || f.fd < 0 {
		if f.fd >= 0 {
			unix.Close(f.fd)
		}
		return nil, fmt.Errorf("portal: pid 1 sent %q: %w", m.Kind, unix.Errno(m.Value))
	}
	return os.NewFile(uintptr(f.fd), "box socket"), nil
}
