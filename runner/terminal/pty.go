package terminal

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Is reports whether f is a terminal.
func Is(f *os.File) bool {
	if f == nil {
		return false
	}
	_, err := attributes(f)
	return err == nil
}

// attributes are a terminal's settings (termios(3)).
func attributes(f *os.File) (t *unix.Termios, err error) {
	err = on(f, func(fd int) (err error) {
		t, err = unix.IoctlGetTermios(fd, unix.TCGETS)
		return err
	})
	return t, err
}

func setAttributes(f *os.File, t *unix.Termios) error {
	return on(f, func(fd int) error { return unix.IoctlSetTermios(fd, unix.TCSETS, t) })
}

// device tells one terminal from another.
func device(f *os.File) (n uint32) {
	_ = on(f, func(fd int) (err error) {
		n, err = unix.IoctlGetUint32(fd, unix.TIOCGDEV)
		return err
	})
	return n
}

func copySize(to, from *os.File) error {
	var size *unix.Winsize
	err := on(from, func(fd int) (err error) {
		size, err = unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		return err
	})
	if err == nil {
		err = on(to, func(fd int) error { return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, size) })
	}
	return err
}

// on makes a system call on a file without making its descriptor block, as Fd does. Interrupted calls are repeated.
func on(f *os.File, call func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	if err := raw.Control(func(fd uintptr) {
		for result = unix.EINTR; result == unix.EINTR; {
			result = call(int(fd))
		}
	}); err != nil {
		return err
	}
	return result
}

// pair opens a new pseudo-terminal with the settings and the size of another (pty(7)). Reads of the master can be
// interrupted by closing it. Neither end becomes this process's controlling terminal.
func pair(like *os.File) (master, slave *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err}
	}
	master = os.NewFile(uintptr(fd), "pty master")
	defer func() {
		if err != nil {
			master.Close()
		}
	}()
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, fmt.Errorf("unlocking a pseudo-terminal: %w", err)
	}
	// By the master, not by its name in /dev/pts, which may be another file system's (Linux 4.13).
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return nil, nil, fmt.Errorf("opening a pseudo-terminal: %w", errno)
	}
	slave = os.NewFile(n, "pty")
	attr, err := attributes(like)
	if err == nil {
		err = setAttributes(slave, attr)
	}
	if err == nil {
		err = copySize(master, like)
	}
	if err != nil {
		slave.Close()
		return nil, nil, fmt.Errorf("setting up a pseudo-terminal: %w", err)
	}
	return master, slave, nil
}

// raw are settings under which every key comes as it is and at once, and output is drawn as it is; a read never waits.
func raw(t unix.Termios) *unix.Termios {
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON | unix.IXOFF | unix.IXANY
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 0, 0
	return &t
}
