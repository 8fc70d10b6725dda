package compressed

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/drain"
)

const (
	xzMagic    = "\xfd7zXZ\x00"
	xzEnd      = "YZ"
	xzHeadSize = 12
	xzLZMA2    = 0x21
)

// xzReader reads the streams of an .xz file one after the other. The container is read here and not by the library,
// which allocates whatever dictionary a block asks for.
type xzReader struct {
	s       *stream
	flags   byte // the kind of check
	blocks  []xzBlock
	block   *xzBlock // being read
	r       io.Reader
	sum     hash.Hash
	started int64 // where the block begins
	data    int64 // where its data begins
	claim   xzBlock
	broken  error // of a block that gave nothing; r is what can be had of it
}

// xzBlock is what the index says about a block: its size without padding, and of what is in it.
type xzBlock struct{ packed, plain uint64 }

func openXZ(s *stream) (io.Reader, error) {
	x := &xzReader{s: s}
	return x, x.head()
}

// head reads a stream header.
func (x *xzReader) head() error {
	if err := x.s.p.Charge(validate.Entries, 1); err != nil {
		return err
	}
	var b [xzHeadSize]byte
	if err := x.s.full(b[:]); err != nil {
		return err
	}
	if string(b[:6]) != xzMagic || b[6] != 0 || le.Uint32(b[8:]) != crc32.ChecksumIEEE(b[6:8]) {
		return errors.New("no xz stream header")
	}
	x.flags, x.blocks = b[7], x.blocks[:0]
	if _, _, ok := x.check(); !ok {
		return fmt.Errorf("check %#02x is %w", b[7], errUnread)
	}
	return nil
}

// check is the hash of the stream's blocks, and its size in the file.
func (x *xzReader) check() (hash.Hash, int, bool) {
	switch x.flags {
	case 0:
		return crc32.NewIEEE(), 0, true // computed and not compared: the stream has none
	case 1:
		return crc32.NewIEEE(), 4, true
	case 4:
		return crc64.New(crc64.MakeTable(crc64.ECMA)), 8, true
	case 10:
		return sha256.New(), 32, true
	}
	return nil, 0, false
}

