package zipfile

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/loadlock/loadlock/validate"
)

// walkLocals reads the local headers in the order of the file, compares each with the directory, and accounts
// for every byte in front of the directory except the members' content.
func (a *archive) walkLocals() error {
	sorted := slices.Clone(a.entries)
	slices.SortStableFunc(sorted, func(x, y *entry) int { return cmp.Compare(x.header, y.header) })
	var at int64
	for i, e := range sorted {
		if err := a.p.Charge(validate.Entries, 0); err != nil {
			return err
		}
		next := a.dir
		if i+1 < len(sorted) {
			next = sorted[i+1].header
		}
		if err := a.gap(at, e.header); err != nil {
			return err
		}
		end, err := a.local(e, next)
		if err != nil {
			return err
		}
		if end > next {
			a.p.Report(overlap, e.header, "member %s ends at %#x, inside what follows", quote(e.name), end)
		}
		at = max(at, end)
	}
	return a.gap(at, a.dir)
}

// maxPadding is how many zeros between members hide nothing.
const maxPadding = 64

// isTFLite recognises a model as validate/tflite does, by content alone, so that whenever this scanner leaves the front
// of a file to it, it is asked. It clears the file only when the model ends where the first member of the archive begins.
func isTFLite(start []byte) bool { return len(start) >= 8 && string(start[4:8]) == "TFL3" }

// gap reports bytes between structures. They stay uncleared, but for padding and a model in front of its labels.
func (a *archive) gap(from, to int64) error {
	if from >= to {
		return nil
	}
	start, err := a.p.Bytes(from, min(maxPadding, to-from))
	if err != nil {
		return err
	}
	sig := start[:min(4, len(start))]
	switch {
	case to-from <= maxPadding && len(bytes.Trim(start, "\x00")) == 0:
		a.p.Clear(from, to-from, "padding") // MediaPipe aligns members so, also the first
	case from == 0 && a.base == 0 && isTFLite(start):
		a.p.Report(inFront, 0, "%d bytes before the first member", to)
		a.p.Clear(0, to, "model of TensorFlow Lite, which its own scanner judges")
	case string(sig) == localSig:
		a.p.Report(hidden, from, "a member that the directory does not list, %d bytes", to-from)
		return a.salvage(from, to)
	case string(sig) == endSig || string(sig) == centralSig || string(sig) == end64Sig:
		a.p.Report(directories, from, "a second directory, %d bytes", to-from)
	case from == 0:
		a.p.Report(prefix, 0, "%d bytes before the first member", to)
	default:
		a.p.Report(hidden, from, "%d bytes", to-from)
	}
	return nil
}

// local reads the local header of e, and the data descriptor in front of next; it returns where they end.
func (a *archive) local(e *entry, next int64) (end int64, err error) {
	e.data = -1
	b, err := a.p.Bytes(e.header, localSize)
	if err != nil {
		return 0, err
	}
	if string(b[:4]) != localSig {
		a.p.Report(mismatch, e.header, "no local header of member %s here", quote(e.name))
		return e.header, nil
	}
	nameLen, extraLen := int64(le.Uint16(b[26:])), int64(le.Uint16(b[28:]))
	rest, err := a.p.Bytes(e.header+localSize, nameLen+extraLen)
	if err != nil {
		return 0, err
	}
	a.compare(e, b, string(rest[:nameLen]), a.checkExtra(rest[nameLen:], e.header, e.name))
	data := e.header + localSize + nameLen + extraLen
	if left := a.p.Size - data; e.csize > left {
		a.p.Report(sizes, e.header, "member %s of %d bytes ends outside the file", quote(e.name), e.csize)
		e.csize = left // what there is of it is judged
	}
	e.data = data
	a.p.Clear(e.header, data-e.header, "members")
	end = data + e.csize
	if e.flags&flagDescriptor == 0 {
		return end, nil
	}
	return a.descriptor(e, end, next)
}

// compare reports every field in which the local header differs from the directory.
func (a *archive) compare(e *entry, b []byte, name string, zip64 []byte) {
	differs := func(r *validate.Rule, what string, local, central any) {
		a.p.Report(r, e.header, "member %s: %s is %v here and %v in the directory", quote(e.name), what, local, central)
	}
	if name != e.name {
		differs(twoNames, "name", quote(name), quote(e.name))
	}
	if v := le.Uint16(b[4:]) & 0xFF; v > versionMax && e.version&0xFF <= versionMax {
		differs(version, "version needed", v, e.version)
	}
	flags, method, crc := le.Uint16(b[6:]), le.Uint16(b[8:]), le.Uint32(b[14:])
	if flags != e.flags {
		differs(mismatch, "flags", flags, e.flags)
	}
	if method != e.method {
		differs(contents, "method", method, e.method)
	}
	csize, usize := int64(le.Uint32(b[18:])), int64(le.Uint32(b[22:]))
	for _, field := range []*int64{&usize, &csize} {
		if *field == 0xFFFFFFFF && len(zip64) >= 8 {
			*field, zip64 = int64(le.Uint64(zip64)), zip64[8:]
		}
	}
	// With a descriptor the fields here are zero, or already right.
	same := func(local, central int64) bool { return local == central || flags&flagDescriptor != 0 && local == 0 }
	if !same(int64(crc), int64(e.crc)) {
		differs(mismatch, "CRC", crc, e.crc)
	}
	if !same(csize, e.csize) {
		differs(contents, "compressed size", csize, e.csize)
	}
	if !same(usize, e.usize) {
		differs(contents, "size", usize, e.usize)
	}
}

// descriptor reads the record behind the content that repeats CRC and sizes. It has a signature or not, and 32
// or 64 bits (APPNOTE 4.3.9); the form that fills the room exactly is preferred.
func (a *archive) descriptor(e *entry, at, next int64) (end int64, err error) {
	room := min(next-at, 24)
	if room < 12 {
		a.p.Report(mismatch, at, "member %s has no room for its data descriptor", quote(e.name))
		return at, nil
	}
	b, err := a.p.Bytes(at, room)
	if err != nil {
		return 0, err
	}
	var found int64
	for _, n := range []int64{24, 16, 20, 12} {
		if n <= room && (found == 0 || n == next-at) && a.isDescriptor(e, b[:n]) {
			found = n
		}
	}
	if found == 0 {
		a.p.Report(mismatch, at, "member %s: the data descriptor says something else than the directory", quote(e.name))
		return at, nil
	}
	a.p.Clear(at, found, "members")
	return at + found, nil
}

func (a *archive) isDescriptor(e *entry, b []byte) bool {
	if len(b) == 24 || len(b) == 16 {
		if string(b[:4]) != descSig {
			return false
		}
		b = b[4:]
	}
	if le.Uint32(b) != e.crc {
		return false
	}
	if len(b) == 20 {
		return le.Uint64(b[4:]) == uint64(e.csize) && le.Uint64(b[12:]) == uint64(e.usize)
	}
	return int64(le.Uint32(b[4:])) == e.csize && int64(le.Uint32(b[8:])) == e.usize
}
