package sentencepiece

import (
	"encoding/binary"
	"unicode/utf8"
)

// maxTable bounds the normalizer's table; the one of nmt_nfkc has some 240 KB.
const maxTable = 8 << 20

// table judges precompiled_charsmap: the size of a double array, the double array, and the replacements, each ended by a
// zero byte (normalizer.cc, EncodePrecompiledCharsMap).
func (r *reader) table(f field) error {
	if f.n == 0 {
		return nil
	}
	b, err := r.content(f, maxTable)
	if err != nil {
		return err
	}
	if what := badTable(b); what != "" {
		if r.strange++; r.strange <= 16 {
			r.p.Report(charsMap, f.at, "%s", what)
		}
	}
	return nil
}

func badTable(b []byte) string {
	if len(b) < 4 {
		return "a table without its size"
	}
	size := binary.LittleEndian.Uint32(b)
	if uint64(size) > uint64(len(b)-4) || size < 1024 || size%1024 != 0 {
		return "a double array of a size that its writer does not make"
	}
	units, texts := b[4:4+size], b[4+size:]
	if len(texts) == 0 || texts[len(texts)-1] != 0 || !utf8.Valid(texts) {
		return "replacements that are not text ended by zero bytes"
	}
	if !stays(units, len(texts)) {
		return "a double array that leads outside"
	}
	return ""
}

// stays checks every unit, reachable or not (darts-clone, DoubleArrayUnit): from unit i a reader goes to i xor offset
// xor a byte, so all 256 of these must exist; the value of a leaf must be a place in the replacements.
func stays(units []byte, texts int) bool {
	n := uint32(len(units) / 4)
	for i := uint32(0); i < n; i++ {
		u := binary.LittleEndian.Uint32(units[4*i:])
		if u>>31 == 1 {
			if int64(u&0x7fffffff) >= int64(texts) {
				return false
			}
			continue
		}
		offset := u >> 10 << (u & (1 << 9) >> 6)
		if (i^offset)|0xff >= n {
			return false
		}
	}
	return true
}
