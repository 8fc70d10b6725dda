package all_test

import (
	"hash/crc32"
	"unicode/utf16"
)

// sevenZipped is a 7z archive of one stored file of fewer than 128 bytes, with a plain header (7zFormat.txt of the LZMA
// SDK).
func sevenZipped(name, data string) []byte {
	size := string([]byte{byte(len(data))})
	var wide []byte
	for _, u := range append(utf16.Encode([]rune(name)), 0) {
		wide = le.AppendUint16(wide, u)
	}
	h := "\x01\x04\x06\x00\x01\x09" + size + "\x00\x07\x0b\x01\x00\x01\x01\x00\x0c" + size + "\x00\x08\x0d\x01\x0a\x01" +
		string(le.AppendUint32(nil, crc32.ChecksumIEEE([]byte(data)))) + "\x00\x00\x05\x01\x11" + string([]byte{byte(len(wide) + 1)}) + "\x00" + string(wide) + "\x00\x00"
	start := le.AppendUint64(nil, uint64(len(data)))
	start = le.AppendUint64(start, uint64(len(h)))
	start = le.AppendUint32(start, crc32.ChecksumIEEE([]byte(h)))
	b := le.AppendUint32([]byte("7z\xbc\xaf\x27\x1c\x00\x04"), crc32.ChecksumIEEE(start))
	return append(append(append(b, start...), data...), h...)
}
