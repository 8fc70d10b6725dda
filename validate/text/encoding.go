package text

import (
	"encoding/binary"
	"path"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/loadlock/loadlock/validate"
)

var foreign = &validate.Rule{ID: "text/encoding", Title: "text that is not UTF-8", Severity: validate.Low,
	Why:     "It was judged as letters in an older encoding, or in UTF-16, without knowing which letters they are.",
	Fix:     "convert it to UTF-8 if a program has to read it",
	Hostile: "a README.md in UTF-7",
	Benign:  "a README.md in UTF-8"}

// prose are names of texts for people, and of lists of words. What programs read as configuration or code must be UTF-8:
// in another encoding it may say something else to them than to the scanner of its format.
var prose = []string{"", ".txt", ".md", ".rst", ".csv", ".tsv", ".log", ".vocab"}

func isProse(name string) bool {
	base := strings.ToLower(path.Base(name))
	return slices.Contains(prose, validate.Ext(name)) && !strings.HasPrefix(base, "requirements") && !strings.HasPrefix(base, "constraints")
}

// order is the byte order of UTF-16, which Windows writes with a mark in front; nil for an encoding by bytes.
func order(b []byte) binary.ByteOrder {
	switch {
	case len(b) < 2:
	case b[0] == 0xFF && b[1] == 0xFE:
		return binary.LittleEndian
	case b[0] == 0xFE && b[1] == 0xFF:
		return binary.BigEndian
	}
	return nil
}

// strange is the index of the first byte that no text in the encoding has, or -1. Encodings by bytes keep ASCII, and
// none of their letters is a control character of it; a binary file without a single one is as good as none.
func strange(name string, b []byte, o binary.ByteOrder) int {
	if o == nil {
		return slices.IndexFunc(b, func(c byte) bool { return c < 0x80 && control(name, []byte{c}) >= 0 })
	}
	for i := 0; i+2 <= len(b); i += 2 {
		switch r := rune(o.Uint16(b[i:])); {
		case control(name, []byte(string(r))) >= 0:
			return i
		case utf16.IsSurrogate(r):
			if i+4 > len(b) || utf16.DecodeRune(r, rune(o.Uint16(b[i+2:]))) == '\uFFFD' {
				return i
			}
			i += 2
		}
	}
	if len(b)%2 != 0 {
		return len(b) - 1
	}
	return -1
}

func matchForeign(h validate.Head) bool {
	o := order(h.Start)
	head := h.Start
	if o != nil && int64(len(head)) < h.Size {
		head = head[:len(head)&^1]
		head = whole(head, o)
	}
	return isProse(h.Name) && strange(h.Name, head, o) < 0
}

// whole leaves out the first half of a letter at the end; it goes with what follows.
func whole(b []byte, o binary.ByteOrder) []byte {
	if n := len(b); n > 2 && o.Uint16(b[n-2:])>>10 == 0xD800>>10 {
		return b[:n-2]
	}
	return b
}

// piece is how much is in memory at once: an even number of bytes.
const piece = 64 << 10

func scanForeign(p *validate.Pass) error {
	head, err := p.Bytes(0, min(2, p.Size))
	if err != nil {
		return err
	}
	o := order(head)
	for off := int64(0); off < p.Size; {
		if err := p.Charge(validate.Entries, 0); err != nil {
			return err
		}
		b, err := p.Bytes(off, min(piece, p.Size-off))
		if err != nil {
			return err
		}
		if o != nil && off+int64(len(b)) < p.Size {
			b = whole(b, o)
		}
		if i := strange(p.Name, b, o); i >= 0 {
			return validate.Malformed(off+int64(i), "byte %#02x is not text", b[i])
		}
		off += int64(len(b))
	}
	p.Report(foreign, 0, "%s", map[bool]string{true: "letters in an encoding by bytes", false: "UTF-16"}[o == nil])
	p.Clear(0, p.Size, "text")
	return nil
}
