package zipfile

import (
	"bufio"
	"bytes"
	bz2 "compress/bzip2"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	zst "github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz/lzma"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/drain"
)

// Methods besides stored and deflate that some readers of Python have (APPNOTE 4.4.5). Torch has none of them.
const (
	bzip2 = 12
	lzma1 = 14
	zstd  = 93
)

// decoder makes a reader of a member's content from a reader of its bytes.
type decoder func(a *archive, e *entry, in *counter) (io.Reader, error)

func decoderOf(method uint16) decoder {
	switch method {
	case deflate:
		return func(_ *archive, _ *entry, in *counter) (io.Reader, error) { return flate.NewReader(in), nil }
	case bzip2:
		return func(_ *archive, _ *entry, in *counter) (io.Reader, error) { return bz2.NewReader(in), nil }
	case lzma1:
		return newLZMA
	case zstd:
		return newZstd
	}
	return nil
}

// cost is what a byte that comes out takes, see validate.Slow.
func cost(method uint16) int64 {
	if method == bzip2 || method == lzma1 {
		return validate.Slow
	}
	return 1
}

// decoderIsExact says that the decoder reads no byte after the end of its stream.
func decoderIsExact(method uint16) bool { return method != zstd }

// window is the largest memory that one decompressor may take. Each level of nesting gets half of what the level
// around it has, so that all of them together stay below twice this.
func (a *archive) window() int64 { return max(64<<10, int64(16<<20)>>min(a.p.Depth, 16)) }

// newLZMA reads APPNOTE 5.8: two bytes of version, the length of the properties, and the properties of a raw stream.
// The declared dictionary is no reason to allocate one.
func newLZMA(a *archive, e *entry, in *counter) (io.Reader, error) {
	var head [9]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	if le.Uint16(head[2:]) != 5 {
		return nil, fmt.Errorf("%d bytes of LZMA properties", le.Uint16(head[2:]))
	}
	size := uint64(e.usize)
	if e.flags&(1<<1) != 0 { // the stream ends with a mark
		size = 1<<64 - 1
	}
	dict := min(int64(le.Uint32(head[5:])), max(e.usize, lzma.MinDictCap))
	if dict > a.window() {
		return nil, fmt.Errorf("the LZMA dictionary needs %d bytes", dict)
	}
	alone := binary.LittleEndian.AppendUint32([]byte{head[4]}, uint32(dict))
	alone = binary.LittleEndian.AppendUint64(alone, size)
	r, err := lzma.ReaderConfig{DictCap: int(a.window())}.NewReader(&prefixed{alone, in})
	if err != nil {
		return nil, err
	}
	return drain.Reader(r, a.window()), nil
}

// prefixed gives some bytes and then those of in, one by one if asked, so that nothing is read ahead.
type prefixed struct {
	head []byte
	in   *counter
}

func (p *prefixed) ReadByte() (byte, error) {
	if len(p.head) > 0 {
		c := p.head[0]
		p.head = p.head[1:]
		return c, nil
	}
	return p.in.ReadByte()
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	return p.in.Read(b)
}

func newZstd(a *archive, _ *entry, in *counter) (io.Reader, error) {
	r, err := zst.NewReader(struct{ io.Reader }{in}, zst.WithDecoderConcurrency(1), zst.WithDecoderLowmem(true),
		zst.WithDecoderMaxWindow(uint64(a.window())), zst.WithDecoderMaxMemory(1<<62))
	if err != nil {
		return nil, err
	}
	return drain.Reader(r, a.window()), nil
}

// severalStreams looks for the start of a second bzip2 stream: streams begin at a byte, with "BZh", a digit, and
// the mark of a block or of the end.
func (a *archive) severalStreams(e *entry) bool {
	r := bufio.NewReaderSize(a.p.Section(e.data, e.csize), 32<<10)
	for at := 0; ; at++ {
		if _, err := r.ReadSlice('B'); err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return false
		}
		b, _ := r.Peek(9)
		if at > 0 && len(b) == 9 && bytes.HasPrefix(b, []byte("Zh")) && (string(b[3:]) == "1AY&SY" || string(b[3:]) == "\x17rE8P\x90") {
			return true
		}
	}
}

// capped ends with an error where a member has more content than it declares.
type capped struct {
	r    io.Reader
	left int64
}

var errLarger = errors.New("more content than declared")

func (c *capped) Read(b []byte) (int, error) {
	if c.left < 0 {
		return 0, errLarger
	}
	if int64(len(b)) > c.left+1 {
		b = b[:c.left+1]
	}
	n, err := c.r.Read(b)
	if c.left -= int64(n); c.left < 0 {
		return n, errLarger
	}
	return n, err
}

// counter knows how much of the compressed stream was used; decompressors take single bytes from an io.ByteReader
// and never more than they need.
type counter struct {
	r *bufio.Reader
	n int64
}

func newCounter(r io.Reader) *counter { return &counter{r: bufio.NewReader(r)} }

func (c *counter) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
