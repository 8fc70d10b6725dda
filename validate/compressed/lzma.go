package compressed

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"

	"github.com/ulikunitz/xz/lzma"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/drain"
)

var le = binary.LittleEndian

// lzmaHead is the header of an LZMA-alone file: properties, dictionary, size; the range coder's first byte is zero.
const lzmaHead = 13

// matchLZMA recognises LZMA alone, which has no magic: a dictionary of 2^n or 2^n+2^(n-1) bytes and a size that is
// unknown or below 256 GiB, which is what liblzma wants to see as well, and with properties that no writer uses by
// default a beginning that decodes.
func matchLZMA(h validate.Head) bool {
	b := h.Start
	if len(b) < lzmaHead+5 || b[0] >= 9*5*5 || b[lzmaHead] != 0 {
		return false
	}
	dict, size := le.Uint32(b[1:]), le.Uint64(b[5:])
	if size != 1<<64-1 && size >= 1<<38 || !plausibleDict(dict) {
		return false
	}
	if b[0] == 0x5d { // lc=3, lp=0, pb=2, which all writers use: the header is as good as a magic
		return true
	}
	_, err := io.CopyN(io.Discard, newLZMA(bufio.NewReader(io.NewSectionReader(h, 0, h.Size)), 64<<10), 512)
	return err == nil || errors.Is(err, io.EOF)
}

func plausibleDict(d uint32) bool {
	if d == 1<<32-1 {
		return true
	}
	top := d & (d - 1) // without the lowest bit
	return d >= 4096 && (top == 0 || bits.OnesCount32(d) == 2 && top>>1 == d&-d)
}

// newLZMA decodes with a dictionary of at most max bytes, whatever the header asks for: a stream with distances
// beyond it fails there.
func newLZMA(in *bufio.Reader, max int64) io.Reader { return &lzmaReader{in: in, max: max} }

type lzmaReader struct {
	in  io.Reader
	max int64
	r   io.Reader
}

// Read implements io.Reader.
func (l *lzmaReader) Read(b []byte) (int, error) {
	if l.r == nil {
		var head [lzmaHead]byte
		if _, err := io.ReadFull(l.in, head[:]); err != nil {
			return 0, cut(err)
		}
		if int64(le.Uint32(head[1:])) > l.max {
			le.PutUint32(head[1:], uint32(l.max))
		}
		r, err := (lzma.ReaderConfig{DictCap: int(l.max)}).NewReader(&prefixed{head[:], l.in.(byteReader)})
		if err != nil {
			return 0, err
		}
		l.r = drain.Reader(r, l.max)
	}
	return l.r.Read(b)
}

type byteReader interface {
	io.Reader
	io.ByteReader
}

// prefixed gives some bytes and then those of in, one by one if asked, so that nothing is read ahead.
type prefixed struct {
	head []byte
	in   byteReader
}

// ReadByte implements io.ByteReader.
func (p *prefixed) ReadByte() (byte, error) {
	if len(p.head) > 0 {
		c := p.head[0]
		p.head = p.head[1:]
		return c, nil
	}
	return p.in.ReadByte()
}

// Read implements io.Reader.
func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	return p.in.Read(b)
}

func openLZMA(s *stream) (io.Reader, error) {
	return &lzmaReader{in: s, max: s.memory()}, nil
}
