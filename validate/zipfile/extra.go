package zipfile

// Extra fields that ordinary writers leave, with the longest content they give them.
var extraKnown = map[uint16]int{
	0x0001:    28, // zip64
	0x000a:    32, // NTFS times
	0x5455:    13, // Unix times
	0x5855:    12, // Unix times and ids, old
	0x7855:    4,  // Unix ids, old
	0x7875:    15, // Unix ids
	paddingID: 1<<16 - 1,
}

// paddingID is "FB": torch aligns tensor data with it, filled with "Z" (caffe2/serialize/inline_container.cc).
const paddingID = 0x4246

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
