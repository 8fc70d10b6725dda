package rds

import (
	"bufio"
	"encoding/binary"
	"io"
	"strconv"

	"github.com/loadlock/loadlock/validate"
)

// stream gives the numbers and strings of a serialization in its one of three encodings (serialize.c, InInteger and
// the functions beside it).
type stream struct {
	p     *validate.Pass
	r     *bufio.Reader
	off   int64
	ascii bool
	order binary.ByteOrder
	buf   []byte
}

func newStream(p *validate.Pass, off int64) *stream {
	return &stream{p: p, r: bufio.NewReaderSize(p.Section(off, p.Size-off), 32<<10), off: off, order: binary.BigEndian}
}

func (s *stream) ended() error { return validate.Malformed(s.off, "the serialization ends early") }

// bytes reads n bytes into a buffer that the next call reuses.
func (s *stream) bytes(n int) ([]byte, error) {
	if cap(s.buf) < n {
		s.buf = make([]byte, n)
	}
	s.buf = s.buf[:n]
	k, err := io.ReadFull(s.r, s.buf)
	s.off += int64(k)
	if err != nil {
		return nil, s.ended()
	}
	return s.buf, nil
}

// skip passes numbers without reading them.
func (s *stream) skip(n int64) error {
	if n > s.p.Size-s.off {
		return validate.Malformed(s.off, "%d bytes of numbers, %d remain", n, s.p.Size-s.off)
	}
	s.off += n
	if n <= int64(s.r.Buffered()) {
		_, err := s.r.Discard(int(n))
		return err
	}
	s.r.Reset(s.p.Section(s.off, s.p.Size-s.off))
	return nil
}

// word reads up to the next white space, as InWord does.
func (s *stream) word() (string, error) {
	var w []byte
	for {
		c, err := s.r.ReadByte()
		if err != nil {
			if len(w) > 0 {
				return string(w), nil
			}
			return "", s.ended()
		}
		s.off++
		if space(c) {
			if len(w) > 0 {
				return string(w), nil
			}
			continue
		}
		if w = append(w, c); len(w) > 100 {
			return "", validate.Malformed(s.off, "a word of more than 100 characters")
		}
	}
}

func space(c byte) bool {
	return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\v' || c == '\f'
}

const missing = -1 << 31 // NA_INTEGER

func (s *stream) int() (int64, error) {
	if !s.ascii {
		b, err := s.bytes(4)
		if err != nil {
			return 0, err
		}
		return int64(int32(s.order.Uint32(b))), nil
	}
	at := s.off
	w, err := s.word()
	if err != nil {
		return 0, err
	}
	if w == "NA" {
		return missing, nil
	}
	v, err := strconv.ParseInt(w, 10, 32)
	if err != nil {
		return 0, validate.Malformed(at, "%s where a number belongs", validate.Quote(w, 40))
	}
	return v, nil
}

// numbers passes n elements of a vector, each of width bytes; in text each element is words words.
func (s *stream) numbers(n int64, width, words int64) error {
	if !s.ascii {
		if n > (1<<62)/width {
			return validate.Malformed(s.off, "a vector of %d elements", n)
		}
		return s.skip(n * width)
	}
	for i := range n {
		for range words {
			if _, err := s.word(); err != nil {
				return err
			}
		}
		if i%4096 == 0 {
			if err := s.p.Charge(validate.Entries, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

const maxString = 8 << 20

// str reads a string of n characters. In text, characters are escaped as in C.
func (s *stream) str(n int64) ([]byte, error) {
	if n < 0 || n > maxString || n > s.p.Size-s.off {
		return nil, validate.Malformed(s.off, "a string of %d bytes", n)
	}
	if !s.ascii {
		return s.bytes(int(n))
	}
	out := s.buf[:0]
	for len(out) == 0 && n > 0 {
		c, err := s.char()
		if err != nil {
			return nil, err
		}
		if !space(c) {
			s.unread()
			break
		}
	}
	for range n {
		c, err := s.char()
		if err == nil && c == '\\' {
			c, err = s.escape()
		}
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	s.buf = out
	return out, nil
}

func (s *stream) char() (byte, error) {
	c, err := s.r.ReadByte()
	if err != nil {
		return 0, s.ended()
	}
	s.off++
	return c, nil
}

func (s *stream) unread() {
	if s.r.UnreadByte() == nil {
		s.off--
	}
}

var escapes = map[byte]byte{'n': '\n', 't': '\t', 'v': '\v', 'b': '\b', 'r': '\r', 'f': '\f', 'a': '\a'}

// escape reads behind a backslash.
func (s *stream) escape() (v byte, err error) {
	c, err := s.char()
	if err != nil || c < '0' || c > '7' {
		if e := escapes[c]; e != 0 {
			c = e
		}
		return c, err
	}
	for n := 0; n < 3 && '0' <= c && c <= '7'; n++ {
		v = v<<3 | (c - '0')
		if c, err = s.char(); err != nil {
			return 0, err
		}
	}
	s.unread()
	return v, nil
}
