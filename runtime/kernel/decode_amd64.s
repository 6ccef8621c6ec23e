//go:build amd64 && gc && !noasm && !purego

#include "decode_amd64.h"

// levels are the 16 values of IQ4_NL: -127 -104 -83 -65 -49 -35 -22 -10 1 13 25 38 53 69 89 113.
DATA levels<>+0(SB)/8, $0xf6eaddcfbfad9881
DATA levels<>+8(SB)/8, $0x7159453526190d01
GLOBL levels<>(SB), RODATA|NOPTR, $16

// func decodeF16Asm(dst *float32, src *byte, n int)
TEXT ·decodeF16Asm(SB), NOSPLIT, $0-24
	ARGS

f16loop:
	VCVTPH2PS (SI), Y1
	VMOVUPS   Y1, (DI)
	ADDQ $32, DI
	NEXT(16, f16loop)

// func decodeBF16Asm(dst *float32, src *byte, n int)
TEXT ·decodeBF16Asm(SB), NOSPLIT, $0-24
	ARGS

bf16loop:
	VPMOVZXWD (SI), Y1
	VPSLLD    $16, Y1, Y1
	VMOVUPS   Y1, (DI)
	ADDQ $32, DI
	NEXT(16, bf16loop)

// func decodeQ4x0Asm(dst *float32, src *byte, n int)
TEXT ·decodeQ4x0Asm(SB), NOSPLIT, $0-24
	ARGS
	BYTES(0x0f0f0f0f, X15, Y15)
	BYTES(0x08080808, X14, Y14)

q40loop:
	HALF((SI), X0, Y0)
	VMOVAPS Y0, Y10
	NIBBLES(2(SI))
	VPSUBB Y14, Y1, Y1
	FLOATS
	STORE
	NEXT(18, q40loop)

// func decodeQ4x1Asm(dst *float32, src *byte, n int)
TEXT ·decodeQ4x1Asm(SB), NOSPLIT, $0-24
	ARGS
	BYTES(0x0f0f0f0f, X15, Y15)

q41loop:
	HALF((SI), X0, Y0)
	HALF(2(SI), X9, Y9)
	VMOVAPS Y0, Y10
	NIBBLES(4(SI))
	FLOATS
	OFFSET(VADDPS)
	STORE
	NEXT(20, q41loop)

// FIFTH adds to Y1 the fifth bits, 32 of them at mem. Y13, Y12 and Y11 as set by FIFTHCONST.
#define FIFTH(mem) \
	BITS(mem); \
	VPAND Y11, Y2, Y2; \
	VPOR Y2, Y1, Y1

#define FIFTHCONST \
	BITSCONST; \
	BYTES(0x10101010, X11, Y11)

// func decodeQ5x0Asm(dst *float32, src *byte, n int)
TEXT ·decodeQ5x0Asm(SB), NOSPLIT, $0-24
	ARGS
	BYTES(0x0f0f0f0f, X15, Y15)
	BYTES(0x10101010, X14, Y14)
	FIFTHCONST

q50loop:
	HALF((SI), X0, Y0)
	VMOVAPS Y0, Y10
	NIBBLES(6(SI))
	FIFTH(2(SI))
	VPSUBB Y14, Y1, Y1
	FLOATS
	STORE
	NEXT(22, q50loop)

// func decodeQ5x1Asm(dst *float32, src *byte, n int)
TEXT ·decodeQ5x1Asm(SB), NOSPLIT, $0-24
	ARGS
	BYTES(0x0f0f0f0f, X15, Y15)
	FIFTHCONST

q51loop:
	HALF((SI), X0, Y0)
	HALF(2(SI), X9, Y9)
	VMOVAPS Y0, Y10
	NIBBLES(8(SI))
	FIFTH(4(SI))
	FLOATS
	OFFSET(VADDPS)
	STORE
	NEXT(24, q51loop)

// func decodeQ8x0Asm(dst *float32, src *byte, n int)
TEXT ·decodeQ8x0Asm(SB), NOSPLIT, $0-24
	ARGS

q80loop:
	HALF((SI), X0, Y0)
	VMOVAPS Y0, Y10
	VMOVDQU 2(SI), Y1
	FLOATS
	STORE
	NEXT(34, q80loop)

// func decodeIQ4NLAsm(dst *float32, src *byte, n int)
TEXT ·decodeIQ4NLAsm(SB), NOSPLIT, $0-24
	ARGS
	BYTES(0x0f0f0f0f, X15, Y15)
	VBROADCASTI128 levels<>(SB), Y14

iq4nlloop:
	HALF((SI), X0, Y0)
	VMOVAPS Y0, Y10
	NIBBLES(2(SI))
	VPSHUFB Y1, Y14, Y1
	FLOATS
	STORE
	NEXT(18, iq4nlloop)
