package tflite

import (
	"bytes"
	"encoding/binary"
)

// The records of a zip archive that say where its members begin (PKWARE APPNOTE 4.3.12, 4.3.16).
const (
	endRecord     = "PK\x05\x06"
	endSize       = 22
	centralRecord = "PK\x01\x02"
	centralSize   = 46
	localRecord   = "PK\x03\x04"
	maxDirectory  = 1 << 20
)

// firstMember is where the archive behind a model begins: the archive that TensorFlow Lite's metadata appends for labels
// and vocabularies (tflite_support/metadata). It has no comment, its offsets count from the start of the file, and
// its directory ends where the end record begins, so that every reader of archives finds the same members. Whatever else
// the archive is, validate/zipfile judges it.
func (m *model) firstMember() (off int64, ok bool) {
	le, size := binary.LittleEndian, m.p.Size
	end, err := m.p.Bytes(size-min(size, endSize), min(size, endSize))
	if err != nil || len(end) < endSize || !bytes.HasPrefix(end, []byte(endRecord)) || le.Uint16(end[20:]) != 0 {
		return 0, false
	}
	length, at := int64(le.Uint32(end[12:])), int64(le.Uint32(end[16:]))
	if length == 0 || length > maxDirectory || at+length != size-endSize {
		return 0, false
	}
	dir, err := m.p.Bytes(at, length)
	if err != nil {
		return 0, false
	}
	off = at
	for len(dir) > 0 {
		if len(dir) < centralSize || !bytes.HasPrefix(dir, []byte(centralRecord)) {
			return 0, false
		}
		off = min(off, int64(le.Uint32(dir[42:])))
		n := centralSize + int(le.Uint16(dir[28:])) + int(le.Uint16(dir[30:])) + int(le.Uint16(dir[32:]))
		if n > len(dir) {
			return 0, false
		}
		dir = dir[n:]
	}
	local, err := m.p.Bytes(off, min(4, size-off))
	return off, err == nil && string(local) == localRecord
}
