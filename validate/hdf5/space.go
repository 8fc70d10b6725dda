package hdf5

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/lazyre"
)

// span is a claimed range of bytes.
type span struct{ off, end int64 }

// space is all claimed ranges. Runs are joined, so memory follows the number of holes, not of chunks.
type space struct {
	spans    []span
	overlaps []span // the first few
	outside  int64  // of a claim outside the file, or 0
	compact  int    // spans after which to join
	full     bool   // there are more ranges than may be remembered
}

const (
	maxSpans    = 128 << 10
	maxOverlaps = 8
)

// claim says that a structure has these bytes.
func (f *file) claim(off, n int64) {
	s := &f.space
	if n == 0 || s.full {
		return
	}
	if off < f.base || n < 0 || off > f.end || n > f.end-off {
		s.outside = max(off, 1)
		return
	}
	if k := len(s.spans); k > 0 && s.spans[k-1].end == off {
		s.spans[k-1].end = off + n
		return
	}
	s.spans = append(s.spans, span{off, off + n})
	if len(s.spans) >= max(s.compact, 4096) {
		s.join()
		s.compact = 2 * len(s.spans)
		s.full = len(s.spans) > maxSpans
	}
}

// join sorts the claims, notes overlaps and merges neighbours.
func (s *space) join() {
	slices.SortFunc(s.spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.off, b.off), cmp.Compare(a.end, b.end)) })
	out := s.spans[:0]
	for _, x := range s.spans {
		k := len(out)
		if k == 0 || x.off > out[k-1].end {
			out = append(out, x)
			continue
		}
		if last := &out[k-1]; x.off < last.end && len(s.overlaps) < maxOverlaps {
			s.overlaps = append(s.overlaps, span{x.off, min(x.end, last.end)})
		}
		out[k-1].end = max(out[k-1].end, x.end)
	}
	s.spans = out
}

// account judges the holes between the claims and clears the file up to its declared end.
func (f *file) account(start int64) error {
	s := &f.space
	if s.full {
		return tooMany(start, "separate ranges of bytes", maxSpans)
	}
	s.join()
	holes := s.holes(start, f.end)
	for _, h := range holes {
		if err := f.hole(h.off, h.end-h.off); err != nil {
			return err
		}
	}
	s.join() // collections that were found in the holes
	if s.outside != 0 {
		return validate.Malformed(min(s.outside, f.p.Size), "a structure or its data outside the file")
	}
	for _, o := range s.overlaps {
		f.p.Report(overlap, o.off, "%d bytes", o.end-o.off)
	}
	if f.spare > 0 {
		f.p.Report(freeSpace, f.spareAt, "%d bytes in unused space are not zero", f.spare)
	}
	if f.spare > maxSpare {
		f.p.Report(hidden, f.spareAt, "%d bytes of content in space that nothing uses", f.spare)
		return nil
	}
	f.clear(start)
	return f.lineEnds()
}

// maxLineEnds is how many line ends behind a file hide nothing. Tools that carry files as text put them there.
const maxLineEnds = 16

func (f *file) lineEnds() error {
	n := f.p.Size - f.end
	if n <= 0 || n > maxLineEnds {
		return nil
	}
	tail, err := f.p.Bytes(f.end, n)
	if err == nil && len(bytes.Trim(tail, "\r\n")) == 0 {
		f.p.Clear(f.end, n, "line ends")
	}
	return err
}

// clear leaves out the values inside which another scanner did not clear something.
func (f *file) clear(at int64) {
	slices.SortFunc(f.dirty, func(a, b span) int { return cmp.Compare(a.off, b.off) })
	for _, d := range f.dirty {
		if d.off > at {
			f.p.Clear(at, d.off-at, "HDF5")
		}
		at = max(at, d.end)
	}
	f.p.Clear(at, max(0, f.end-at), "HDF5")
}

func (s *space) holes(from, to int64) (out []span) {
	for _, x := range s.spans {
		if x.off > from {
			out = append(out, span{from, x.off})
		}
		from = max(from, x.end)
	}
	if from < to {
		out = append(out, span{from, to})
	}
	return out
}

// maxSpare is how much stale content a file may have.
const maxSpare = 256 << 10

// signatures are the beginnings (and one end) of files that could be put into unused space.
var signatures = [][]byte{[]byte("PK\x03\x04"), []byte("PK\x05\x06"), []byte("PK\x01\x02"), []byte("\x7fELF"), []byte("\x1f\x8b\x08"), []byte("7z\xbc\xaf\x27\x1c"),
	[]byte("\xfd7zXZ\x00"), []byte("BZh91AY&SY"), []byte("\xcf\xfa\xed\xfe"), []byte("\x28\xb5\x2f\xfd"), []byte("#!/"), []byte("This program cannot"), []byte("\x93NUMPY"),
	[]byte("Rar!"), []byte("GGUF"), []byte("ustar"), []byte("\x00asm"), []byte("<?php"), []byte("import "), []byte("__import__"), []byte("eval("), []byte("exec(")}

