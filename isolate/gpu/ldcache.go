package gpu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
)

// The loader's cache, as glibc's sysdeps/generic/dl-cache.h lays it out, in the byte order of its machine:
//
//	old:  "ld.so-1.7.0" pad count  { flags key value }×count  strings     offsets from the end of the entries
//	new:  "glibc-ld.so.cache" "1.1" count length flags… extension  { flags key value osversion hwcap }×count  strings
//	      offsets from the beginning of "glibc-ld.so.cache"
//
// A file is old, new, or old followed by new on an eight-byte boundary, and then the new one counts.
const (
	oldMagic, oldHeader, oldEntry = "ld.so-1.7.0", 16, 12
	newMagic, newHeader, newEntry = "glibc-ld.so.cache1.1", 48, 24
)

// abi is FLAG_ELF_LIBC6 with the architecture's bits: the libraries that a program of this machine may load.
var abi = map[string]uint32{"amd64": 0x0303, "arm64": 0x0a03, "ppc64le": 0x0503, "s390x": 0x0403, "riscv64": 0x1003}[runtime.GOARCH]

type cached struct{ soname, path string }

var errCache = errors.New("ld.so.cache is damaged")

// parseCache lists the libraries for this machine, in the loader's order.
func parseCache(raw []byte) ([]cached, error) {
	if bytes.HasPrefix(raw, []byte(newMagic)) {
		return entries(raw, raw, newHeader, newEntry, 20)
	}
	if !bytes.HasPrefix(raw, []byte(oldMagic)) || len(raw) < oldHeader {
		return nil, errCache
	}
	end := oldHeader + int64(binary.NativeEndian.Uint32(raw[12:]))*oldEntry
	if end > int64(len(raw)) {
		return nil, errCache
	}
	if at := (end + 7) &^ 7; at < int64(len(raw)) && bytes.HasPrefix(raw[at:], []byte(newMagic)) {
		return entries(raw[at:], raw[at:], newHeader, newEntry, 20)
	}
	return entries(raw, raw[end:], oldHeader, oldEntry, 12)
}

// entries reads records of so many bytes after a header that holds their number; strings are offsets into text.
func entries(raw, text []byte, header, size, count int) ([]cached, error) {
	if len(raw) < header {
		return nil, errCache
	}
	n := int64(binary.NativeEndian.Uint32(raw[count:]))
	if n > int64(len(raw)-header)/int64(size) {
		return nil, errCache
	}
	var out []cached
	for i := range n {
		e := raw[int64(header)+i*int64(size):]
		if binary.NativeEndian.Uint32(e) != abi {
			continue
		}
		key, ok := cstring(text, binary.NativeEndian.Uint32(e[4:]))
		value, also := cstring(text, binary.NativeEndian.Uint32(e[8:]))
		if !ok || !also {
			return nil, errCache
		}
		out = append(out, cached{key, value})
	}
	return out, nil
}

func cstring(text []byte, at uint32) (string, bool) {
	if int64(at) >= int64(len(text)) {
		return "", false
	}
	s, _, ok := bytes.Cut(text[at:min(int64(len(text)), int64(at)+4096)], []byte{0}) // PATH_MAX
	return string(s), ok
}
