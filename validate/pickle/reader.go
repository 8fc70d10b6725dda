package pickle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	windowSize = 64 << 10
	keepText   = 256  // bytes of a literal that are kept; longer ones are an offset and a length
	keepLine   = 4096 // bytes of a line that are kept
)

// broken says that the unpickler stops here with an error.
type broken struct {
	off  int64
	what string
}

func (b *broken) Error() string { return fmt.Sprintf("%s at offset %#x", b.what, b.off) }

// errEnough ends a dry run that has seen as much as it may.
var errEnough = errors.New("enough read")

// reader is a window over the file. Only the window is ever in memory.
type reader struct {
	src    io.ReaderAt
	size   int64
	pos    int64
	window []byte
	at     int64 // offset of the window
	buf    []byte
	work   func(units int64) error // charged once per window of a long line
}

func newReader(src io.ReaderAt, size int64, work func(int64) error) *reader {
	return &reader{src: src, size: size, work: work}
}

// fill makes the window begin at pos.
func (r *reader) fill() error {
	if r.buf == nil {
		r.buf = make([]byte, min(windowSize, max(r.size-r.pos, 1)))
	}
	want := min(int64(len(r.buf)), r.size-r.pos)
	n, err := r.src.ReadAt(r.buf[:want], r.pos)
	if int64(n) < want {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read at %#x: %w", r.pos, err)
	}
	r.window, r.at = r.buf[:n], r.pos
	return nil
}

// take returns the next n bytes, n at most keepLine. They are valid until the next call.
func (r *reader) take(n int64) ([]byte, error) {
	if n > r.size-r.pos {
		return nil, &broken{r.pos, fmt.Sprintf("the file ends inside an argument of %d bytes", n)}
	}
	if r.pos < r.at || r.pos+n > r.at+int64(len(r.window)) {
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
	b := r.window[r.pos-r.at:][:n]
	r.pos += n
	return b, nil
}

// literal skips n bytes and returns the first keepText of them.
func (r *reader) literal(n int64) (string, error) {
	if n < 0 || n > r.size-r.pos {
		return "", &broken{r.pos, fmt.Sprintf("a literal of %d bytes, the file has %d left", n, r.size-r.pos)}
	}
	b, err := r.take(min(n, keepText))
	if err != nil {
		return "", err
	}
	s := string(b)
	r.pos += n - int64(len(b))
	return s, nil
}

// line reads up to the next line feed, which it consumes. It returns at most keepLine bytes and the length of
// the line without the line feed.
func (r *reader) line() (text []byte, n int64, err error) {
	start := r.pos
	for {
		if r.pos >= r.size {
			return nil, 0, &broken{start, "the file ends inside a line"}
		}
		if r.pos < r.at || r.pos >= r.at+int64(len(r.window)) {
			if r.pos > start {
				if err := r.work(1); err != nil {
					return nil, 0, err
				}
			}
			if err := r.fill(); err != nil {
				return nil, 0, err
			}
		}
		rest := r.window[r.pos-r.at:]
		i := bytes.IndexByte(rest, '\n')
		part := rest
		if i >= 0 {
			part = rest[:i]
		}
		text = append(text, part[:min(len(part), keepLine-len(text))]...)
		r.pos += int64(len(part))
		if i >= 0 {
			n = r.pos - start
			r.pos++
			return text, n, nil
		}
	}
}
