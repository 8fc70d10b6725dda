package validate

import (
	"bytes"
	"unicode/utf8"
)

// textChunk is how much text is in memory at once.
const textChunk = 64 << 10

// ReadText streams the whole file through visit in chunks that end on character boundaries; visit may keep
// nothing of a chunk. It ends with a *FormatError at the first NUL or byte that is not UTF-8, and when the
// file is shorter than its size says.
func (p *Pass) ReadText(visit func(off int64, chunk []byte) error) error {
	buf := make([]byte, min(textChunk, p.Size))
	kept := 0 // bytes of an unfinished character at the start of buf
	for off := int64(0); off < p.Size; {
		if err := p.Charge(Entries, 0); err != nil {
			return err
		}
		n := min(int64(len(buf)-kept), p.Size-off)
		if _, err := p.ReadAt(buf[kept:int64(kept)+n], off); err != nil {
			return err
		}
		start := off - int64(kept)
		off += n
		chunk := buf[:int64(kept)+n]
		whole := len(chunk)
		if off < p.Size {
			whole -= unfinished(chunk)
		}
		if bad := notText(chunk[:whole]); bad >= 0 {
			return Malformed(start+int64(bad), "byte %#02x is not text", chunk[bad])
		}
		if err := visit(start, chunk[:whole]); err != nil {
			return err
		}
		kept = copy(buf, chunk[whole:])
	}
	return nil
}

// unfinished is the number of bytes at the end of b that may begin a character.
func unfinished(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if utf8.FullRune(b[len(b)-n:]) {
				return 0
			}
			return n
		}
	}
	return 0
}

// notText is the index of the first NUL or byte that is not UTF-8, or -1.
func notText(b []byte) int {
	nul := bytes.IndexByte(b, 0)
	if nul < 0 && utf8.Valid(b) {
		return -1
	}
	if nul < 0 {
		nul = len(b)
	}
	for i := 0; i < nul; {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return nul
}

// Text reports whether the file begins like text: UTF-8 without NUL.
func (h Head) Text() bool {
	start := h.Start
	if int64(len(start)) < h.Size {
		start = start[:len(start)-unfinished(start)]
	}
	return notText(start) < 0
}
