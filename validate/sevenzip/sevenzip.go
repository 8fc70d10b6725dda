// Package sevenzip judges 7z archives.
//
// Theory of operation. No loader of models reads 7z; torch falls back to pickle, people unpack by hand, and scanners
// that take the archive for what its name says see nothing (nullifAI, February 2025). So the archive is judged by
// what is in it, and one under another name than .7z is a finding by itself. The headers are read here and not by a
// library: their counts size everything, and each is held against the bytes that are left before it is used.
// A folder of 7z is one compressed stream that holds several files; it is decompressed once, and each file is judged
// when the stream comes to it.
//
// # Security
//
// The file must consist of the signature header, the packed streams and the header, without holes and with nothing
// behind it. Copy, LZMA, LZMA2, Deflate and bzip2 are read, one coder to a folder. Encryption, filters for executables,
// several coders, and everything else are not, and what needs them is not cleared. Every CRC is compared.
//
// Not judged: times and attributes, except those that make a link.
//
// Format: LZMA SDK, DOC/7zFormat.txt and DOC/Methods.txt.
package sevenzip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/membername"
)

var le = binary.LittleEndian

// Scanner judges 7z archives.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "sevenzip", Doc: "7z archives: headers, every byte, every file", Version: 1,
		Rules: rules, Match: match, Scan: scan,
	}
}

const (
	magic    = "7z\xbc\xaf\x27\x1c"
	headSize = 32
	// headerMax is the most that the header may have, packed or not; a thousand files take some 50 KiB.
	headerMax = 1 << 20
)

func match(h validate.Head) bool {
	return strings.HasPrefix(string(h.Start[:min(len(h.Start), len(magic))]), magic) || named(h.Name)
}

func named(name string) bool { return validate.Ext(name) == ".7z" }

// archive is one 7z file being read.
type archive struct {
	p    *validate.Pass
	end  int64 // of the packed streams, where the header begins
	main *streams
}

func scan(p *validate.Pass) error {
	a := &archive{p: p}
	head, err := p.Bytes(0, min(headSize, p.Size))
	if err != nil {
		return err
	}
	switch {
	case !strings.HasPrefix(string(head), magic):
		p.Report(disguised, 0, "%s begins with %s", validate.Printable(path.Base(p.Name)), validate.Quote(head, 16))
		return nil
	case !named(p.Name):
		p.Report(otherName, 0, "%s", validate.Printable(path.Base(p.Name)))
	}
	b, err := a.findHeader(head)
	if err != nil {
		return err
	}
	files, err := a.readHeader(b)
	if err != nil {
		return err
	}
	return a.judge(files)
}

// findHeader reads the signature header and returns the header at the end of the file, unpacked.
func (a *archive) findHeader(head []byte) ([]byte, error) {
	p := a.p
	if len(head) < headSize || head[6] != 0 || crc32.ChecksumIEEE(head[12:]) != le.Uint32(head[8:]) {
		return nil, validate.Malformed(0, "no signature header")
	}
	off, size, sum := le.Uint64(head[12:]), le.Uint64(head[20:]), le.Uint32(head[28:])
	if off > uint64(p.Size-headSize) || size > uint64(p.Size-headSize)-off {
		return nil, validate.Malformed(12, "header outside the file")
	}
	a.end = headSize + int64(off)
	if rest := p.Size - a.end - int64(size); rest > 0 {
		p.Report(trailing, p.Size-rest, "%d bytes", rest)
	}
	p.Clear(0, headSize, "signature header")
	if size == 0 {
		return nil, nil
	}
	if size > headerMax {
		return nil, validate.Malformed(20, "header of %d bytes", size)
	}
	b, err := p.Bytes(a.end, int64(size))
	if err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(b) != sum {
		return nil, validate.Malformed(a.end, "wrong checksum of the header")
	}
	p.Clear(a.end, int64(size), "header")
	return a.unpackHeader(b)
}

// unpackHeader decompresses a header that is packed, once.
func (a *archive) unpackHeader(b []byte) ([]byte, error) {
	if b[0] != idEncodedHeader {
		return b, nil
	}
	r := &reader{b: b[1:]}
	s := r.streams(false)
	if r.err != nil || len(r.b) > 0 || len(s.folders) != 1 || len(s.folders[0].files) != 1 {
		return nil, validate.Malformed(a.end, "packed header: %v", r.err)
	}
	f := s.folders[0]
	if f.unpacked > headerMax {
		return nil, validate.Malformed(a.end, "header of %d bytes", f.unpacked)
	}
	in, err := a.place(s, f)
	if err != nil {
		return nil, err
	}
	dec, err := a.decode(f, in)
	if err != nil {
		return nil, a.unreadable(f, err)
	}
	out, err := io.ReadAll(io.LimitReader(dec, headerMax+1))
	if err := a.p.Charge(validate.Expanded, int64(len(out))); err != nil {
		return nil, err
	}
	if err != nil || int64(len(out)) != f.unpacked || in.left() != 0 || f.files[0].hasSum && crc32.ChecksumIEEE(out) != f.files[0].sum {
		return nil, validate.Malformed(f.at, "packed header that does not unpack: %v", err)
	}
	a.p.Clear(f.at, f.packed, "header")
	a.end = f.at // the streams of the files end where this one begins
	return out, nil
}

