// Package tarfile judges tar archives: those of NeMo (.nemo), of torch 0.1.1, of sklearn and Keras exports, and of
// people.
//
// Theory of operation. The headers are walked from the start, as all readers do, and every block is accounted for:
// headers, extension headers, content, the zeros behind it, the two blocks of zeros at the end and the zeros up to
// the end of the record. Readers differ on what to do where a block is no header (Python's tarfile stops without an
// error, GNU tar looks for the next one), so that place is a finding and the walk goes on for the members behind it.
// Each member is judged by its content (Pass.Descend), whatever its name.
//
// # Security
//
// ustar, pax, GNU and the tar of Unix version 7 are read, with numbers in octal and base 256. A name or size that is
// given twice must be the same, with the one exception that writers need: a size above 8 GiB. Links are never
// cleared, because what they stand for depends on who unpacks them; sparse files are not either, though what is
// stored of them is judged.
//
// Not judged: owners, modes, times, and extended attributes.
//
// Formats: POSIX.1-2017 pax, GNU tar manual "Basic Tar Format", libarchive tar(5).
package tarfile

import (
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/membername"
)

// Scanner judges tar archives.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "tar", Doc: "tar archives: every block, every member", Version: 1,
		Rules: rules, Match: match, Scan: scan,
	}
}

func match(h validate.Head) bool {
	if named(h.Name) {
		return true
	}
	return isHeader(h.Start) && !allZero(h.Start[:1])
}

func named(name string) bool { return validate.Ext(name) == ".tar" }

// archive is one tar file being read.
type archive struct {
	p     *validate.Pass
	next  pending
	seen  map[string]bool
	names int
	see   func(h *header) // what a test wants to know
}

// namesMax is how many bytes of names may be held.
const namesMax = 8 << 20

func scan(p *validate.Pass) error { return walk(p, nil) }

func walk(p *validate.Pass, see func(*header)) error {
	a := &archive{p: p, seen: map[string]bool{}, see: see}
	first, err := p.Bytes(0, min(p.Size, blockSize))
	if err != nil {
		return err
	}
	if !isHeader(first) && !(p.Size > 0 && allZero(first)) {
		p.Report(disguised, 0, "%s begins with %s", validate.Printable(path.Base(p.Name)), validate.Quote(first, 16))
		return nil
	}
	at := int64(0)
	for {
		if err := p.Charge(validate.Entries, 0); err != nil {
			return err
		}
		if at >= p.Size {
			p.Report(end, p.Size, "no blocks of zeros at the end")
			return nil
		}
		if p.Size-at < blockSize {
			return validate.Malformed(at, "a block of %d bytes", p.Size-at)
		}
		b, err := p.Bytes(at, blockSize)
		if err != nil {
			return err
		}
		switch {
		case allZero(b):
			return a.finish(at)
		case !isHeader(b):
			return a.lost(at)
		}
		if at, err = a.member(b, at); err != nil {
			return err
		}
	}
}

// lost reports a block that is no header and judges what is behind the next one that is: GNU tar looks for it.
func (a *archive) lost(at int64) error {
	a.p.Report(end, at, "a block that is neither a header nor zeros")
	return a.resume(at + blockSize)
}

