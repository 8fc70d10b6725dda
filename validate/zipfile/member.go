package zipfile

import (
	"errors"
	"hash/crc32"
	"io"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/membername"
)

// checksumMax is the size up to which a stored member is read once more for its CRC.
const checksumMax = 16 << 20

// judgeMembers descends into every member. The pickles of a torch archive come first, because they say which
// other members are raw storages.
func (a *archive) judgeMembers() error {
	t := a.torch()
	judged := make(map[place]bool, len(a.entries))
	for _, e := range t.order(a.entries) {
		if e.data < 0 || judged[e.place()] {
			continue // no local header, or the bytes of another entry: reported
		}
		judged[e.place()] = true
		known, err := t.storage(e)
		if err == nil && !known {
			err = a.member(e, t)
		}
		if err != nil {
			return err
		}
	}
	t.missing()
	return nil
}

// place is what an entry makes a reader read.
type place struct {
	data, csize int64
	method      uint16
}

func (e *entry) place() place { return place{e.data, e.csize, e.method} }

// member judges one member by its content and clears its bytes if the content is cleared.
func (a *archive) member(e *entry, t *torch) error {
	if e.isFolder() && e.usize == 0 && e.csize == 0 {
		a.clear(e, "members")
		return a.p.Charge(validate.Entries, 1)
	}
	if e.isLink() {
		return a.link(e)
	}
	if t.exists() && e.method != stored && e.method != deflate {
		a.p.Report(methodUnknown, e.header, "member %s of a torch archive uses method %d", quote(e.name), e.method)
	}
	nested, err := a.content(e)
	if err != nil {
		return err
	}
	if nested.Code {
		a.p.Report(codeInside, e.header, "member %s", quote(e.name))
	}
	t.learn(e, nested.Facts)
	if nested.Cleared {
		a.clear(e, "members")
	}
	return nil
}

// clear explains all that belongs to a member. One meaning for all of it keeps the account of many members small.
func (a *archive) clear(e *entry, meaning string) {
	a.p.Clear(e.data, e.csize, meaning)
}

// content judges what the member holds, by whatever reader there is for its method.
func (a *archive) content(e *entry) (validate.Nested, error) {
	if e.method == stored {
		return a.storedContent(e)
	}
	decode := decoderOf(e.method)
	if decode == nil {
		a.p.Report(methodUnknown, e.header, "member %s uses method %d", quote(e.name), e.method)
		return validate.Nested{}, a.p.Charge(validate.Entries, 1)
	}
	var first *counter
	ex, err := a.p.ExpandSlowly(cost(e.method), e.name, func() (io.Reader, error) {
		in := newCounter(a.p.Section(e.data, e.csize))
		if first == nil {
			first = in
		}
		r, err := decode(a, e, in)
		if err != nil {
			return nil, err
		}
		return &capped{r: r, left: e.usize}, nil
	})
	if err != nil {
		return ex.Nested, err
	}
	a.compareContent(e, ex, first)
	return ex.Nested, nil
}

// compareContent compares what came out of the decompressor with what the member declares.
func (a *archive) compareContent(e *entry, ex validate.Expansion, in *counter) {
	switch {
	case errors.Is(ex.Broken, errLarger):
		a.p.Report(sizes, e.header, "member %s is larger than the %d bytes it declares", quote(e.name), e.usize)
		return
	case ex.Broken != nil:
		a.p.Report(sizes, e.header, "member %s does not decompress: %v", quote(e.name), ex.Broken)
		return
	case ex.Size != e.usize:
		a.p.Report(sizes, e.header, "member %s has %d bytes and declares %d", quote(e.name), ex.Size, e.usize)
	}
	if in != nil && in.n < e.csize && decoderIsExact(e.method) {
		a.p.Report(hidden, e.data+in.n, "%d bytes after the compressed content of member %s", e.csize-in.n, quote(e.name))
	}
	if e.method == bzip2 && a.severalStreams(e) {
		a.p.Report(contents, e.data, "member %s holds several bzip2 streams, of which Python reads the first", quote(e.name))
	}
	if e.method == zstd {
		a.p.Report(methodUnknown, e.header, "member %s uses method %d, which few readers know", quote(e.name), e.method)
	}
	a.checkSum(e, ex.CRC32)
}

func (a *archive) storedContent(e *entry) (validate.Nested, error) {
	if e.usize != e.csize {
		a.p.Report(sizes, e.header, "stored member %s has %d bytes and declares %d", quote(e.name), e.csize, e.usize)
	}
	if e.csize <= checksumMax {
		sum := crc32.NewIEEE()
		if _, err := io.CopyBuffer(sum, a.p.Section(e.data, e.csize), a.chunk()); err != nil {
			return validate.Nested{}, err
		}
		a.checkSum(e, sum.Sum32())
	}
	return a.p.Descend(e.name, a.p.Section(e.data, e.csize), e.csize)
}

// checkSum compares the CRC of content that was read. A flag that says "encrypted" or "patched" over content that
// has the right CRC as it is was set to make readers refuse what a loader reads (CVE-2025-1945).
func (a *archive) checkSum(e *entry, got uint32) {
	switch {
	case got == e.crc && e.flags&(flagEncrypted|flagPatched) != 0 && e.usize > 0:
		a.p.Report(falseFlags, e.header, "member %s has flags %#04x and is plain", quote(e.name), e.flags)
	case got != e.crc && e.crc == 0 && a.isTorch:
		a.p.Report(noChecksum, e.header, "member %s has CRC %08x and declares none", quote(e.name), got)
	case got != e.crc:
		a.p.Report(checksum, e.header, "member %s has CRC %08x and declares %08x", quote(e.name), got, e.crc)
	}
}

// linkMax bounds what is read of a link's target.
const linkMax = 4096

// link judges a symbolic link: its content is its target. It is never cleared, because what the target is depends on
// where the archive is unpacked.
func (a *archive) link(e *entry) error {
	target := "(compressed)"
	if e.method == stored {
		b, err := a.p.Bytes(e.data, min(e.csize, linkMax))
		if err != nil {
			return err
		}
		target = string(b)
		if membername.LeadsOutside(e.name, target) {
			a.p.Report(special, e.header, "member %s is a link that leads outside, to %s", quote(e.name), quote(target))
			return a.p.Charge(validate.Entries, 1)
		}
	}
	a.p.Report(link, e.header, "member %s is a symbolic link to %s", quote(e.name), quote(target))
	return a.p.Charge(validate.Entries, 1)
}

// chunk is the buffer that all members share.
func (a *archive) chunk() []byte {
	if a.buf == nil {
		a.buf = make([]byte, 32<<10)
	}
	return a.buf
}
