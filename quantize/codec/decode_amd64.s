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

// IQ4XSUB writes the 32 elements at off with the scale number i.
#define IQ4XSUB(off, i) \
	VBROADCASTSS scales-32+4*(i)(SP), Y0; \
	VMOVAPS Y0, Y10; \
	NIBBLES(off(SI)); \
	VPSHUFB Y1, Y14, Y1; \
	FLOATS; \
	STORE

// fours and twos shift eight dwords by 0, 4, ... 28 and by 0, 2, ... 14.
DATA fours<>+0(SB)/8, $0x0000000400000000
DATA fours<>+8(SB)/8, $0x0000000c00000008
DATA fours<>+16(SB)/8, $0x0000001400000010
DATA fours<>+24(SB)/8, $0x0000001c00000018
GLOBL fours<>(SB), RODATA|NOPTR, $32
DATA twos<>+0(SB)/8, $0x0000000200000000
DATA twos<>+8(SB)/8, $0x0000000600000004
DATA twos<>+16(SB)/8, $0x0000000a00000008
DATA twos<>+24(SB)/8, $0x0000000e0000000c
GLOBL twos<>(SB), RODATA|NOPTR, $32

// func decodeIQ4XSAsm(dst *float32, src *byte, n int)
TEXT ·decodeIQ4XSAsm(SB), NOSPLIT, $32-24
	ARGS
	BYTES(0x0f0f0f0f, X15, Y15)
	VBROADCASTI128 levels<>(SB), Y14
	BYTES(0x0000000f, X13, Y13)
	BYTES(0x00000030, X12, Y12)
	BYTES(0x00000020, X11, Y11)

iq4xsloop:
	HALF((SI), X0, Y0)
	VPBROADCASTD 4(SI), Y3 // low nibbles of the scales
	VPSRLVD fours<>(SB), Y3, Y3
	VPAND   Y13, Y3, Y3
	VPBROADCASTW 2(SI), Y4 // their high 2 bits
	VPSRLVD twos<>(SB), Y4, Y4
	VPSLLD  $4, Y4, Y4
	VPAND   Y12, Y4, Y4
	VPOR    Y4, Y3, Y3
	VPSUBD  Y11, Y3, Y3
	VCVTDQ2PS Y3, Y3
	VMULPS  Y0, Y3, Y3
	VMOVUPS Y3, scales-32(SP)
	IQ4XSUB(8, 0)
	IQ4XSUB(24, 1)
	IQ4XSUB(40, 2)
	IQ4XSUB(56, 3)
	IQ4XSUB(72, 4)
	IQ4XSUB(88, 5)
	IQ4XSUB(104, 6)
	IQ4XSUB(120, 7)
	NEXT(136, iq4xsloop)
