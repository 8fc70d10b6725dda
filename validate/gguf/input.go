package gguf

import (
	"bufio"
	"encoding/binary"
	"io"

	"github.com/loadlock/loadlock/validate"
)

// input reads forward, and skips what need not be read.
type input struct {
	p     *validate.Pass
	order binary.ByteOrder
	r     *bufio.Reader
	off   int64 // of the next byte
	word  [8]byte
}

func newInput(p *validate.Pass, order binary.ByteOrder) *input {
	return &input{p: p, order: order, r: bufio.NewReaderSize(nil, 64<<10)}
}

func (in *input) seek(off int64) {
	in.off = off
	in.r.Reset(in.p.Section(off, in.p.Size-off))
}

// left is how many bytes follow.
func (in *input) left() int64 { return in.p.Size - in.off }

// skip passes over n bytes, which the caller has compared with left.
func (in *input) skip(n int64) error {
	if n > int64(in.r.Buffered()) {
		in.seek(in.off + n)
		return nil
	}
	in.off += n
	_, err := in.r.Discard(int(n))
	return err
}

func (in *input) fixed(n int) ([]byte, error) {
	if int64(n) > in.left() {
		return nil, validate.Malformed(in.off, "the file ends in a number")
	}
	b := in.word[:n]
	_, err := io.ReadFull(in.r, b)
	in.off += int64(n)
	return b, err
}

func (in *input) u32() (uint32, error) {
	b, err := in.fixed(4)
	if err != nil {
		return 0, err
	}
	return in.order.Uint32(b), nil
}

func (in *input) u64() (uint64, error) {
	b, err := in.fixed(8)
	if err != nil {
		return 0, err
	}
	return in.order.Uint64(b), nil
}

// bytes reads n bytes into memory; n is small and has been compared with left.
func (in *input) bytes(n int64) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(in.r, b)
	in.off += n
	return b, err
}
