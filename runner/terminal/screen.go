package terminal

import (
	"os"
	"sync"
	"time"
)

// screen carries what is written to a pseudo-terminal to a terminal of the user.
type screen struct {
	to            *os.File
	master, slave *os.File
	pass          bool // the policy passes control sequences
	watch         func(undo string)
	tail          *Tail

	drawing sync.Mutex // held from the conversion for a mode of the user's terminal until it is drawn

	mu     sync.Mutex
	filter Filter
	cooked bool // the user's terminal turns LF into CR LF itself, as the pseudo-terminal has done already
	held   bool // a CR that may belong to such a pair
	undo   string
	done   chan struct{}
}

// run carries until nobody has the pseudo-terminal any more, or the user's terminal is gone: then the command's is too.
func (s *screen) run() {
	defer close(s.done)
	defer s.master.Close()
	in, out := make([]byte, 32<<10), make([]byte, 0, 33<<10)
	for {
		n, err := s.master.Read(in)
		if n > 0 {
			s.tail.Write(in[:n])
			s.drawing.Lock()
			_, err := s.to.Write(s.convert(out, in[:n]))
			s.drawing.Unlock()
			if err != nil {
				return
			}
		}
		if err != nil { // EIO: the last one closed it
			return
		}
	}
}

func (s *screen) convert(dst, src []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pass {
		dst = append(dst, src...)
	} else {
		dst = s.filter.Append(dst, src)
		if u := s.filter.Undo(); u != s.undo {
			s.undo = u
			s.watch(u)
		}
	}
	if s.cooked || s.held {
		dst = s.uncook(dst)
	}
	return dst
}

// uncook takes back what the pseudo-terminal did to line ends, where the user's does the same again.
func (s *screen) uncook(b []byte) []byte {
	out := make([]byte, 0, len(b)+1)
	for _, c := range b {
		if s.held && (c != '\n' || !s.cooked) {
			out = append(out, '\r')
		}
		if s.held = c == '\r' && s.cooked; !s.held {
			out = append(out, c)
		}
	}
	return out
}

// finish switches back what the command left switched, and says what was in the filter still.
func (s *screen) finish() {
	s.mu.Lock()
	var rest []byte
	if s.held {
		rest = append(rest, '\r')
	}
	s.held = false
	if !s.pass {
		rest = append(s.filter.End(rest), s.filter.Undo()...)
		s.filter.Forget()
		s.undo = ""
		s.watch("")
	}
	s.mu.Unlock()
	if len(rest) > 0 {
		_, _ = s.to.Write(rest)
	}
}

// change sets the user's terminal to its usual mode or to another, between two things that are drawn. A terminal that
// takes nothing is not waited for.
func (s *screen) change(set func() (cooked bool)) {
	for range 100 {
		if s.drawing.TryLock() {
			defer s.drawing.Unlock()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	cooked := set()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cooked = cooked
}