func (a *archive) unreadable(f *folder, err error) error {
	rule := unread
	if errors.Is(err, errEncrypted) {
		rule = encrypted
	}
	a.p.Report(rule, f.at, "%v", err)
	return nil
}

func (a *archive) readHeader(b []byte) ([]*file, error) {
	if len(b) == 0 {
		if a.main = new(streams); a.end != headSize {
			return nil, validate.Malformed(headSize, "streams without a header")
		}
		return nil, nil
	}
	r := &reader{b: b, max: a.p.Limits().MaxEntries}
	files := r.header()
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes after the header", len(r.b))
	}
	if r.err != nil {
		return nil, validate.Malformed(a.end, "header: %v", r.err)
	}
	a.main = r.main
	if r.odd != "" {
		a.p.Report(oddHeader, a.end, "%s", r.odd)
	}
	return files, nil
}

// judge goes through the folders in order and gives each its files.
func (a *archive) judge(files []*file) error {
	a.checkNames(files)
	var with []*file
	for _, f := range files {
		if f.hasStream {
			with = append(with, f)
		} else if err := a.p.Charge(validate.Entries, 1); err != nil {
			return err
		}
	}
	for _, fo := range a.main.folders {
		n := min(len(fo.files), len(with))
		for i := range n {
			with[i].part = fo.files[i]
		}
		if err := a.folder(fo, with[:n]); err != nil {
			return err
		}
		if n < len(fo.files) {
			return validate.Malformed(a.end, "more streams than files")
		}
		with = with[n:]
	}
	if len(with) > 0 {
		return validate.Malformed(a.end, "more files than streams")
	}
	return nil
}

// folder judges the files of one folder and clears its packed stream if all of them are cleared.
func (a *archive) folder(fo *folder, files []*file) error {
	in, err := a.place(a.main, fo)
	if err != nil {
		return err
	}
	if _, err := a.decode(fo, in); err != nil {
		return errors.Join(a.unreadable(fo, err), a.p.Charge(validate.Entries, 1))
	}
	s := &sequence{a: a, fo: fo}
	good := true
	for _, f := range files {
		ok, err := a.file(s, f)
		if err != nil {
			return err
		}
		good = good && ok
	}
	switch left, err := s.finish(); {
	case err != nil:
		a.p.Report(broken, fo.at, "%v", err)
	case left != 0:
		a.p.Report(trailing, fo.at+fo.packed-left, "%d bytes behind a packed stream", left)
	case good:
		a.p.Clear(fo.at, fo.packed, "packed files")
	}
	return nil
}

// file judges one file of a folder.
func (a *archive) file(s *sequence, f *file) (bool, error) {
	at := s.fo.at
	if f.isLink() {
		a.p.Report(link, at, "%s", quote(f.name))
	}
	off := s.at
	ex, err := a.p.ExpandSlowly(validate.Slow, f.name, func() (io.Reader, error) { return s.open(off, f.part.size) })
	if err != nil {
		return false, err
	}
	switch {
	case ex.Broken != nil:
		a.p.Report(broken, at, "%s: %v, after %d bytes", quote(f.name), ex.Broken, ex.Size)
		return false, nil
	case ex.Size != f.part.size:
		a.p.Report(broken, at, "%s has %d bytes and declares %d", quote(f.name), ex.Size, f.part.size)
		return false, nil
	case f.part.hasSum && ex.CRC32 != f.part.sum:
		a.p.Report(broken, at, "%s has CRC %08x and declares %08x", quote(f.name), ex.CRC32, f.part.sum)
	case !f.part.hasSum:
		a.p.Report(oddHeader, at, "%s has no checksum", quote(f.name))
	}
	if ex.Code {
		a.p.Report(codeInside, at, "%s", quote(f.name))
	}
	return ex.Cleared, nil
}

func (a *archive) checkNames(files []*file) {
	seen := make(map[string]bool, len(files))
	for _, f := range files {
		if what := membername.Escapes(f.name); what != "" {
			a.p.Report(slip, a.end, "%s: %s", quote(f.name), what)
		} else if what := membername.Problem(f.name); what != "" {
			a.p.Report(badName, a.end, "%s: %s", quote(f.name), what)
		}
		key := membername.Folded(f.name)
		if seen[key] {
			a.p.Report(duplicate, a.end, "%s", quote(f.name))
		}
		seen[key] = true
	}
}

// quote shows a name of the model, shortened.
func quote(s string) string { return validate.Printable(s[:min(len(s), 200)]) }

// place finds the packed stream of a folder in the file.
func (a *archive) place(s *streams, f *folder) (*input, error) {
	at := headSize + s.starts[f.stream]
	if at > uint64(a.end) {
		return nil, validate.Malformed(a.end, "packed stream outside the archive")
	}
	n := s.packed[f.stream]
	if n > uint64(a.end)-at {
		return nil, validate.Malformed(a.end, "packed stream of %d bytes at %d", n, at)
	}
	f.at, f.packed = int64(at), int64(n)
	return newInput(a.p, f.at, f.packed), nil
}

var errEncrypted = errors.New("encrypted")

func unknownCoder(id []byte) error { return fmt.Errorf("coder %x is not read", id) }