// Read implements io.Reader.
func (x *xzReader) Read(b []byte) (int, error) {
	for {
		if x.r == nil {
			if err := x.nextBlock(); err != nil {
				return 0, err
			}
		}
		n, err := x.r.Read(b)
		x.sum.Write(b[:n])
		x.block.plain += uint64(n)
		if x.broken != nil && n == 0 {
			return 0, x.broken
		}
		if x.broken == nil && n == 0 && x.block.plain == 0 && err != nil && !errors.Is(err, io.EOF) && x.salvage(err) {
			continue
		}
		if errors.Is(err, io.EOF) && x.broken == nil {
			err = x.endBlock()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// nextBlock reads block headers and indexes until there is a block to read, or the end of the last stream.
func (x *xzReader) nextBlock() error {
	for {
		first := x.s.peek(1)
		if len(first) == 0 {
			return io.ErrUnexpectedEOF
		}
		if first[0] != 0 {
			return x.blockHead()
		}
		if err := x.index(); err != nil {
			return err
		}
		end := x.s.at()
		zeros, err := x.s.zeros()
		if err != nil {
			return err
		}
		if zeros > 0 {
			x.s.note(trailing, end, "%d zeros, at which Python stops and xz does not", zeros)
		}
		if string(x.s.peek(len(xzMagic))) != xzMagic {
			return io.EOF
		}
		if err := x.head(); err != nil {
			return err
		}
	}
}

// blockHead reads the header of a block. LZMA2 alone is read; other filters belong to executables.
func (x *xzReader) blockHead() error {
	if err := x.s.p.Charge(validate.Entries, 1); err != nil {
		return err
	}
	x.started = x.s.at()
	b := make([]byte, (int(x.s.peek(1)[0])+1)*4)
	if err := x.s.full(b); err != nil {
		return err
	}
	body := b[:len(b)-4]
	if crc32.ChecksumIEEE(body) != le.Uint32(b[len(b)-4:]) {
		return errors.New("wrong checksum of a block header")
	}
	flags, r := body[1], bytes.NewReader(body[2:])
	if flags&^0xC0 != 0 {
		return fmt.Errorf("filters %#02x are %w", flags, errUnread)
	}
	x.claim = xzBlock{}
	if flags&0x40 != 0 {
		x.claim.packed = uvarint(r) + 1
	}
	if flags&0x80 != 0 {
		x.claim.plain = uvarint(r) + 1
	}
	id, size := uvarint(r), uvarint(r)
	code, err := r.ReadByte()
	if err != nil || id != xzLZMA2 || size != 1 || code > 40 {
		return fmt.Errorf("filter %#x is %w", id, errUnread)
	}
	for r.Len() > 0 {
		if c, _ := r.ReadByte(); c != 0 {
			return errors.New("a block header with data in its padding")
		}
	}
	return x.begin(code)
}

// begin starts to decode a block whose dictionary has the given code (xz format 5.3.1).
func (x *xzReader) begin(code byte) error {
	dict, err := lzma.DecodeDictCap(code)
	if err != nil {
		return err
	}
	x.data, x.block = x.s.at(), &xzBlock{}
	x.sum, _, _ = x.check()
	x.r, err = lzma.Reader2Config{DictCap: int(min(dict, x.s.memory()))}.NewReader2(x.s)
	return err
}

// salvage reads the first chunk of a block that broke in it.
func (x *xzReader) salvage(cause error) bool {
	r, err := drain.FirstChunk(x.s.p.Section(x.data, x.s.p.Size-x.data), x.s.memory())
	if err == nil {
		x.broken, x.r = cause, r
	}
	return err == nil
}

// endBlock reads the padding and the check behind a block.
func (x *xzReader) endBlock() error {
	packed := uint64(x.s.at() - x.data)
	if x.claim.packed > 0 && x.claim.packed != packed+1 || x.claim.plain > 0 && x.claim.plain != x.block.plain+1 {
		return errors.New("a block with another size than its header says")
	}
	var pad [4]byte
	padding := pad[:-packed%4]
	if err := x.s.full(padding); err != nil {
		return err
	}
	_, size, _ := x.check()
	want := make([]byte, size)
	if err := x.s.full(want); err != nil {
		return err
	}
	got := x.sum.Sum(nil)
	if x.flags != 10 { // the CRCs are little endian in the file
		for i, j := 0, len(got)-1; i < j; i, j = i+1, j-1 {
			got[i], got[j] = got[j], got[i]
		}
	}
	if size > 0 && !bytes.Equal(got, want) || pad != [4]byte{} {
		return errors.New("wrong checksum of a block")
	}
	x.block.packed = uint64(x.s.at()-x.started) - uint64(len(padding))
	x.blocks = append(x.blocks, *x.block)
	x.r = nil
	return nil
}

// index reads the index and the footer and compares them with the blocks.
func (x *xzReader) index() error {
	start := x.s.at()
	sum := crc32.NewIEEE()
	r := &summed{x.s, sum}
	_, _ = r.ReadByte() // the indicator, which was looked at
	if n, err := binary.ReadUvarint(r); err != nil || n != uint64(len(x.blocks)) {
		return errors.New("an index that does not fit the blocks")
	}
	for _, b := range x.blocks {
		packed, _ := binary.ReadUvarint(r)
		plain, err := binary.ReadUvarint(r)
		if err != nil || (xzBlock{packed, plain}) != b {
			return errors.New("an index that does not fit the blocks")
		}
	}
	for (x.s.at()-start)%4 != 0 {
		if c, err := r.ReadByte(); err != nil || c != 0 {
			return errors.New("an index with data in its padding")
		}
	}
	var b [4 + xzHeadSize]byte
	if err := x.s.full(b[:]); err != nil {
		return err
	}
	foot := b[4:]
	if le.Uint32(b[:]) != sum.Sum32() || le.Uint32(foot) != crc32.ChecksumIEEE(foot[4:10]) || string(foot[10:]) != xzEnd ||
		foot[8] != 0 || foot[9] != x.flags || (int64(le.Uint32(foot[4:]))+1)*4 != x.s.at()-xzHeadSize-start {
		return errors.New("a stream footer that does not fit")
	}
	return nil
}

// summed computes the checksum of what is read byte by byte.
type summed struct {
	s   *stream
	sum hash.Hash
}

// ReadByte implements io.ByteReader.
func (r *summed) ReadByte() (byte, error) {
	b, err := r.s.ReadByte()
	if err == nil {
		r.sum.Write([]byte{b})
	}
	return b, err
}

// uvarint reads a number of the header; one that cannot be read is no filter that is known.
func uvarint(r *bytes.Reader) uint64 {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return 1<<64 - 2
	}
	return n
}
