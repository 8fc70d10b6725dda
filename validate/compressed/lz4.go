package compressed

import (
	"errors"
	"fmt"
	"io"

	"github.com/loadlock/loadlock/validate"
)

// lz4Reader reads LZ4 frames one after the other.
type lz4Reader struct {
	s       *stream
	inFrame bool
	flags   byte
	max     int    // of a block
	out     []byte // decoded: the last 64 KiB of what was given, and what is still to give
	given   int    // of out
	packed  []byte
	sum     *xxh32
	size    uint64 // content that the frame announced
	total   uint64
}

// Flags of the frame descriptor (LZ4 frame format 1.6.3).
const (
	lz4DictID     = 1 << 0
	lz4Reserved   = 1 << 1
	lz4ContentSum = 1 << 2
	lz4Size       = 1 << 3
	lz4BlockSum   = 1 << 4
	lz4Alone      = 1 << 5 // blocks do not refer to each other
	lz4Window     = 64 << 10
)

func openLZ4(s *stream) (io.Reader, error) { return &lz4Reader{s: s}, nil }

// Read implements io.Reader.
func (z *lz4Reader) Read(b []byte) (int, error) {
	for z.given == len(z.out) {
		if !z.inFrame {
			if err := z.head(); err != nil {
				return 0, err
			}
		}
		if err := z.block(); err != nil {
			return 0, err
		}
	}
	n := copy(b, z.out[z.given:])
	z.given += n
	return n, nil
}

// head reads a frame header.
func (z *lz4Reader) head() error {
	if err := z.s.skipFrames(); err != nil {
		return err
	}
	if string(z.s.peek(4)) != lz4Magic {
		return io.EOF
	}
	if err := z.s.p.Charge(validate.Entries, 1); err != nil {
		return err
	}
	var b [4 + 2 + 8 + 1]byte
	if err := z.s.full(b[:6]); err != nil {
		return err
	}
	z.flags = b[4]
	n := 6
	if z.flags&lz4DictID != 0 {
		return fmt.Errorf("frames with a dictionary are %w", errUnread)
	}
	if z.flags&lz4Size != 0 {
		n += 8
	}
	if err := z.s.full(b[6 : n+1]); err != nil {
		return err
	}
	code := b[5] >> 4
	if z.flags>>6 != 1 || z.flags&lz4Reserved != 0 || b[5]&0x8F != 0 || code < 4 || sumXXH32(b[4:n])>>8&0xFF != uint32(b[n]) {
		return errors.New("no LZ4 frame header")
	}
	z.max = 1 << (8 + 2*int(code))
	if err := z.s.fits(int64(z.max)); err != nil {
		return err
	}
	z.inFrame, z.sum, z.size, z.total = true, newXXH32(), le.Uint64(b[6:]), 0
	z.out, z.given = z.out[:0], 0
	return nil
}

// block decodes the next block, or ends the frame.
func (z *lz4Reader) block() error {
	var b [4]byte
	if err := z.s.full(b[:]); err != nil {
		return err
	}
	h := le.Uint32(b[:])
	if h == 0 {
		return z.end()
	}
	plain, n := h>>31 != 0, int(h&(1<<31-1))
	if n > z.max {
		return fmt.Errorf("a block of %d bytes, %d are the most", n, z.max)
	}
	if cap(z.packed) < n {
		z.packed = make([]byte, n)
	}
	z.packed = z.packed[:n]
	if err := z.s.full(z.packed); err != nil {
		return err
	}
	if z.flags&lz4BlockSum != 0 {
		if err := z.s.full(b[:]); err != nil {
			return err
		}
		if le.Uint32(b[:]) != sumXXH32(z.packed) {
			return errors.New("wrong checksum of a block")
		}
	}
	return z.decode(plain)
}

// decode appends a block to what is kept of the blocks before it.
func (z *lz4Reader) decode(plain bool) (err error) {
	keep := min(len(z.out), lz4Window)
	if z.flags&lz4Alone != 0 {
		keep = 0
	}
	z.out = append(z.out[:0], z.out[len(z.out)-keep:]...)
	z.given = keep
	if plain {
		z.out = append(z.out, z.packed...)
	} else if z.out, err = lz4Block(z.out, z.packed, keep+z.max); err != nil {
		return err
	}
	z.sum.write(z.out[keep:])
	z.total += uint64(len(z.out) - keep)
	return nil
}

// end reads what follows the last block of a frame.
func (z *lz4Reader) end() error {
	z.inFrame = false
	if z.flags&lz4Size != 0 && z.size != z.total {
		return fmt.Errorf("%d bytes are announced, %d came out", z.size, z.total)
	}
	if z.flags&lz4ContentSum == 0 {
		return nil
	}
	var b [4]byte
	if err := z.s.full(b[:]); err != nil {
		return err
	}
	if le.Uint32(b[:]) != z.sum.sum() {
		return errors.New("wrong checksum")
	}
	return nil
}

var errLZ4 = errors.New("no LZ4 block")

// lz4Block decodes src behind what is in dst, up to max bytes in all (LZ4 block format): literals, then a copy of what
// came before, again and again; the last sequence has literals only.
func lz4Block(dst, src []byte, max int) ([]byte, error) {
	for {
		if len(src) == 0 {
			return dst, errLZ4
		}
		token := src[0]
		n, rest, ok := lz4Length(int(token>>4), src[1:], max)
		if !ok || n > len(rest) || len(dst)+n > max {
			return dst, errLZ4
		}
		dst, src = append(dst, rest[:n]...), rest[n:]
		if len(src) == 0 {
			return dst, nil
		}
		if len(src) < 2 {
			return dst, errLZ4
		}
		back := int(le.Uint16(src))
		n, src, ok = lz4Length(int(token&15), src[2:], max)
		if n += 4; !ok || back == 0 || back > len(dst) || len(dst)+n > max {
			return dst, errLZ4
		}
		for n > 0 { // what is copied may overlap with where it goes
			from := len(dst) - back
			k := min(n, back)
			dst = append(dst, dst[from:from+k]...)
			n -= k
		}
	}
}

// lz4Length reads a length that begins with four bits.
func lz4Length(n int, src []byte, max int) (int, []byte, bool) {
	if n < 15 {
		return n, src, true
	}
	for len(src) > 0 && n <= max {
		c := src[0]
		src = src[1:]
		if n += int(c); c < 255 {
			return n, src, true
		}
	}
	return 0, nil, false
}
