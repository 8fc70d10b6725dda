package runner

import (
	"io"
	"os"
	"sync"
	"time"
)

// stdio gives the command its three streams. Terminals and pipes are handed over as they are; a regular file is
// reached through a pipe, so that the command can neither read back, truncate nor seek in the caller's file.
type stdio struct {
	in, out, err *os.File
	mine         []*os.File // ends to close once the command has its own
	copies       sync.WaitGroup
}

func newStdio(in, out, errf *os.File) (*stdio, error) {
	s := &stdio{}
	var err error
	if s.in, err = s.input(in); err != nil {
		return nil, err
	}
	if s.out, err = s.output(out, "stdout"); err != nil {
		return nil, err
	}
	if s.err, err = s.output(errf, "stderr"); err != nil {
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
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.mine = append(s.mine, w)
	s.copies.Go(func() {
		// A full disk ends the copy; closing the read end gives the command SIGPIPE instead of a hang.
		_, _ = io.Copy(f, r)
		r.Close()
	})
	return w, nil
}

func statOf(f *os.File) (os.FileInfo, error) {
	if f == nil {
		return nil, os.ErrInvalid
	}
	return f.Stat()
}

// started closes our ends of the pipes; the command has its own now.
func (s *stdio) started() {
	for _, f := range s.mine {
		f.Close()
	}
	s.mine = nil
}

// drain waits until everything the command wrote has arrived.
func (s *stdio) drain() {
	done := make(chan struct{})
	go func() { s.copies.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second): // the caller's file does not take it
	}
}

func (s *stdio) close() { s.started() }
