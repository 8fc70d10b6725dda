#include "textflag.h"

// Both run in a child that is a copy of this process with one thread; nothing here may call the Go runtime.

// func int80(number, a, b, c uint32) int32
TEXT ·int80(SB), NOSPLIT, $0-20
	MOVL number+0(FP), AX
	MOVL a+4(FP), BX
	MOVL b+8(FP), CX
	MOVL c+12(FP), DX
	BYTE $0xcd; BYTE $0x80
	MOVL AX, ret+16(FP)
	RET

// func jump(address uintptr) uintptr
TEXT ·jump(SB), NOSPLIT, $64-16
	MOVQ address+0(FP), AX
	XORL DI, DI
	XORL SI, SI
	XORL DX, DX
	CALL AX
	MOVQ AX, ret+8(FP)
	RET
