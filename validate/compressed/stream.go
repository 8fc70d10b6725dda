package compressed

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/loadlock/loadlock/validate"
)

// stream is one reading of a compressed file. It knows how much of the file was used: decompressors take single bytes
// from an io.ByteReader and never more than they need.
type stream struct {
	p     *validate.Pass
	r     *bufio.Reader
	n     int64
	notes []note
}

// note is something to report once the stream has been read.
type note struct {
	rule *validate.Rule
	off  int64
	text string
}

// maxNotes bounds what a stream of many parts can leave in memory.
const maxNotes = 20

func newStream(p *validate.Pass) *stream {
	return &stream{p: p, r: bufio.NewReaderSize(p.Section(0, p.Size), 16<<10)}
}

func (s *stream) at() int64 { return s.n }

func (s *stream) note(r *validate.Rule, off int64, format string, args ...any) {
	if len(s.notes) < maxNotes {
		s.notes = append(s.notes, note{r, off, fmt.Sprintf(format, args...)})
	}
}

func (s *stream) ReadByte() (byte, error) {
	b, err := s.r.ReadByte()
	if err == nil {
		s.n++
	}
	return b, err
}

func (s *stream) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.n += int64(n)
	return n, err
}

// full reads exactly len(b) bytes; the end of the file in between is an error.
func (s *stream) full(b []byte) error {
	if _, err := io.ReadFull(s, b); err != nil {
		return cut(err)
	}
	return nil
}

func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// peek looks at up to n bytes without using them.
func (s *stream) peek(n int) []byte {
	b, _ := s.r.Peek(n)
	return b
}

// zeros steps over zero bytes and returns how many there were.
func (s *stream) zeros() (n int64, err error) {
	for {
		b := s.peek(1)
		if len(b) == 0 || b[0] != 0 {
			return n, nil
		}
		if n%(1<<20) == 0 {
			if err := s.p.Charge(validate.Entries, 0); err != nil {
				return n, err
			}
		}
		if _, err := s.ReadByte(); err != nil {
			return n, err
		}
		n++
	}
}

var errUnread = errors.New("not read")

func refuse(what string) func(*stream) (io.Reader, error) {
	return func(*stream) (io.Reader, error) { return nil, fmt.Errorf("%s are %w", what, errUnread) }
}

// windowError says that a decompressor would need more memory than it may have.
type windowError struct{ need, have int64 }

func (e *windowError) Error() string {
	return fmt.Sprintf("it needs %d bytes of memory, %d are allowed at this depth", e.need, e.have)
}

// memory is the largest window of one decompressor. Each level of nesting gets half of what the level around it has,
// but for the first two, which are those of real files: a compressed file in an archive.
func (s *stream) memory() int64 { return max(64<<10, int64(20<<20)>>min(max(s.p.Depth, 1), 20)) }

// fits is nil when a decompressor may have n bytes.
func (s *stream) fits(n int64) error {
	if have := s.memory(); n > have {
		return &windowError{n, have}
	}
	return nil
}
