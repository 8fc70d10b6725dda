package runner

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/runner/terminal"
)

// stdio gives the command its three streams. A pipe is handed over as it is; a terminal becomes a pseudo-terminal of the
// command's own; a regular file is reached through a pipe, so that the command can neither read back, truncate nor
// seek in the caller's file.
type stdio struct {
	*terminal.Session
	mine    []*os.File // ends to close once the command has its own
	copies  sync.WaitGroup
	outputs []*output
}

// tailSize is how much of the end of stderr is kept for explanations, bytes.
const tailSize = 64 << 10

// output is a regular file that the command writes to.
type output struct {
	name string
	file *os.File
	info os.FileInfo
	pipe *os.File // the command's end
	tail *terminal.Tail

	mu      sync.Mutex
	written int64
	err     error
}

// newStdio makes streams for a command. insist is called when the user insists on its end; see terminal.Options.
func newStdio(in, out, errf *os.File, passthrough bool, insist func()) (s *stdio, err error) {
	s = &stdio{}
	s.Session, err = terminal.Open(in, out, errf, terminal.Options{Pass: passthrough, Tail: tailSize, Stop: isolate.StopJob, Insist: insist,
		Watch: func(tty *os.File) (terminal.Watcher, error) { return isolate.WatchTerminal(tty) }})
	if err != nil {
		return nil, err
	}
	if s.In, err = s.input(s.In); err == nil {
		s.Out, err = s.output(s.Out, "stdout")
	}
	if err == nil {
		s.Err, err = s.output(s.Err, "stderr")
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stdio) null(flag int) (*os.File, error) {
	f, err := os.OpenFile(os.DevNull, flag, 0)
	if err == nil {
		s.mine = append(s.mine, f)
	}
	return f, err
}

func (s *stdio) input(f *os.File) (*os.File, error) {
	info, err := statOf(f)
	switch {
	case err != nil:
		return s.null(os.O_RDONLY) // closed by the caller
	case info.IsDir():
		return nil, &UsageError{What: "stdin is a folder", Hint: "redirect stdin from a file, a pipe or /dev/null"}
	case !info.Mode().IsRegular():
		return f, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.mine = append(s.mine, r)
	go func() { _, _ = io.Copy(w, f); w.Close() }()
	return r, nil
}

func (s *stdio) output(f *os.File, name string) (*os.File, error) {
	info, err := statOf(f)
	switch {
	case err != nil:
		return s.null(os.O_WRONLY)
	case info.IsDir():
		return nil, &UsageError{What: name + " is a folder", Hint: "redirect it to a file or a pipe"}
	case !info.Mode().IsRegular():
		return f, nil
	}
	for _, o := range s.outputs { // one pipe for both keeps their order
		if os.SameFile(o.info, info) {
			o.tail = terminal.NewTail(tailSize)
			return o.pipe, nil
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.mine = append(s.mine, w)
	o := &output{name: name, file: f, info: info, pipe: w}
	if name == "stderr" {
		o.tail = terminal.NewTail(tailSize)
	}
	s.outputs = append(s.outputs, o)
	s.copies.Go(func() { o.copy(r) })
	return w, nil
}

// copy ends at the end of the pipe, or when the file takes no more; then the command gets SIGPIPE instead of a hang.
func (o *output) copy(from *os.File) {
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			o.tail.Write(buf[:n])
			k, err := o.file.Write(buf[:n])
			o.mu.Lock()
			o.written, o.err = o.written+int64(k), err
			o.mu.Unlock()
			if err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func statOf(f *os.File) (os.FileInfo, error) {
	if f == nil {
		return nil, os.ErrInvalid
	}
	return f.Stat()
}

// started closes our ends of the pipes, and begins to carry; the command runs and has its own.
func (s *stdio) started(box *isolate.Box) {
	s.closeMine()
	box.Stopped = s.Stopped
	s.Started(box)
}

func (s *stdio) closeMine() {
	for _, f := range s.mine {
		f.Close()
	}
	s.mine = nil
}

// takesNothing is how long we wait for a file or a terminal that takes nothing, once the command has ended.
const takesNothing = 10 * time.Second

// drain waits until everything the command wrote has arrived.
func (s *stdio) drain() {
	done := make(chan struct{})
	go func() { s.copies.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(takesNothing):
	}
	s.Wait(takesNothing)
}

// bytes is how much the command has written, as far as it goes through our hands.
func (s *stdio) bytes() int64 {
	n := s.Written()
	for _, o := range s.outputs {
		o.mu.Lock()
		n += o.written
		o.mu.Unlock()
	}
	return n
}

// notes says what did not arrive.
func (s *stdio) notes() (out []string) {
	for _, o := range s.outputs {
		o.mu.Lock()
		if o.err != nil {
			var p *os.PathError
			err := o.err
			if errors.As(err, &p) {
				err = p.Err
			}
			out = append(out, fmt.Sprintf("%s: %v after %d bytes; what the command wrote then is lost", o.name, err, o.written))
		}
		o.mu.Unlock()
	}
	if n := s.Dropped(); n > 0 {
		out = append(out, fmt.Sprintf("%d control sequences were kept from the terminal (terminal: filtered)", n))
	}
	return out
}

// tail is the end of what the command wrote to stderr, when that was a terminal (then with stdout, if it was the same)
// or a regular file. A pipe is the command's own: nothing of it is known here.
func (s *stdio) tail() []byte {
	for _, o := range s.outputs {
		if o.tail != nil {
			return o.tail.Bytes()
		}
	}
	return s.Tail()
}

// close ends what carries, and restores the terminal.
func (s *stdio) close() {
	s.closeMine()
	s.Close()
}
