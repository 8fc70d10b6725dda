package sevenzip

import (
	"bufio"
	"compress/bzip2"
	"compress/flate"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz/lzma"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/drain"
)

// Coders (DOC/Methods.txt).
const (
	copies  = "\x00"
	lzma2   = "\x21"
	lzma1   = "\x03\x01\x01"
	deflate = "\x04\x01\x08"
	bzip    = "\x04\x02\x02"
	aes     = "\x06\xf1\x07\x01"
)

// input is a packed stream. It knows how much of it was used.
type input struct {
	r    *bufio.Reader
	size int64
	n    int64
}

func newInput(p *validate.Pass, at, n int64) *input {
	return &input{r: bufio.NewReaderSize(p.Section(at, n), 16<<10), size: n}
}

func (in *input) left() int64 { return in.size - in.n }

// ReadByte implements io.ByteReader, so that decompressors read no more than they need.
func (in *input) ReadByte() (byte, error) {
	b, err := in.r.ReadByte()
	if err == nil {
		in.n++
	}
	return b, err
}

// Read implements io.Reader.
func (in *input) Read(b []byte) (int, error) {
	n, err := in.r.Read(b)
	in.n += int64(n)
	return n, err
}

// decode begins to decompress a folder. What the dictionary may take is halved at each level of nesting.
func (a *archive) decode(f *folder, in *input) (io.Reader, error) {
	if string(f.coder) == aes {
		return nil, errEncrypted
	}
	if f.coders != 1 {
		return nil, fmt.Errorf("%d coders in a folder are not read", f.coders)
	}
	memory := max(64<<10, int64(20<<20)>>min(a.p.Depth, 20))
	switch string(f.coder) {
	case copies:
		return in, nil
	case deflate:
		return flate.NewReader(in), nil
	case bzip:
		if memory < 5<<20 {
			return nil, errors.New("bzip2 so deep in other archives is not read")
		}
		return bzip2.NewReader(in), nil
	case lzma1:
		return newLZMA(f, in, memory)
	case lzma2:
		if len(f.props) != 1 {
			break
		}
		dict, err := lzma.DecodeDictCap(f.props[0])
		if err != nil {
			return nil, err
		}
		dict = max(lzma.MinDictCap, min(dict, f.unpacked))
		if dict > memory {
			dict = memory // a stream that looks back further fails there
		}
		return lzma.Reader2Config{DictCap: int(dict)}.NewReader2(in)
	}
	return nil, unknownCoder(f.coder)
}

// newLZMA gives the library the header that an LZMA-alone file would have.
func newLZMA(f *folder, in *input, memory int64) (io.Reader, error) {
	if len(f.props) != 5 {
		return nil, unknownCoder(f.coder)
	}
	dict := min(max(lzma.MinDictCap, min(int64(le.Uint32(f.props[1:])), f.unpacked)), memory)
	head := le.AppendUint32([]byte{f.props[0]}, uint32(dict))
	r, err := lzma.ReaderConfig{DictCap: int(memory)}.NewReader(&prefixed{le.AppendUint64(head, uint64(f.unpacked)), in})
	if err != nil {
		return nil, err
	}
	return drain.Reader(r, memory), nil
}

// prefixed gives some bytes and then those of in, one by one if asked.
type prefixed struct {
	head []byte
	in   *input
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

// sequence reads the files of a folder one after the other from one decompression. A file that is asked for again
// starts another one.
type sequence struct {
	a   *archive
	fo  *folder
	in  *input
	r   io.Reader
	at  int64
	err error
}

// open gives size bytes at off of what the folder unpacks to.
func (s *sequence) open(off, size int64) (io.Reader, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.r == nil {
		s.in = newInput(s.a.p, s.fo.at, s.fo.packed)
		if s.r, s.err = s.a.decode(s.fo, s.in); s.err != nil {
			return nil, s.err
		}
	}
	if off == s.at {
		return &piece{s: s, left: size}, nil
	}
	r, err := s.a.decode(s.fo, newInput(s.a.p, s.fo.at, s.fo.packed))
	if err != nil {
		return nil, err
	}
	for off > 0 { // what is passed over is paid for as well
		n, err := io.CopyN(io.Discard, r, min(off, 1<<20))
		if err := s.a.p.Charge(validate.Expanded, n); err != nil {
			return nil, err
		}
		if err != nil {
			return nil, err
		}
		off -= n
	}
	return io.LimitReader(r, size), nil
}

// finish reads to the end of the stream and returns how much of it was not needed.
func (s *sequence) finish() (left int64, err error) {
	if s.r == nil || s.err != nil {
		if s.err == nil && s.fo.unpacked == 0 {
			return 0, nil
		}
		return 0, errors.Join(s.err, errors.New("the folder was not read"))
	}
	var one [1]byte
	if n, err := s.r.Read(one[:]); n > 0 || err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("a folder with more than its files: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	return s.in.left(), nil
}

// piece is the next file of a sequence.
type piece struct {
	s    *sequence
	left int64
}

// Read implements io.Reader.
func (p *piece) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n, err := p.s.r.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	p.s.at += int64(n)
	if errors.Is(err, io.EOF) && p.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		p.s.err = err
	}
	return n, err
}
