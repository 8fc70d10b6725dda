package tarfile

import (
	"bytes"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

const blockSize = 512

// header is what one block says about a member.
type header struct {
	name, target string
	size         int64
	kind         byte
	gnu          bool // magic of old GNU tar
	ustar        bool
	more         bool // blocks of a sparse map follow
}

// Kinds of member (POSIX.1-2017 pax, GNU tar's tar.h, Solaris).
const (
	kindFile, kindOldFile, kindContiguous               = '0', 0, '7'
	kindHard, kindLink, kindChar, kindBlock             = '1', '2', '3', '4'
	kindFolder, kindPipe, kindSparse                    = '5', '6', 'S'
	kindLongName, kindLongLink                          = 'L', 'K'
	kindExtended, kindGlobalExtended, kindSolarisExtend = 'x', 'g', 'X'
)

// isHeader reports whether a block has the checksum of a header. Both the sum of unsigned bytes and that of signed
// ones, which old tars computed, are taken, as readers do.
func isHeader(b []byte) bool {
	if len(b) < blockSize {
		return false
	}
	want, ok := number(b[148:156])
	if !ok {
		return false
	}
	var unsigned, signed int64
	for i, c := range b[:blockSize] {
		if i >= 148 && i < 156 {
			c = ' '
		}
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	return want == unsigned || want == signed
}

func allZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

// number reads a numeric field: octal digits between spaces, or in base 256 behind a first byte of 0x80. Readers
// differ on anything else (Python takes "+7", "1_0" and "0o7"), so nothing else is one.
func number(b []byte) (n int64, ok bool) {
	if b[0] == 0x80 {
		for _, c := range b[1:] {
			if n >= 1<<54 {
				return 0, false
			}
			n = n<<8 | int64(c)
		}
		return n, true
	}
	s, rest, _ := bytes.Cut(b, []byte{0})
	s = bytes.Trim(s, " ")
	if len(bytes.Trim(rest, "\x00 ")) > 0 {
		return 0, false
	}
	for _, c := range s {
		if c < '0' || c > '7' {
			return 0, false
		}
		n = n<<3 | int64(c-'0')
	}
	return n, true
}

// text reads a field that ends at its first NUL. Behind the NUL there must be nothing.
func text(b []byte) (s string, hidden bool) {
	head, rest, _ := bytes.Cut(b, []byte{0})
	return string(head), !allZero(rest)
}

// numeric are the fields with numbers besides size and checksum: mode, owner, group, time, device.
var numeric = [][2]int{{100, 108}, {108, 116}, {116, 124}, {136, 148}, {329, 337}, {337, 345}}

// parse reads a block that isHeader knows.
func (a *archive) parse(b []byte, at int64) (*header, error) {
	h := &header{kind: b[156]}
	var ok bool
	if h.size, ok = number(b[124:136]); !ok {
		return nil, validate.Malformed(at+124, "no size: %s", validate.Quote(b[124:136], 12))
	}
	for _, f := range numeric { // Python stops without an error at a header with a field that is no number
		if field := b[f[0]:f[1]]; field[0] != 0xFF { // negative in base 256: a time before 1970
			if _, ok := number(field); !ok {
				return nil, validate.Malformed(at+int64(f[0]), "no number: %s", validate.Quote(field, 12))
			}
		}
	}
	var hidden [5]bool
	h.name, hidden[0] = text(b[:100])
	h.target, hidden[1] = text(b[157:257])
	_, hidden[2] = text(b[265:297])
	_, hidden[3] = text(b[297:329])
	magic := string(b[257:265])
	h.ustar, h.gnu = magic == "ustar\x0000", magic == "ustar  \x00"
	prefix, junk := text(b[345:500])
	switch {
	case h.ustar:
		hidden[4] = junk || !allZero(b[500:])
		if prefix != "" && !isExtension(h.kind) {
			h.name = prefix + "/" + h.name
		}
	case h.gnu:
		// Two times, an offset and a sparse map have this place; Python takes it for the prefix of POSIX.
		h.more = h.kind == kindSparse && b[482] != 0
		if h.kind != kindSparse && !allZero(b[345:500]) {
			a.p.Report(contents, at+345, "member %s: some readers take GNU's times for the beginning of its name", a.quote(h.name))
		}
		hidden[4] = h.kind != kindSparse && !allZero(b[500:])
	case strings.HasPrefix(magic, "ustar"):
		a.p.Report(extended, at+257, "member %s: magic %s", a.quote(h.name), validate.Quote(magic, 8))
	default:
		hidden[4] = !allZero(b[345:]) // GNU tar leaves owner and device in archives of version 7
	}
	for _, x := range hidden {
		if x {
			a.p.Report(padding, at, "member %s: bytes behind the end of a field", a.quote(h.name))
			break
		}
	}
	return h, nil
}

func isExtension(kind byte) bool {
	switch kind {
	case kindLongName, kindLongLink, kindExtended, kindGlobalExtended, kindSolarisExtend:
		return true
	}
	return false
}
