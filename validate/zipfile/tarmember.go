package zipfile

import (
	"io"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

// A tar archive whose last member is a zip archive ends with an end record and zeros, so that a reader that searches
// for the end takes the whole for a zip. What such a reader finds is the member, and the member is judged as an
// archive of its own; only when the zip is not inside one member is the file two things.

const tarBlock = 512

// tarHeadersMax bounds how many headers are stepped over to find the member.
const tarHeadersMax = 10_000

// insideTarMember reports whether the zip archive from start to end lies inside one member of a tar.
func insideTarMember(h validate.Head, start, end int64) bool {
	block := make([]byte, tarBlock)
	for at, n := int64(0), 0; start >= 0 && at < start && n < tarHeadersMax; n++ {
		if _, err := h.ReadAt(block, at); err != nil && err != io.EOF || !isTarHeader(block) {
			return false
		}
		size, ok := octal(block[124:136])
		if !ok {
			return false
		}
		data := at + tarBlock
		if start >= data && end <= data+size {
			return true
		}
		at = data + (size+tarBlock-1)/tarBlock*tarBlock
	}
	return false
}

// archiveStart is where an archive begins whose end record rec is at offset at, or -1.
func archiveStart(r io.ReaderAt, rec []byte, at int64) int64 {
	if len(rec) < endSize {
		return -1
	}
	size, off := int64(le.Uint32(rec[12:])), int64(le.Uint32(rec[16:]))
	var b [end64Size + 4]byte
	if n, _ := r.ReadAt(b[:], max(0, at-locator64Size-end64Size)); n == len(b) && string(b[end64Size:]) == locator64Sig {
		if at -= locator64Size + end64Size; size == 0xFFFFFFFF || off == 0xFFFFFFFF {
			size, off = int64(le.Uint64(b[40:])), int64(le.Uint64(b[48:]))
		}
	}
	if size < 0 || off < 0 || size > at || off > at-size {
		return -1
	}
	return at - size - off
}

// isTarHeader compares the checksum of a tar header (POSIX.1-2017, ustar).
func isTarHeader(b []byte) bool {
	want, ok := octal(b[148:156])
	var sum int64
	for i, c := range b {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int64(c)
	}
	return ok && want == sum && b[0] != 0
}

func octal(b []byte) (n int64, ok bool) {
	s := strings.Trim(string(b), " \x00")
	for i := range len(s) {
		if s[i] < '0' || s[i] > '7' {
			return 0, false
		}
		n = n<<3 | int64(s[i]-'0')
	}
	return n, s != ""
}
