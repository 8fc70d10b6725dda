package pickle

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

// A pickle can skip anything inside a literal, so a file may be a harmless pickle and an archive at once. Loaders
// choose differently: torch.load tries tar before it unpickles (legacy_load), archive readers look at the tail.

// polyglot says what else the file is, or "".
func polyglot(p *validate.Pass) (string, error) {
	if p.Size >= 512 {
		head, err := p.Bytes(0, 512)
		if err != nil {
			return "", err
		}
		if isTar(head) {
			return "a tar archive, which torch.load tries first", nil
		}
	}
	n := min(p.Size, 22+0xffff)
	tail, err := p.Bytes(p.Size-n, n)
	if err != nil {
		return "", err
	}
	if hasZipEnd(tail) {
		return "a zip archive, which is read from its end", nil
	}
	return "", nil
}

// isTar checks the header checksum, the only thing that Python's tarfile insists on.
func isTar(b []byte) bool {
	field := strings.Trim(string(bytes.TrimRight(b[148:156], "\x00 ")), " \x00")
	want, err := strconv.ParseInt(field, 8, 64)
	if err != nil {
		return false
	}
	var unsigned, signed int64 // old writers summed signed bytes
	for i, c := range b {
		if i >= 148 && i < 156 {
			c = ' '
		}
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	return want == unsigned || want == signed
}

// hasZipEnd looks for an end record whose comment ends with the file.
func hasZipEnd(tail []byte) bool {
	for at := len(tail); ; {
		i := bytes.LastIndex(tail[:at], []byte("PK\x05\x06"))
		if i < 0 {
			return false
		}
		if rest := tail[i:]; len(rest) >= 22 && int(binary.LittleEndian.Uint16(rest[20:]))+22 <= len(rest) {
			return true
		}
		at = i
	}
}
