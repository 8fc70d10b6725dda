// Package zipfile judges zip archives: torch checkpoints, numpy archives, zip files in general.
//
// Theory of operation. Readers find a zip's members in two ways: through the central directory at the end, or
// by walking the local headers from the start. Files on which the two ways differ are how scanners are made to
// look at something else than the loader does. So this reader does both, by itself and not with archive/zip,
// which looks at the directory only: the end records, the directory, every local header and data descriptor
// are read and compared field by field, and every byte between them must belong to one of them. Then each
// member is judged by content (Pass.Descend), whatever its name.
//
// A torch archive is one with a member "<prefix>/data.pkl". The pickle there says which storages it refers to
// and how large they are; a stored member "<prefix>/data/<key>" of exactly that size is raw numbers for the
// loader, and is cleared without being read. Validation of a checkpoint therefore costs what its pickle and its
// directory cost, not its gigabytes.
//
// # Security
//
// Lengths are never trusted: nothing is allocated by a declared size, names are bounded together, and
// decompression is charged while it runs and stops where a member has more than it declares. The CRC is checked for
// members that are read anyway, not for raw storages. Stored, deflate, bzip2 and LZMA are read; Zstandard is read
// and never cleared, because readers that do not know it are the rule; other methods are not read. In a torch
// archive only stored and deflate are cleared. What lies behind a prefix, in members that no directory lists, and in
// an archive without an end is judged as well, so that hostile content is named and not only the hiding place.
//
// Not judged: dates, attributes of FAT and NTFS, and what a link would point to where the archive is unpacked.
// Format reference: PKWARE APPNOTE 6.3.10.
package zipfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/loadlock/loadlock/validate"
)

// Scanner judges zip archives.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "zip", Doc: "zip archives: both directories, every byte, every member; torch archives", Version: 2,
		Rules: rules, Match: match, Scan: scan,
	}
}

const (
	localSig     = "PK\x03\x04"
	centralSig   = "PK\x01\x02"
	endSig       = "PK\x05\x06"
	locator64Sig = "PK\x06\x07"
	end64Sig     = "PK\x06\x06"
	descSig      = "PK\x07\x08"

	localSize     = 30
	centralSize   = 46
	endSize       = 22
	locator64Size = 20
	end64Size     = 56

	tailSize = endSize + 1<<16 // where the end record with the longest comment begins
)

// match recognises an archive by its head and by its end: torch looks at the first bytes, Python's zipfile at
// the last ones, and a file that only one of them takes for an archive is worth a finding.
func match(h validate.Head) bool {
	for _, sig := range []string{localSig, endSig, descSig} {
		if bytes.HasPrefix(h.Start, []byte(sig)) {
			return true
		}
	}
	tail := h.Start
	if int64(len(tail)) < h.Size {
		tail = make([]byte, min(tailSize, h.Size))
		if n, err := h.ReadAt(tail, h.Size-int64(len(tail))); n < len(tail) || err != nil && !errors.Is(err, io.EOF) {
			return false
		}
	}
	if !bytes.Contains(tail, []byte(endSig)) {
		return false // the search from the front is the faster one
	}
	for end := len(tail); ; {
		i := bytes.LastIndex(tail[:end], []byte(endSig))
		if i < 0 {
			return false
		}
		if at := h.Size - int64(len(tail)-i); plausibleEnd(h, tail[i:], at) && !insideTarMember(h, archiveStart(h, tail[i:], at), at+endSize) {
			return true
		}
		end = i
	}
}

// plausibleEnd tells an end record at offset at from four accidental bytes in tensor data: a directory must end
// where the record begins, or a zip64 locator stand there.
func plausibleEnd(r io.ReaderAt, rec []byte, at int64) bool {
	if len(rec) < endSize {
		return false
	}
	var sig [4]byte
	size := int64(binary.LittleEndian.Uint32(rec[12:]))
	if n, _ := r.ReadAt(sig[:], at-size); size >= centralSize && size <= at && n == 4 && string(sig[:]) == centralSig {
		return true
	}
	n, _ := r.ReadAt(sig[:], max(0, at-locator64Size))
	return n == 4 && string(sig[:]) == locator64Sig
}

// archive is one zip file being read.
type archive struct {
	p       *validate.Pass
	base    int64 // what must be added to the offsets in the file
	count   int64 // entries that the end record announces
	dir     int64 // where the directory begins
	dirSize int64
	entries []*entry
	names   int    // bytes of the names that are held
	rest    []byte // of the directory entry being read
	buf     []byte
	isTorch bool
}

// scan goes on after broken parts as far as it can: what is hostile in the rest must be found too.
func scan(p *validate.Pass) error {
	a := &archive{p: p}
	if err := a.findEnd(); err != nil {
		return errors.Join(err, a.salvage(0, p.Size))
	}
	broken := a.readDirectory()
	if errors.Is(broken, validate.ErrBudget) {
		return broken
	}
	a.checkNames()
	if err := a.walkLocals(); err != nil {
		return errors.Join(broken, err)
	}
	return errors.Join(broken, a.judgeMembers())
}
