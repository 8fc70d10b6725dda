package executable

import (
	"bytes"
	"encoding/binary"

	"github.com/loadlock/loadlock/validate"
)

// kind is one way to recognise a program by its content.
type kind struct {
	what string
	rule *validate.Rule
	is   func(validate.Head) bool
}

// kinds are asked in order: the special before the general.
var kinds = []kind{
	{"llamafile: weights and the program that runs them in one file (Actually Portable Executable)", byDesign, starts("MZqFpD='", "jartsr='", "APEDBG='")},
	{"TensorRT engine: machine code for one kind of GPU", byDesign, starts("ptrt", "ftrt")},
	{"AppImage", nativeCode, func(h validate.Head) bool { return isELF(h) && bytes.HasPrefix(h.Start[8:], []byte("AI")) }},
	{"CUDA binary in an ELF file", nativeCode, func(h validate.Head) bool { return isELF(h) && machine(h.Start) == 190 }},
	{"ELF program or library", nativeCode, isELF},
	{"Windows program or library (PE)", nativeCode, isPE},
	{"DOS program", nativeCode, isDOS},
	{"Mach-O program or library", nativeCode, isMachO},
	{"Mach-O library for several processors", nativeCode, isFat},
	{"Java class", nativeCode, isJavaClass},
	{"Android byte code", nativeCode, starts("dex\n035\x00", "dex\n036\x00", "dex\n037\x00", "dex\n038\x00", "dex\n039\x00", "dex\n040\x00", "dex\n041\x00")},
	{"WebAssembly", nativeCode, starts("\x00asm\x01\x00\x00\x00")},
	{"LLVM bitcode", nativeCode, starts("BC\xc0\xde", "\xde\xc0\x17\x0b")},
	{"archive of object files or a Debian package", nativeCode, starts("!<arch>\n", "!<thin>\n")},
	{"CUDA fat binary", nativeCode, starts("\x50\xed\x55\xba")},
	{"Lua byte code", nativeCode, starts("\x1bLua", "\x1bLJ\x01", "\x1bLJ\x02")},
	{"Windows shortcut", nativeCode, starts("\x4c\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00")},
	{"RPM package", nativeCode, starts("\xed\xab\xee\xdb")},
}

func starts(magic ...string) func(validate.Head) bool {
	return func(h validate.Head) bool {
		for _, m := range magic {
			if bytes.HasPrefix(h.Start, []byte(m)) {
				return true
			}
		}
		return false
	}
}

// isELF asks for the identification too, because four bytes can also be the length of a safetensors header.
func isELF(h validate.Head) bool {
	b := h.Start
	return len(b) >= 20 && string(b[:4]) == "\x7fELF" && (b[4] == 1 || b[4] == 2) && (b[5] == 1 || b[5] == 2) && b[6] == 1
}

// machine is e_machine.
func machine(b []byte) uint16 {
	if b[5] == 2 {
		return binary.BigEndian.Uint16(b[18:])
	}
	return binary.LittleEndian.Uint16(b[18:])
}

func isPE(h validate.Head) bool {
	b := h.Start
	if len(b) < 64 || string(b[:2]) != "MZ" {
		return false
	}
	at := int64(binary.LittleEndian.Uint32(b[60:]))
	var sig [4]byte
	if at > h.Size-4 {
		return false
	}
	if n, _ := h.ReadAt(sig[:], at); n < 4 {
		return false
	}
	return string(sig[:]) == "PE\x00\x00" || string(sig[:2]) == "NE" || string(sig[:2]) == "LE" || string(sig[:2]) == "LX"
}

// isDOS asks for a header that fits the file: two letters are also the length of a safetensors header.
func isDOS(h validate.Head) bool {
	b := h.Start
	if len(b) < 28 || string(b[:2]) != "MZ" || b[8] == '{' {
		return false
	}
	u16 := func(i int) int64 { return int64(binary.LittleEndian.Uint16(b[i:])) }
	last, pages, paragraphs, reloc := u16(2), u16(4), u16(8), u16(24)
	size := pages * 512
	return last < 512 && pages > 0 && size-512 < h.Size && paragraphs >= 2 && paragraphs*16 <= size && reloc <= paragraphs*16
}

var cpuTypes = map[uint32]bool{1: true, 6: true, 7: true, 12: true, 14: true, 18: true, 0x01000007: true, 0x0100000c: true, 0x0200000c: true, 0x01000012: true}

func isMachO(h validate.Head) bool {
	b := h.Start
	if len(b) < 28 {
		return false
	}
	switch binary.BigEndian.Uint32(b) {
	case 0xfeedface, 0xfeedfacf:
		return cpuTypes[binary.BigEndian.Uint32(b[4:])]
	case 0xcefaedfe, 0xcffaedfe:
		return cpuTypes[binary.LittleEndian.Uint32(b[4:])]
	}
	return false
}

// The universal header and Java classes share a magic number. Behind it are a small count of processors and the first of
// them, or a minor and a major version, which is at least 45.
func isFat(h validate.Head) bool {
	b := h.Start
	if len(b) < 12 || binary.BigEndian.Uint32(b)|1 != 0xcafebabf {
		return false
	}
	n := binary.BigEndian.Uint32(b[4:])
	return n > 0 && n < 43 && cpuTypes[binary.BigEndian.Uint32(b[8:])]
}

func isJavaClass(h validate.Head) bool {
	b := h.Start
	if len(b) < 10 || binary.BigEndian.Uint32(b) != 0xcafebabe {
		return false
	}
	major := binary.BigEndian.Uint16(b[6:])
	return major >= 45 && major < 200
}
