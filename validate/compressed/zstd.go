package compressed

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/drain"
)

// zstdReader reads frames one after the other. It walks the blocks of each frame itself, so that the library never
// sees where a frame is not, and decodes each frame by itself.
type zstdReader struct {
	s *stream
	d *zstd.Decoder
	f *zstdFrame
}

func openZstd(s *stream) (io.Reader, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(uint64(s.memory())), zstd.WithDecoderMaxMemory(1<<62))
	if err != nil {
		return nil, err
	}
	return drain.Reader(&zstdReader{s: s, d: d}, s.memory()), nil // a wrong checksum is told before the block that has it
}

// Read implements io.Reader.
func (z *zstdReader) Read(b []byte) (int, error) {
	for {
		if z.f == nil {
			if err := z.next(); err != nil {
				return 0, err
			}
		}
		n, err := z.d.Read(b)
		switch {
		case errors.Is(err, zstd.ErrWindowSizeExceeded):
			return n, &windowError{int64(min(z.f.window, 1<<62)), z.s.memory()}
		case errors.Is(err, io.EOF):
			if err = z.f.drain(); err == nil {
				z.f = nil
			}
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next begins a frame.
func (z *zstdReader) next() error {
	if err := z.s.skipFrames(); err != nil {
		return err
	}
	if string(z.s.peek(4)) != zstdMagic {
		return io.EOF
	}
	if err := z.s.p.Charge(validate.Entries, 1); err != nil {
		return err
	}
	f := &zstdFrame{s: z.s}
	if err := f.head(); err != nil {
		return err
	}
	z.f = f
	return z.d.Reset(struct{ io.Reader }{f})
}

// zstdFrame gives the bytes of one frame and then ends, whatever follows.
type zstdFrame struct {
	s      *stream
	buf    []byte // of a header, to be given before the rest of its block
	left   int64  // of the block
	last   bool
	sum    bool // a checksum follows the last block
	window uint64
	empty  int
}

// head reads the frame header (RFC 8878, 3.1.1.1).
func (f *zstdFrame) head() error {
	b := f.s.peek(18)
	if len(b) < 6 {
		return io.ErrUnexpectedEOF
	}
	d := b[4]
	single := d&0x20 != 0
	f.sum = d&4 != 0
	n := 5
	if !single {
		exp, mantissa := uint64(b[5]>>3), uint64(b[5]&7)
		f.window = 1<<(10+exp) + (1<<(10+exp))/8*mantissa
		n++
	}
	if d&3 != 0 {
		return fmt.Errorf("frames with a dictionary are %w", errUnread)
	}
	size := [4]int{0, 2, 4, 8}[d>>6]
	if size == 0 && single {
		size = 1
	}
	if d&8 != 0 || len(b) < n+size {
		return errors.New("no Zstandard frame header")
	}
	if single {
		for i := size - 1; i >= 0; i-- {
			f.window = f.window<<8 | uint64(b[n+i])
		}
	}
	f.buf = make([]byte, n+size)
	return f.s.full(f.buf)
}

// Read implements io.Reader.
func (f *zstdFrame) Read(b []byte) (int, error) {
	for len(f.buf) == 0 && f.left == 0 {
		if err := f.block(); err != nil {
			return 0, err
		}
	}
	if len(f.buf) > 0 {
		n := copy(b, f.buf)
		f.buf = f.buf[n:]
		return n, nil
	}
	n, err := f.s.Read(b[:min(int64(len(b)), f.left)])
	f.left -= int64(n)
	return n, cut(err)
}

// maxEmpty is how many blocks without content may follow one another.
const maxEmpty = 1000

// block reads a block header, or the checksum after the last one.
func (f *zstdFrame) block() error {
	if f.last {
		if !f.sum {
			return io.EOF
		}
		f.sum = false
		f.buf = make([]byte, 4)
		return f.s.full(f.buf)
	}
	f.buf = make([]byte, 3)
	if err := f.s.full(f.buf); err != nil {
		return err
	}
	h := int64(f.buf[0]) | int64(f.buf[1])<<8 | int64(f.buf[2])<<16
	f.last, f.left = h&1 != 0, h>>3
	if kind := h >> 1 & 3; kind == 1 { // one byte, repeated
		f.left = 1
	}
	if f.empty++; h>>3 > 0 {
		f.empty = 0
	}
	if f.empty > maxEmpty {
		return fmt.Errorf("%d blocks without content", f.empty)
	}
	return nil
}

// drain holds that the decoder used the whole frame.
func (f *zstdFrame) drain() error {
	n, err := io.Copy(io.Discard, f)
	if err == nil && n > 0 {
		return fmt.Errorf("%d bytes of the frame after its end", n)
	}
	return err
}
