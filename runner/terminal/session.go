package terminal

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Options of a Session.
type Options struct {
	Pass   bool                                // control sequences pass unfiltered
	Watch  func(tty *os.File) (Watcher, error) // starts a Watcher for the user's terminal
	Stop   func(unix.Signal)                   // stops this job with the usual action of a signal until it is continued
	Insist func()                              // called when the user presses Ctrl-C ten times in a row: the command does not listen
	Tail   int                                 // bytes of output to keep
}

// Job is the running command.
type Job interface {
	SignalGroup(unix.Signal) error // as keys do
	Foreground() error             // continue as the foreground of the pseudo-terminal
	Background() error             // continue in its background
}

// Session is what one command has instead of the user's terminals: for each of them a pseudo-terminal. What is no
// terminal stays what it is, so that isatty(3) tells the command the truth about each stream.
//
// When stdin and stdout are terminals, the command starts in the foreground and has the keyboard. Otherwise, as at one
// end of a pipeline, it starts in the background of its pseudo-terminal: whoever else is in the pipeline has the keyboard,
// until the command reads from its terminal or sets it (SIGTTIN, SIGTTOU of termios(3)).
type Session struct {
	In, Out, Err *os.File // for the command
	Terminal     bool     // there is a pseudo-terminal among them; the first is to be its controlling terminal
	Foreground   bool     // the command starts in its foreground

	screens  []*screen // the first is the controlling terminal's
	keyboard *keyboard
	opened   *os.File // /dev/tty
	job      Job
	stop     func(unix.Signal)
	signals  chan os.Signal
	finished chan struct{}

	asked atomic.Bool // somebody told us to stop, and we told the command

	mu    sync.Mutex
	front bool // the command is in the foreground of the controlling terminal
}

// Open makes a pseudo-terminal for every terminal among the streams.
func Open(in, out, errf *os.File, o Options) (s *Session, err error) {
	s = &Session{In: in, Out: out, Err: errf, stop: o.Stop, signals: make(chan os.Signal, 8), finished: make(chan struct{})}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	byDevice := map[uint32]*screen{}
	for _, stream := range []**os.File{&s.In, &s.Out, &s.Err} {
		f := *stream
		if !Is(f) {
			continue
		}
		sc := byDevice[device(f)]
		if sc == nil {
			sc = &screen{to: f, pass: o.Pass, watch: func(string) {}, tail: NewTail(o.Tail), done: make(chan struct{})}
			if sc.master, sc.slave, err = pair(f); err != nil {
				return nil, err
			}
			byDevice[device(f)] = sc
			s.screens = append(s.screens, sc)
		}
		if stream != &s.In {
			sc.to = f // stdin may be open for reading only
		}
		*stream = sc.slave
	}
	if s.Terminal = len(s.screens) > 0; !s.Terminal {
		return s, nil
	}
	if err := s.openKeyboard(in, o); err != nil {
		return nil, err
	}
	s.Foreground = Is(in) && Is(out) && s.keyboard != nil && s.keyboard.ours()
	return s, nil
}

// openKeyboard finds what the user types at the controlling terminal: stdin, or else the terminal by its name.
func (s *Session) openKeyboard(in *os.File, o Options) error {
	from, sc := in, s.screens[0]
	if !Is(in) {
		tty, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			return nil // nobody types
		}
		s.opened = tty
		if from = tty; device(tty) != device(sc.to) {
			return nil
		}
	}
	w, err := o.Watch(from)
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	sc.watch = w.Undo
	s.keyboard, err = newKeyboard(from, sc.master, w, o.Insist)
	return err
}

// Started begins to carry, once the command runs and has its streams.
func (s *Session) Started(job Job) {
	s.job = job
	for _, sc := range s.screens {
		sc.slave.Close()
		sc.slave, sc.cooked = nil, true
	}
	s.mu.Lock()
	if s.Foreground {
		s.toFront()
	}
	s.mu.Unlock()
	for _, sc := range s.screens {
		go sc.run()
	}
	signal.Notify(s.signals, unix.SIGTSTP, unix.SIGCONT, unix.SIGWINCH)
	go s.follow()
}

