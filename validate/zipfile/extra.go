package zipfile

import (
	"hash/crc32"

	"github.com/loadlock/loadlock/validate"
)

// Extra fields that ordinary writers leave, with the longest content they give them.
var extraKnown = map[uint16]int{
	0x0001:    28, // zip64
	0x000a:    32, // NTFS times
	0x5455:    13, // Unix times
	0x5855:    12, // Unix times and ids, old
	0x7855:    4,  // Unix ids, old
	0x7875:    15, // Unix ids
	0xcafe:    0,  // a Java archive, in its first member
	pathID:    1<<16 - 1,
	paddingID: 1<<16 - 1,
}

// paddingID is "FB": torch aligns tensor data with it, filled with "Z" (caffe2/serialize/inline_container.cc).
const paddingID = 0x4246

// pathID is Info-ZIP's Unicode path, another name for the member (APPNOTE 4.6.9).
const pathID = 0x7075

// checkExtra judges the extra fields of one header and returns the content of the zip64 field.
func (a *archive) checkExtra(b []byte, at int64, name string) (zip64 []byte) {
	seen := map[uint16]bool{}
	for len(b) > 0 {
		if len(b) < 4 || int(le.Uint16(b[2:])) > len(b)-4 {
			a.p.Report(extraField, at, "member %s: %d bytes that are no extra field", quote(name), len(b))
			return zip64
		}
		id, content := le.Uint16(b), b[4:4+le.Uint16(b[2:])]
		max, known := extraKnown[id]
		switch {
		case !known || len(content) > max:
			a.p.Report(extraField, at, "member %s: field %#04x of %d bytes", quote(name), id, len(content))
		case seen[id]:
			a.p.Report(extraField, at, "member %s: field %#04x twice", quote(name), id)
		case id == paddingID && !isPadding(content):
			a.p.Report(extraField, at, "member %s: padding that is not padding", quote(name))
		case id == pathID:
			a.checkPath(content, at, name)
		case id == 1:
			zip64 = content
		}
		seen[id] = true
		b = b[4+len(content):]
	}
	return zip64
}

func isPadding(b []byte) bool {
	for _, c := range b {
		if c != 'Z' && c != 0 {
			return false
		}
	}
	return true
}

// checkPath judges a Unicode path: version 1, the CRC of the name that it replaces, a name. Readers that know the
// field take its name (7-Zip, unzip, Python from 3.13), others the header's, so they must be one.
func (a *archive) checkPath(b []byte, at int64, name string) {
	if len(b) < 5 || b[0] != 1 || le.Uint32(b[1:]) != crc32.ChecksumIEEE([]byte(name)) || string(b[5:]) != name {
		a.p.Report(twoNames, at, "member %s has a second name, %s", quote(name), validate.Quote(b[min(5, len(b)):], 200))
	}
}