// imported matches an import of a pickle of the old protocols, with the opcode before it.
var imported = lazyre.New(`[ci][A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n`)

// pickleIn is the place of a pickle that imports something, or -1.
func pickleIn(b []byte) int {
	const most = 4096 // bytes of it that are walked
	for i := 0; ; i++ {
		k := bytes.IndexByte(b[i:], 0x80)
		if k < 0 {
			break
		}
		if i += k; i+1 < len(b) && b[i+1] >= 2 && b[i+1] <= 5 && importsByName(b[i:min(len(b), i+most)]) {
			return i
		}
	}
	if m := imported.FindIndex(b); m != nil {
		return m[0]
	}
	return -1
}

// unusedBytes judges bytes that no structure uses.
func (f *file) unusedBytes(at int64, b []byte) {
	if allZero(b) {
		return
	}
	if f.spare == 0 {
		f.spareAt = at + int64(slices.IndexFunc(b, func(c byte) bool { return c != 0 }))
	}
	f.spare += int64(len(b) - bytes.Count(b, []byte{0}))
	for _, sig := range signatures {
		if k := bytes.Index(b, sig); k >= 0 {
			f.p.Report(hidden, at+int64(k), "%s in unused space", validate.Quote(b[k:], 16))
			return
		}
	}
	if k := pickleIn(b); k >= 0 {
		f.p.Report(hidden, at+int64(k), "a pickle that imports, %s, in unused space", validate.Quote(b[k:], 48))
	}
}

// unusedRange is unusedBytes for a range of the file. Pieces overlap by what a signature may need.
func (f *file) unusedRange(at, n int64) error {
	const piece, lap = 64 << 10, 64
	for done := int64(0); done < n; {
		if f.spare > maxSpare {
			return nil // reported at the end
		}
		k := min(piece, n-done)
		b, err := f.buffer(at+done, k)
		if err != nil {
			return err
		}
		before := f.spare
		f.unusedBytes(at+done, b)
		if done += k; done < n && k > lap {
			done -= lap
			f.spare = max(before, f.spare-lap)
		}
	}
	return nil
}

// buffer reads into the one buffer for unused space.
func (f *file) buffer(at, n int64) ([]byte, error) {
	if f.text == nil {
		f.text = make([]byte, 64<<10)
	}
	if err := f.p.Charge(validate.Expanded, n); err != nil {
		return nil, err
	}
	_, err := f.p.ReadAt(f.text[:n], at)
	return f.text[:n], err
}

// allZero compares a piece with itself, one byte further, which is as fast as memory.
func allZero(b []byte) bool { return len(b) == 0 || b[0] == 0 && bytes.Equal(b[1:], b[:len(b)-1]) }

// zero reports whether a range is all zeros.
func (f *file) zero(at, n int64) (bool, error) {
	for done := int64(0); done < n; {
		b, err := f.buffer(at+done, min(64<<10, n-done))
		if err != nil {
			return false, err
		}
		if !allZero(b) {
			return false, nil
		}
		done += int64(len(b))
	}
	return true, nil
}

// maxAttempts bounds how often something in a hole that only begins like a collection is read as one.
const maxAttempts = 64

// hole judges a range that no structure claims. Global heap collections stand there that only the numbers of a
// dataset refer to (variable-length text); the rest is unused.
func (f *file) hole(at, n int64) error {
	end := at + n
	for at < end {
		if f.attempts > maxAttempts {
			return f.unusedRange(at, end-at)
		}
		next, err := f.findCollection(at, end)
		if err != nil {
			return err
		}
		if err := f.unusedRange(at, next-at); err != nil {
			return err
		}
		if next == end {
			return nil
		}
		c, err := f.collection(next, end)
		if err != nil { // not a collection after all
			if cause := f.p.Charge(validate.Entries, 0); cause != nil {
				return cause
			}
			f.attempts++
			if err := f.unusedRange(next, 4); err != nil {
				return err
			}
			at = next + 4
			continue
		}
		if err := f.judgeCollection(c); err != nil {
			return err
		}
		at = next + c.size
	}
	return nil
}

// findCollection is the place of the next collection's signature in [at, end), or end.
func (f *file) findCollection(at, end int64) (int64, error) {
	const lap = 7
	for {
		b, err := f.buffer(at, min(64<<10, end-at))
		if err != nil {
			return 0, err
		}
		if i := bytes.Index(b, []byte("GCOL\x01\x00\x00\x00")); i >= 0 {
			return at + int64(i), nil
		}
		if at += int64(len(b)); at >= end {
			return end, nil
		}
		at -= lap
	}
}
