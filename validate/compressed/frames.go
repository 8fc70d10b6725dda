package compressed

import (
	"fmt"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

// Magic numbers of frames. LZ4 and Zstandard share the sixteen of skippable frames, which carry anything.
const (
	zstdMagic = "\x28\xb5\x2f\xfd"
	lz4Magic  = "\x04\x22\x4d\x18"
	skipMagic = "\x2a\x4d\x18" // after a byte 0x50 … 0x5f
)

func isSkippable(b []byte) bool {
	return len(b) >= 4 && b[0]&0xF0 == 0x50 && string(b[1:4]) == skipMagic
}

// matchFrames finds the magic of a format at the start, or behind skippable frames. What has skippable frames alone
// is taken for Zstandard.
func matchFrames(m string) func(validate.Head) bool {
	return func(h validate.Head) bool {
		at := int64(0)
		b := h.Start
		for range 16 {
			if len(b) >= 4 && string(b[:4]) == m {
				return true
			}
			if len(b) < 8 || !isSkippable(b) {
				return at > 0 && m == zstdMagic && !strings.HasPrefix(string(b), lz4Magic)
			}
			at += 8 + int64(le.Uint32(b[4:]))
			b = make([]byte, 8)
			n, _ := h.ReadAt(b, min(at, h.Size))
			b = b[:n]
		}
		return m == zstdMagic
	}
}

// skipFrames steps over skippable frames and notes them.
func (s *stream) skipFrames() error {
	for isSkippable(s.peek(4)) {
		if err := s.p.Charge(validate.Entries, 1); err != nil {
			return err
		}
		var head [8]byte
		at := s.at()
		if err := s.full(head[:]); err != nil {
			return err
		}
		n := int64(le.Uint32(head[4:]))
		s.note(hidden, at, "a skippable frame of %d bytes", n)
		if err := s.discard(n); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) discard(n int64) error {
	for n > 0 {
		k, err := s.r.Discard(int(min(n, 1<<20)))
		s.n += int64(k)
		n -= int64(k)
		if err != nil {
			return fmt.Errorf("a frame that is cut off: %w", cut(err))
		}
		if err := s.p.Charge(validate.Entries, 0); err != nil {
			return err
		}
	}
	return nil
}
