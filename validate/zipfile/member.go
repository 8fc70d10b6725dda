package zipfile

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/loadlock/loadlock/validate"
)

// checksumMax is the size up to which a stored member is read once more for its CRC.
const checksumMax = 16 << 20

// judgeMembers descends into every member. The pickles of a torch archive come first, because they say which
// other members are raw storages.
func (a *archive) judgeMembers() error {
	t := a.torch()
	var spent error // a member too large to hold is no reason not to look at the others
	for _, e := range t.order(a.entries) {
		if e.data < 0 {
			continue // no local header: reported
		}
		known, err := t.storage(e)
		if err == nil && !known {
			err = a.member(e, t)
		}
		if errors.Is(err, errTooLarge) {
			spent = err
			continue
		}
		if err != nil {
			return err
		}
	}
	t.missing()
	return spent
}

var errTooLarge = fmt.Errorf("%w: scan.max_header_size_mb: a compressed member does not fit", validate.ErrBudget)

// member judges one member by its content and clears its bytes if the content is cleared.
func (a *archive) member(e *entry, t *torch) error {
	if e.isFolder() && e.usize == 0 && e.csize == 0 {
		return a.p.Charge(validate.Entries, 1)
	}
	var data io.ReaderAt = a.p.Section(e.data, e.csize)
	size := e.csize
	switch e.method {
	case stored:
		if e.usize != e.csize {
			a.p.Report(sizes, e.header, "stored member %s has %d bytes and declares %d", quote(e.name), e.csize, e.usize)
		}
		if size <= checksumMax {
			sum := crc32.NewIEEE()
			if _, err := io.CopyBuffer(sum, a.p.Section(e.data, size), a.chunk()); err != nil {
				return err
			}
			a.checkSum(e, sum.Sum32())
		}
	case deflate:
		var buf bytes.Buffer
		whole, err := a.inflate(e, &buf, a.p.Limits().MaxHeaderSizeMB<<20)
		if err != nil {
			return err
		}
		if !whole && buf.Len() == 0 {
			return nil // reported
		}
		data, size = bytes.NewReader(buf.Bytes()), int64(buf.Len())
	default:
		a.p.Report(methodUnknown, e.header, "member %s uses method %d", quote(e.name), e.method)
		return a.p.Charge(validate.Entries, 1)
	}
	nested, err := a.p.Descend(e.name, data, size)
	if err != nil {
		return err
	}
	if nested.Code {
		a.p.Report(codeInside, e.header, "member %s", quote(e.name))
	}
	t.learn(e, nested.Facts)
	if nested.Cleared {
		a.p.Clear(e.data, e.csize, "member")
	}
	return nil
}

// inflate decompresses e into w, at most max bytes, and reports what is wrong with it. whole says that the
// stream ended as it should.
func (a *archive) inflate(e *entry, w io.Writer, max int64) (whole bool, err error) {
	in := &counter{r: bufio.NewReader(a.p.Section(e.data, e.csize))}
	out := flate.NewReader(in)
	sum := crc32.NewIEEE()
	buf := a.chunk()
	var size int64
	for {
		n, err := out.Read(buf)
		if err := a.p.Charge(validate.Expanded, int64(n)); err != nil {
			return false, err
		}
		if size += int64(n); size > max {
			return false, errTooLarge
		}
		sum.Write(buf[:n])
		if _, err := w.Write(buf[:n]); err != nil {
			return false, err
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if cause := a.p.Charge(validate.Expanded, 0); cause != nil {
				return false, cause
			}
			a.p.Report(sizes, e.header, "member %s does not decompress: %v", quote(e.name), err)
			return false, nil
		}
		if size > e.usize {
			a.p.Report(sizes, e.header, "member %s is larger than the %d bytes it declares", quote(e.name), e.usize)
			return false, nil
		}
	}
	if size != e.usize {
		a.p.Report(sizes, e.header, "member %s has %d bytes and declares %d", quote(e.name), size, e.usize)
	}
	if in.n != e.csize {
		a.p.Report(hidden, e.data+in.n, "%d bytes after the compressed content of member %s", e.csize-in.n, quote(e.name))
	}
	a.checkSum(e, sum.Sum32())
	return true, nil
}

// chunk is the buffer that all members share.
func (a *archive) chunk() []byte {
	if a.buf == nil {
		a.buf = make([]byte, 32<<10)
	}
	return a.buf
}

func (a *archive) checkSum(e *entry, got uint32) {
	if got != e.crc {
		a.p.Report(checksum, e.header, "member %s has CRC %08x and declares %08x", quote(e.name), got, e.crc)
	}
}

// counter knows how much of the compressed stream was used; flate takes single bytes from an io.ByteReader and
// never more than it needs.
type counter struct {
	r *bufio.Reader
	n int64
}

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
