package embeddings

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/loadlock/loadlock/validate"
)

// reader reads forward through a window; after an error it gives zeros.
type reader struct {
	p    *validate.Pass
	off  int64
	err  error
	win  []byte // bytes of the file from at on
	at   int64
	buf  [4096]byte
	zero [16]byte
}

func (r *reader) failed(err error) bool {
	if r.err == nil {
		r.err = err
	}
	return r.err != nil
}

// bad states that sizes contradict each other; nothing is cleared then.
func (r *reader) bad(format string, args ...any) {
	if r.err == nil {
		r.p.Report(sizes, min(r.off, r.p.Size), format, args...)
		r.err = validate.Malformed(min(r.off, r.p.Size), "sizes that contradict each other")
	}
}

func (r *reader) ended() { r.failed(validate.Malformed(min(r.off, r.p.Size), "the file ends early")) }

// window makes the bytes from off on available, as many as there are up to the size of the window.
func (r *reader) window(want int64) []byte {
	if r.err != nil {
		return nil
	}
	if r.off < r.at || r.off+want > r.at+int64(len(r.win)) {
		n := min(int64(len(r.buf)), r.p.Size-r.off)
		if _, err := r.p.ReadAt(r.buf[:n], r.off); err != nil {
			r.failed(err)
			return nil
		}
		r.win, r.at = r.buf[:n], r.off
	}
	return r.win[r.off-r.at:]
}

// bytes gives the next n bytes, at most 16.
func (r *reader) bytes(n int64) []byte {
	if r.err == nil && n > r.p.Size-r.off {
		r.ended()
	}
	b := r.window(n)
	if r.err != nil || int64(len(b)) < n {
		clear(r.zero[:])
		return r.zero[:n]
	}
	r.off += n
	return b[:n]
}

func (r *reader) byte() byte   { return r.bytes(1)[0] }
func (r *reader) int32() int64 { return int64(int32(binary.LittleEndian.Uint32(r.bytes(4)))) }
func (r *reader) int64() int64 { return int64(binary.LittleEndian.Uint64(r.bytes(8))) }

func (r *reader) flag() bool {
	c := r.byte()
	if c > 1 {
		r.bad("a flag of value %d", c)
	}
	return c == 1
}

func (r *reader) skip(n int64) {
	switch {
	case r.err != nil:
	case n < 0 || n > r.p.Size-r.off:
		r.ended()
	default:
		r.off += n
	}
}

const maxWord = 2048

// word passes a text that end ends.
func (r *reader) word(end byte) {
	b := r.window(min(maxWord, r.p.Size-r.off))
	if r.err != nil {
		return
	}
	n := bytes.IndexByte(b[:min(len(b), maxWord)], end)
	if n < 0 {
		r.failed(validate.Malformed(r.off, "a word without an end"))
		return
	}
	if !utf8.Valid(b[:n]) {
		r.failed(validate.Malformed(r.off, "a word that is not UTF-8"))
		return
	}
	r.off += int64(n) + 1
}
