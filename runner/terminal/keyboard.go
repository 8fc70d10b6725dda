package terminal

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Watcher puts the user's terminal back in order when this process dies while it has the terminal in raw mode.
type Watcher interface {
	Save() error      // the settings of now are those to go back to
	Undo(text string) // what to write then
	Close() error     // there is nothing to do any more
}

// keyboard carries what the user types to the pseudo-terminal. It has the user's terminal in raw mode only while the
// command is in the foreground of its own, so that keys, signals among them, mean to the command what they would mean
// without us. Otherwise it reads nothing: what is typed is somebody else's.
type keyboard struct {
	from   *os.File
	to     *os.File // master
	watch  Watcher
	insist func() // the user presses Ctrl-C again and again

	interrupts int       // in a row
	since      time.Time // the first of them

	mu       sync.Mutex
	front    bool
	before   *unix.Termios // settings to go back to
	wake     [2]*os.File   // a pipe: look again
	finished bool
	done     chan struct{}
}

func newKeyboard(from, to *os.File, w Watcher, insist func()) (*keyboard, error) {
	k := &keyboard{from: from, to: to, watch: w, insist: insist, done: make(chan struct{})}
	var err error
	if k.wake[0], k.wake[1], err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("keyboard: %w", err)
	}
	go k.run()
	return k, nil
}

// ours reports whether this process is in the foreground of the user's terminal. A terminal that is not our
// controlling one has no foreground for us to be kept out of.
func (k *keyboard) ours() bool {
	group := 0
	err := on(k.from, func(fd int) (err error) {
		group, err = unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		return err
	})
	return err != nil || group == unix.Getpgrp()
}

// take begins to read, if the terminal is ours.
func (k *keyboard) take() bool {
	if k == nil || !k.ours() {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.front {
		return true
	}
	if k.watch.Save() != nil {
		return false
	}
	before, err := attributes(k.from)
	if err != nil || setAttributes(k.from, raw(*before)) != nil {
		return false
	}
	k.before, k.front = before, true
	_, _ = k.wake[1].Write([]byte{0})
	return true
}

// give puts the terminal back as it was and stops reading.
func (k *keyboard) give() {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.front {
		k.front = false
		_ = setAttributes(k.from, k.before)
	}
}

// lost reports whether somebody else has set the terminal meanwhile, as a shell does while we are stopped.
func (k *keyboard) lost() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t, err := attributes(k.from); k.front && err == nil && t.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 {
		k.front = false
	}
	return !k.front
}

func (k *keyboard) close() {
	if k == nil {
		return
	}
	k.give()
	k.mu.Lock()
	k.finished = true
	k.mu.Unlock()
	_, _ = k.wake[1].Write([]byte{0})
	<-k.done
	k.wake[0].Close()
	k.wake[1].Close()
	_ = k.watch.Close()
}

func (k *keyboard) run() {
	defer close(k.done)
	buf := make([]byte, 4096)
	for {
		k.mu.Lock()
		front, finished := k.front, k.finished
		k.mu.Unlock()
		if finished {
			return
		}
		typed, gone := k.wait(front)
		if !typed {
			continue
		}
		n, err := k.read(buf)
		if n > 0 {
			k.count(buf[:n])
			_, err = k.to.Write(buf[:n])
		}
		if err != nil || n == 0 && gone { // the user's terminal, or the command's, is gone
			k.mu.Lock()
			k.front = false
			k.mu.Unlock()
			k.to.Close() // the command's is then too
		}
	}
}

// Ctrl-C as often as this, and nothing else meanwhile, within so long, does not depend on what the command makes of it.
const (
	insisting = 10
	within    = 4 * time.Second
)

func (k *keyboard) count(keys []byte) {
	for _, key := range keys {
		if key != 0x03 {
			k.interrupts = 0
			continue
		}
		if k.interrupts == 0 || time.Since(k.since) > within {
			k.interrupts, k.since = 0, time.Now()
		}
		if k.interrupts++; k.interrupts == insisting && k.insist != nil {
			k.insist()
		}
	}
}

// wait sleeps until a key was typed, which is only asked for in front, or there is a reason to look again.
func (k *keyboard) wait(front bool) (typed, gone bool) {
	_ = on(k.wake[0], func(wake int) error {
		return on(k.from, func(from int) error {
			fds := []unix.PollFd{{Fd: int32(wake), Events: unix.POLLIN}, {Fd: int32(from), Events: unix.POLLIN}}
			if !front {
				fds = fds[:1]
			}
			if _, err := unix.Poll(fds, -1); err != nil {
				return err
			}
			if fds[0].Revents != 0 {
				var drop [64]byte
				_, _ = unix.Read(wake, drop[:])
			}
			if len(fds) > 1 {
				typed, gone = fds[1].Revents != 0, fds[1].Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0
			}
			return nil
		})
	})
	return typed, gone
}

// read takes what was typed, if it is still ours: settings and their end are under the same lock, and in raw mode a
// read does not wait.
func (k *keyboard) read(buf []byte) (n int, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.front {
		return 0, nil
	}
	err = on(k.from, func(fd int) (err error) {
		n, err = unix.Read(fd, buf)
		return err
	})
	return max(n, 0), err
}