// toFront takes the keyboard for a command that has the foreground, if it can be had.
func (s *Session) toFront() (taken bool) {
	if s.keyboard == nil {
		return false
	}
	s.screens[0].change(func() (cooked bool) {
		taken = s.keyboard.take()
		return !taken
	})
	s.front = s.front || taken
	return taken
}

// toBack gives the terminal back as it was.
func (s *Session) toBack() {
	if s.front {
		s.screens[0].finish()
		s.screens[0].change(func() (cooked bool) {
			s.keyboard.give()
			return true
		})
	}
	s.front = false
}

// follow passes on what the user does to us as a job.
func (s *Session) follow() {
	for {
		select {
		case <-s.finished:
			return
		case sig := <-s.signals:
			switch sig {
			case unix.SIGWINCH:
				for _, sc := range s.screens {
					_ = copySize(sc.master, sc.to) // tells the command
				}
			case unix.SIGTSTP: // the key of a terminal in its usual mode, or kill(1): Stopped follows
				s.asked.Store(true)
				_ = s.job.SignalGroup(unix.SIGTSTP)
			case unix.SIGCONT:
				s.continued()
			}
		}
	}
}

// continued is for a supervisor that was stopped without having been asked (SIGSTOP): the shell has set the terminal.
func (s *Session) continued() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.front && s.keyboard.lost() {
		s.toFront()
	}
}

// Stopped is to be called when the command was stopped by a signal. Either it wants the terminal and can have it, or
// this whole job stops with it, as it would without us, and continues with it. Without a terminal nobody need be there to
// continue us, so only who told us to stop stops us: a command that stops itself would stop its time limit, and the
// script that started us.
func (s *Session) Stopped(sig unix.Signal) {
	if asked := s.asked.Swap(false); !s.Terminal && !asked {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	wants := sig == unix.SIGTTIN || sig == unix.SIGTTOU
	if wants && (s.keyboard == nil || s.toFront()) {
		_ = s.job.Foreground()
		return
	}
	before := s.front
	s.toBack()
	if !wants {
		sig = unix.SIGTSTP
	}
	s.stop(sig)
	if (before || wants) && s.toFront() {
		_ = s.job.Foreground()
		return
	}
	if wants { // continued in the background: it will ask again
		time.Sleep(100 * time.Millisecond)
	}
	_ = s.job.Background()
}

// Wait waits until everything that was written has been drawn, and gives up when the user's terminal takes nothing for a
// long time.
func (s *Session) Wait(long time.Duration) {
	for _, sc := range s.screens {
		select {
		case <-sc.done:
		case <-time.After(long):
		}
	}
}

// Close restores the user's terminals. It may be called at any time, once.
func (s *Session) Close() {
	signal.Stop(s.signals)
	close(s.finished)
	for _, sc := range s.screens {
		if sc.slave != nil { // never started
			sc.slave.Close()
		} else {
			sc.finish()
		}
		sc.master.Close()
	}
	s.keyboard.close()
	if s.opened != nil {
		s.opened.Close()
	}
}

// Dropped is how many control characters and sequences were kept from the user's terminals.
func (s *Session) Dropped() (n int64) {
	for _, sc := range s.screens {
		sc.mu.Lock()
		n += sc.filter.Dropped
		sc.mu.Unlock()
	}
	return n
}

// Written is how many bytes the command has written to its terminals.
func (s *Session) Written() (n int64) {
	for _, sc := range s.screens {
		n += sc.tail.Total()
	}
	return n
}

// Tail is the end of what the command wrote to the terminal that stderr was, if it was one.
func (s *Session) Tail() []byte {
	if !s.Terminal || len(s.screens) == 0 {
		return nil
	}
	return s.screens[len(s.screens)-1].tail.Bytes()
}