// resume looks for a header from at on and judges the members from there. Nothing of them is cleared by what
// happens here alone: the block that was passed over is not.
func (a *archive) resume(at int64) error {
	for ; at+blockSize <= a.p.Size; at += blockSize {
		if err := a.p.Charge(validate.Entries, 0); err != nil {
			return err
		}
		b, err := a.p.Bytes(at, blockSize)
		if err != nil {
			return err
		}
		for !allZero(b) && isHeader(b) {
			a.p.Report(after, at, "a member behind the end")
			if at, err = a.member(b, at); err != nil {
				return err
			}
			if at+blockSize > a.p.Size {
				return nil
			}
			if b, err = a.p.Bytes(at, blockSize); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish judges the end of the archive, of which the first block of zeros is at offset at.
func (a *archive) finish(at int64) error {
	if a.next.any {
		a.p.Report(extended, a.next.at, "an extension header without a member")
	}
	r := a.p.Section(at, a.p.Size-at)
	buf := make([]byte, 32<<10)
	for off := at; ; {
		n, err := io.ReadFull(r, buf)
		for i := 0; i < n; i += blockSize {
			if !allZero(buf[i:min(n, i+blockSize)]) {
				a.p.Report(end, off+int64(i), "%d bytes behind the end that are not zeros", a.p.Size-off-int64(i))
				a.p.Clear(at, off+int64(i)-at, "end")
				return a.resume(off + int64(i))
			}
		}
		off += int64(n)
		if err != nil {
			break
		}
		if err := a.p.Charge(validate.Entries, 0); err != nil {
			return err
		}
	}
	if zeros := a.p.Size - at; zeros < 2*blockSize || zeros%blockSize != 0 {
		a.p.Report(end, at, "%d bytes of zeros at the end, which is no pair of blocks", zeros)
	}
	a.p.Clear(at, a.p.Size-at, "end")
	return nil
}

// member reads the header at offset at and judges what belongs to it; it returns where the next one is.
func (a *archive) member(b []byte, at int64) (int64, error) {
	if err := a.p.Charge(validate.Entries, 1); err != nil {
		return 0, err
	}
	h, err := a.parse(b, at)
	if err != nil {
		return 0, err
	}
	data := at + blockSize
	if isExtension(h.kind) {
		if err := a.extension(h, at); err != nil {
			return 0, err
		}
		a.p.Clear(at, blockSize+h.size, "members")
		return a.pad(data, h.size)
	}
	if err := a.apply(h, at); err != nil {
		return 0, err
	}
	if data, err = a.sparseMap(h, data); err != nil {
		return 0, err
	}
	if err := a.checkName(h, at); err != nil {
		return 0, err
	}
	if a.see != nil {
		a.see(h)
	}
	a.p.Clear(at, blockSize, "members")
	if !a.hasContent(h, at) {
		h.size = 0
	}
	if h.size > a.p.Size-data {
		a.p.Report(end, at, "member %s of %d bytes ends outside the file", a.quote(h.name), h.size)
		_, err := a.p.Descend(h.name, a.p.Section(data, a.p.Size-data), a.p.Size-data)
		return a.p.Size, err
	}
	if err := a.content(h, at, data); err != nil {
		return 0, err
	}
	return a.pad(data, h.size)
}

// sparseMap steps over the blocks that continue the map of a sparse file of GNU.
func (a *archive) sparseMap(h *header, at int64) (int64, error) {
	for more := h.more; more; at += blockSize {
		b, err := a.p.Bytes(at, blockSize)
		if err != nil {
			return 0, err
		}
		if err := a.p.Charge(validate.Entries, 0); err != nil {
			return 0, err
		}
		more = b[504] != 0
	}
	return at, nil
}

// hasContent says whether readers find content behind the header, and reports what is no plain file.
func (a *archive) hasContent(h *header, at int64) bool {
	report := func(r *validate.Rule, format string, args ...any) {
		a.p.Report(r, at, "member %s %s", a.quote(h.name), fmt.Sprintf(format, args...))
	}
	if h.kind == kindOldFile && strings.HasSuffix(h.name, "/") {
		h.kind = kindFolder
	}
	switch h.kind {
	case kindFile, kindOldFile:
		return true
	case kindContiguous:
		report(kind, "is of the type for contiguous files")
		return true
	case kindSparse:
		report(sparse, "is a sparse file of GNU tar")
		return true
	case kindHard, kindLink:
		from := h.name
		if h.kind == kindHard { // names a member from the root of the archive
			from = "member"
		}
		if membername.LeadsOutside(from, h.target) {
			report(special, "is a link that leads outside, to %s", a.quote(h.target))
		} else {
			report(link, "is a link to %s", a.quote(h.target))
		}
	case kindPipe:
		report(link, "is a pipe")
	case kindChar, kindBlock:
		report(special, "is a device")
	case kindFolder:
	default:
		report(kind, "is of type %q", h.kind)
		return true
	}
	if h.size > 0 { // Python goes on at the next block, others skip the content
		report(contents, "has no content for some readers, %d bytes for others", h.size)
	}
	return false
}

// content judges the content of a member and clears it if it is cleared.
func (a *archive) content(h *header, at, data int64) error {
	if h.kind != kindFile && h.kind != kindOldFile && h.size == 0 {
		return nil
	}
	nested, err := a.p.Descend(h.name, a.p.Section(data, h.size), h.size)
	if err != nil {
		return err
	}
	if nested.Code {
		a.p.Report(codeInside, at, "member %s", a.quote(h.name))
	}
	if nested.Cleared && (h.kind == kindFile || h.kind == kindOldFile) {
		a.p.Clear(data, h.size, "members")
	}
	return nil
}

// pad accounts for the zeros between the end of some content and the next block.
func (a *archive) pad(data, size int64) (int64, error) {
	n := -size & (blockSize - 1)
	at := data + size
	b, err := a.p.Bytes(at, min(n, a.p.Size-at))
	if err != nil {
		return 0, err
	}
	if !allZero(b) {
		a.p.Report(padding, at, "%d bytes", len(b))
	} else {
		a.p.Clear(at, int64(len(b)), "members")
	}
	return at + n, nil
}

// checkName judges a name alone and with those before it.
func (a *archive) checkName(h *header, at int64) error {
	name := strings.TrimPrefix(h.name, "./") // "tar c ." begins all names so
	if name == "" && strings.HasPrefix(h.name, ".") || h.name == "." {
		return nil
	}
	if what := membername.Escapes(name); what != "" {
		a.p.Report(slip, at, "%s: %s", a.quote(h.name), what)
	} else if what := membername.Problem(name); what != "" {
		a.p.Report(badName, at, "%s: %s", a.quote(h.name), what)
	}
	if a.names += len(name); a.names > namesMax {
		return fmt.Errorf("%w: more than %d bytes of names", validate.ErrBudget, namesMax)
	}
	key := membername.Folded(name)
	if a.seen[key] && h.kind != kindFolder {
		a.p.Report(duplicate, at, "%s", a.quote(h.name))
	}
	a.seen[key] = true
	return nil
}

// quote shows a name of the model, shortened.
func (a *archive) quote(s string) string { return validate.Printable(s[:min(len(s), 200)]) }
