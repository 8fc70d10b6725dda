package attack

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"
)

// int80 makes a call through the 32-bit gate of a 64-bit process: number is one of i386's.
func int80(number, a, b, c uint32) int32

// jump calls what is at an address, as if it were a C function.
func jump(address uintptr) uintptr

// x32 is bit 30 of a number: the same processor, the table of the x32 ABI.
const x32 = 0x40000000

// i386 is the errno that int 0x80 answers with.
func i386(number, a, b, c uint32) unix.Errno {
	if r := int80(number, a, b, c); r < 0 {
		return unix.Errno(-r)
	}
	return 0
}

// Segments of the kernel's table that every process may jump to (asm/segment.h): 32-bit and 64-bit code.
const (
	code32 = 0x23
	code64 = 0x33
)

// farJump leaves 64-bit mode, asks for its process id as a 32-bit program does, and comes back. The code and the place
// for the stack pointer lie below 4 GiB, where 32-bit code reaches; the upper halves of registers may be lost.
func farJump() string {
	page, err := unix.Mmap(-1, 0, 2*4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_32BIT)
	if err != nil {
		return "mmap-" + Errno(err)
	}
	base := addressOf(page)
	const in32, back, saved = 0x40, 0x60, 0x1000 // the second page stays writable
	at := func(offset uintptr) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(base+offset)) }
	copy(page, slices.Concat(
		[]byte{0x55, 0x48, 0x89, 0x24, 0x25}, at(saved), // push rbp; mov [saved], rsp
		[]byte{0x6a, code32, 0x68}, at(in32), []byte{0x48, 0xcb}, // push code32; push in32; retfq
	))
	copy(page[in32:], slices.Concat(
		[]byte{0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xea}, at(back), []byte{code64, 0}, // mov eax, getpid; int 0x80; jmp code64:back
	))
	copy(page[back:], slices.Concat(
		[]byte{0x48, 0x8b, 0x24, 0x25}, at(saved), []byte{0x5d, 0xc3}, // mov rsp, [saved]; pop rbp; ret
	))
	if err := unix.Mprotect(page[:4096], unix.PROT_READ|unix.PROT_EXEC); err != nil {
		return "mprotect-" + Errno(err)
	}
	return apart(func() unix.Errno {
		if r := int32(jump(base)); r < 0 {
			return unix.Errno(-r)
		}
		return 0
	})
}
