package compressed

import (
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"unicode"

	"github.com/loadlock/loadlock/validate"
)

// gzipReader reads the members of a gzip file one after the other, as Python's gzip does.
type gzipReader struct {
	s *stream
	z *gzip.Reader
}

const (
	gzipMagic    = "\x1f\x8b"
	gzipReserved = 0xE0 // flags that RFC 1952 keeps; Python ignores them, zlib refuses
)

// matchGzip wants the method that every reader asks for, deflate. A safetensors file whose header has 0x88b1f bytes begins
// like that too; where the head may be one, the stream has to inflate.
func matchGzip(h validate.Head) bool {
	b := h.Start
	if len(b) < 3 || string(b[:3]) != gzipMagic+"\x08" {
		return false
	}
	return len(b) < 10 || string(b[3:9]) != "\x00\x00\x00\x00\x00{" || inflates(io.NewSectionReader(h, 10, h.Size-10), true)
}

func openGzip(s *stream) (io.Reader, error) {
	g := &gzipReader{s: s}
	return g, g.next()
}

// next begins a member.
func (g *gzipReader) next() (err error) {
	if err := g.s.p.Charge(validate.Entries, 1); err != nil {
		return err
	}
	at := g.s.at()
	if b := g.s.peek(4); len(b) == 4 && b[3]&gzipReserved != 0 {
		g.s.note(hidden, at, "reserved flags %#02x", b[3])
	}
	if g.z == nil {
		g.z, err = gzip.NewReader(g.s)
	} else {
		err = g.z.Reset(g.s)
	}
	if err != nil {
		return cut(err)
	}
	g.z.Multistream(false)
	g.judgeHeader(at)
	return nil
}

func (g *gzipReader) judgeHeader(at int64) {
	name := g.z.Name
	if strings.ContainsAny(name, `/\`) || name == ".." || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		g.s.note(badName, at, "the original name is %s", validate.Quote(name, 100))
	}
	if c := g.z.Comment; c != "" {
		g.s.note(hidden, at, "a comment of %d bytes", len(c))
	}
	if !knownExtra(g.z.Extra) {
		g.s.note(hidden, at, "an extra field of %d bytes", len(g.z.Extra))
	}
}

// knownExtra knows the field of bgzip, the size of the block (SAM specification 4.1).
func knownExtra(b []byte) bool {
	return len(b) == 0 || len(b) == 6 && string(b[:4]) == "BC\x02\x00"
}

// Read implements io.Reader.
func (g *gzipReader) Read(b []byte) (int, error) {
	for {
		n, err := g.z.Read(b)
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
		end := g.s.at()
		zeros, err := g.s.zeros()
		if err != nil {
			return 0, err
		}
		if zeros > 0 {
			g.s.note(trailing, end, "%d zeros, which only some readers skip", zeros)
		}
		if string(g.s.peek(2)) != gzipMagic {
			return 0, io.EOF
		}
		if err := g.next(); err != nil {
			return 0, err
		}
	}
}

// bzip2 streams begin with a size and the mark of a block, or of the end when there is none.
func matchBzip2(h validate.Head) bool {
	b := h.Start
	return len(b) >= 10 && string(b[:3]) == "BZh" && b[3] >= '1' && b[3] <= '9' &&
		(string(b[4:10]) == "1AY&SY" || string(b[4:10]) == "\x17rE8P\x90")
}

// openBzip2 reads all streams that follow one another; what follows and is none ends in an error.
func openBzip2(s *stream) (io.Reader, error) {
	level := int64(9)
	if b := s.peek(4); len(b) == 4 {
		level = int64(b[3] - '0')
	}
	if err := s.fits(level * 500_000); err != nil { // the transform takes 4 bytes for each of the block
		return nil, err
	}
	return bzip2.NewReader(s), nil
}
