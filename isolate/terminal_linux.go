package isolate

// void loadlock_stop(int);
import "C"

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// TerminalWatcher is a process that restores a terminal when this one dies. See terminal_linux.c.
type TerminalWatcher struct {
	cmd    *exec.Cmd
	socket control
}

// WatchTerminal starts a watcher in a session of its own, out of reach of the keys of the terminal and of signals to
// our process group.
func WatchTerminal(tty *os.File) (*TerminalWatcher, error) {
	ours, theirs, err := newControl()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args, cmd.Env, cmd.Dir = []string{"/.loadlock/terminal"}, []string{}, "/"
	cmd.Stdin, cmd.ExtraFiles = tty, []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		ours.file.Close()
		return nil, fmt.Errorf("watcher: %w", err)
	}
	return &TerminalWatcher{cmd: cmd, socket: ours}, nil
}

// Save takes the terminal's settings for those to go back to. It returns when the watcher has them.
func (w *TerminalWatcher) Save() error {
	if err := w.socket.send('S'); err != nil {
		return fmt.Errorf("watcher: %w", err)
	}
	answer := make([]byte, 1)
	err := w.socket.with(func(fd int) error {
		_, err := unix.Read(fd, answer)
		return err
	})
	if err == nil && answer[0] != 'y' {
		err = errors.New("the terminal's settings cannot be read")
	}
	if err != nil {
		return fmt.Errorf("watcher: %w", err)
	}
	return nil
}

// Undo is what the watcher is to write to the terminal besides.
func (w *TerminalWatcher) Undo(text string) { _ = w.socket.send(append([]byte{'U'}, text...)...) }

// Close ends the watcher; the terminal is in order.
func (w *TerminalWatcher) Close() error {
	_ = w.socket.send('D')
	w.socket.file.Close()
	if err := w.cmd.Wait(); err != nil {
		return fmt.Errorf("watcher: %w", err)
	}
	return nil
}

// StopJob stops this process and the rest of its job with a signal's usual action, whatever this program does on that
// signal otherwise, and returns when they were continued. The kernel ignores SIGTSTP, SIGTTIN and SIGTTOU where no
// shell is there to continue us (an orphaned process group, setpgid(2)); then it returns at once. The Go runtime cannot:
// a signal that was ever asked for keeps its handler.
func StopJob(sig unix.Signal) { C.loadlock_stop(C.int(sig)) }
