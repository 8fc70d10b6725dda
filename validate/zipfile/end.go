package zipfile

import (
	"bytes"
	"encoding/binary"
	"unicode"
	"unicode/utf8"

	"github.com/loadlock/loadlock/validate"
)

var le = binary.LittleEndian

// findEnd locates the directory through the last end record, and clears the end records.
func (a *archive) findEnd() error {
	size := a.p.Size
	tail, err := a.p.Bytes(max(0, size-tailSize), min(size, tailSize))
	if err != nil {
		return err
	}
	start := size - int64(len(tail)) // of tail in the file
	i := bytes.LastIndex(tail, []byte(endSig))
	if i >= 0 && len(tail)-i < endSize { // four accidental bytes, or a reader's trap
		a.p.Report(ends, start+int64(i), "the last end record is cut off")
		i = bytes.LastIndex(tail[:i], []byte(endSig))
	}
	if i < 0 {
		return validate.Malformed(size, "no end record")
	}
	rec, at := tail[i:], start+int64(i)
	commentLen := int(le.Uint16(rec[20:]))
	switch rest := len(rec) - endSize; {
	case commentLen > rest:
		a.p.Report(ends, at, "a comment of %d bytes is announced, %d are left", commentLen, rest)
		commentLen = rest
	case commentLen < rest:
		a.p.Report(suffix, at+endSize+int64(commentLen), "%d bytes", rest-commentLen)
	}
	a.checkComment(at+endSize, rec[endSize:min(len(rec), endSize+commentLen)], "the archive")
	a.otherEnds(tail[:i], start)
	a.p.Clear(at, endSize+int64(commentLen), "end record")

	if le.Uint16(rec[4:]) != 0 || le.Uint16(rec[6:]) != 0 {
		a.p.Report(ends, at, "the end record is said to be part %d of several", le.Uint16(rec[4:]))
	}
	if le.Uint16(rec[8:]) != le.Uint16(rec[10:]) {
		a.p.Report(ends, at, "%d entries in this part, %d in all", le.Uint16(rec[8:]), le.Uint16(rec[10:]))
	}
	a.count, a.dirSize = int64(le.Uint16(rec[10:])), int64(le.Uint32(rec[12:]))
	offset := int64(le.Uint32(rec[16:]))
	dirEnd := at
	if at >= locator64Size+end64Size {
		if dirEnd, err = a.findEnd64(at, rec, &offset); err != nil {
			return err
		}
	}
	if a.dirSize > dirEnd || offset > dirEnd-a.dirSize {
		return validate.Malformed(at, "directory of %d bytes at %d cannot end at %d", a.dirSize, offset, dirEnd)
	}
	// Python's zipfile takes the directory to end where the end record begins, and shifts all offsets by what
	// then is missing; others take the offset as it is.
	a.dir = dirEnd - a.dirSize
	if a.base = a.dir - offset; a.base != 0 {
		a.p.Report(prefix, 0, "offsets are shifted by %d bytes", a.base)
	}
	return nil
}

// otherEnds looks for an end record whose comment would hold the one that was found.
func (a *archive) otherEnds(tail []byte, start int64) {
	for end := len(tail); ; {
		i := bytes.LastIndex(tail[:end], []byte(endSig))
		if i < 0 {
			return
		}
		if at := start + int64(i); len(tail)-i >= endSize && at+endSize+int64(le.Uint16(tail[i+20:])) == a.p.Size {
			a.p.Report(directories, at, "a second end record, with the last one in its comment")
			return
		}
		end = i
	}
}

// findEnd64 reads the zip64 records in front of the end record at offset at, if there are any. What both
// records say must agree: Python takes the zip64 record whenever there is one, Go only where the old record
// has no room.
func (a *archive) findEnd64(at int64, rec []byte, offset *int64) (dirEnd int64, err error) {
	loc, err := a.p.Bytes(at-locator64Size, locator64Size)
	if err != nil || string(loc[:4]) != locator64Sig {
		return at, err
	}
	at64 := at - locator64Size - end64Size
	r64, err := a.p.Bytes(at64, end64Size)
	if err != nil {
		return 0, err
	}
	if string(r64[:4]) != end64Sig || le.Uint64(r64[4:]) != end64Size-12 {
		return 0, validate.Malformed(at64, "zip64 locator without its end record before it")
	}
	if le.Uint32(loc[4:]) != 0 || le.Uint32(loc[16:]) > 1 || le.Uint32(r64[16:]) != 0 || le.Uint32(r64[20:]) != 0 {
		return 0, validate.Malformed(at64, "archive in several parts")
	}
	count, dirSize, off := le.Uint64(r64[32:]), le.Uint64(r64[40:]), le.Uint64(r64[48:])
	if count > 1<<40 || dirSize > 1<<62 || off > 1<<62 {
		return 0, validate.Malformed(at64, "zip64 end record with absurd numbers")
	}
	agree := func(old uint64, none, new uint64) bool { return old == none || old == new }
	if !agree(uint64(le.Uint16(rec[10:])), 0xFFFF, count) || !agree(uint64(le.Uint32(rec[12:])), 0xFFFFFFFF, dirSize) ||
		!agree(uint64(le.Uint32(rec[16:])), 0xFFFFFFFF, off) || le.Uint64(r64[24:]) != count {
		a.p.Report(directories, at64, "the zip64 end record says %d entries in %d bytes at %d, the end record another", count, dirSize, off)
	}
	a.count, a.dirSize, *offset = int64(count), int64(dirSize), int64(off)
	// The locator's offset must be the record in front of it, up to the shift that all offsets share.
	if base := at64 - a.dirSize - *offset; le.Uint64(loc[8:]) != uint64(at64-base) {
		a.p.Report(directories, at-locator64Size, "the zip64 locator points to %d, the record is at %d", le.Uint64(loc[8:]), at64)
	}
	a.p.Clear(at64, end64Size+locator64Size, "zip64 end records")
	return at64, nil
}

// checkComment judges a comment. People and tools leave words in it (git archive its commit); anything else could be
// a second archive, which a reader that searches for the end record finds.
func (a *archive) checkComment(at int64, b []byte, whose string) {
	switch {
	case len(b) == 0:
	case !utf8.Valid(b) || bytes.ContainsFunc(b, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\r' && r != '\t' }):
		a.p.Report(commentData, at, "%s has a comment of %d bytes that is no text", whose, len(b))
	default:
		a.p.Report(comment, at, "%s has the comment %s", whose, validate.Quote(b, 60))
	}
}
