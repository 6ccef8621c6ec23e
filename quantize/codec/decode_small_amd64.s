//go:build amd64 && gc && !noasm && !purego

#include "decode_amd64.h"

// The formats of few values: ternary, one and two bits, 4-bit floats.

// TWOBITS writes the next 32 elements, the lowest bits of Y7, less 1.
#define TWOBITS \
	VPAND Y15, Y7, Y1; \
	VPSRLW $2, Y7, Y7; \
	VPSUBB Y14, Y1, Y1; \
	FLOATS; \
	STORE

// func decodeTQ2Asm(dst *float32, src *byte, n int)
TEXT ·decodeTQ2Asm(SB), NOSPLIT, $0-24
	ARGS
	BYTES(0x03030303, X15, Y15)
	BYTES(0x01010101, X14, Y14)

tq2loop:
	HALF(64(SI), X0, Y0)
	VMOVAPS Y0, Y10
	VMOVDQU (SI), Y7
	TWOBITS
	TWOBITS
	TWOBITS
	TWOBITS
	VMOVDQU 32(SI), Y7
	TWOBITS
	TWOBITS
	TWOBITS
	TWOBITS
	NEXT(66, tq2loop)

// TRITS writes the first trits of the 32 bytes of Y7, less 1: how often 3*byte carries over 256. That is once
// from 86 (Y15) on and twice from 171 (Y14) on. Y13 is -1.
#define TRITS \
	VPMAXUB Y15, Y7, Y1; \
	VPCMPEQB Y7, Y1, Y1; \
	VPMAXUB Y14, Y7, Y2; \
	VPCMPEQB Y7, Y2, Y2; \
	VPSUBB Y1, Y13, Y1; \
	VPSUBB Y2, Y1, Y1; \
	FLOATS; \
	STORE

// TIMES3 sets the bytes of B to 3 times those of A.
#define TIMES3(A, B) \
	VPADDB A, A, Y2; \
	VPADDB A, Y2, B

// func decodeTQ1Asm(dst *float32, src *byte, n int)
TEXT ·decodeTQ1Asm(SB), NOSPLIT, $0-24
	ARGS
	BYTES(0x56565656, X15, Y15)
	BYTES(0xabababab, X14, Y14)
	VPCMPEQB Y13, Y13, Y13

tq1loop:
	HALF(52(SI), X0, Y0)
	VMOVAPS Y0, Y10
	VMOVDQU (SI), Y7 // 5 trits of 32 bytes
	TRITS
	TIMES3(Y7, Y7)
	TRITS
	TIMES3(Y7, Y7)
	TRITS
	TIMES3(Y7, Y7)
	TRITS
	TIMES3(Y7, Y7)
	TRITS
	VMOVDQU 32(SI), X7 // 5 trits of 16 bytes, two at a time
	TIMES3(Y7, Y8)
	VINSERTI128 $1, X8, Y7, Y7
	TRITS
	TIMES3(Y7, Y7)
	TIMES3(Y7, Y7)
	TRITS
	TIMES3(Y7, Y7)
	TIMES3(Y7, Y7)
	VMOVD   48(SI), X8 // beside the fifth, 4 trits of 4 bytes
	TIMES3(Y8, Y9)
	VPUNPCKLDQ X9, X8, X8
	TIMES3(Y8, Y9)
	TIMES3(Y9, Y9)
	VPUNPCKLQDQ X9, X8, X8
	VINSERTI128 $1, X8, Y7, Y7
	TRITS
	NEXT(54, tq1loop)

// ONEBIT writes 32 elements, 1 or -1, from the bits at off.
#define ONEBIT(off) \
	VPBROADCASTD off(SI), Y2; \
	VPSHUFB Y13, Y2, Y2; \
	VPAND Y12, Y2, Y2; \
	VPCMPEQB Y15, Y2, Y2; \
	VPOR Y14, Y2, Y1; \
	FLOATS; \
	STORE

// func decodeQ1Asm(dst *float32, src *byte, n int)
TEXT ·decodeQ1Asm(SB), NOSPLIT, $0-24
	ARGS
	BITSCONST
	BYTES(0x01010101, X14, Y14)
	VPXOR Y15, Y15, Y15

q1loop:
	HALF((SI), X0, Y0)
	VMOVAPS Y0, Y10
	ONEBIT(2)
	ONEBIT(6)
	ONEBIT(10)
	ONEBIT(14)
	NEXT(18, q1loop)

// Q2HALF writes the 32 elements of the 8 bytes at off: a byte's pairs of bits go to the bytes of a dword.
#define Q2HALF(off) \
	VPMOVZXBD off(SI), Y1; \
	VPSLLD $6, Y1, Y2; \
	VPOR Y2, Y1, Y1; \
	VPSLLD $12, Y1, Y2; \
	VPOR Y2, Y1, Y1; \
	VPAND Y15, Y1, Y1; \
	VPSUBB Y14, Y1, Y1; \
	FLOATS; \
	STORE

// func decodeQ2Asm(dst *float32, src *byte, n int)
TEXT ·decodeQ2Asm(SB), NOSPLIT, $0-24
	ARGS
	BYTES(0x03030303, X15, Y15)
	BYTES(0x01010101, X14, Y14)

q2loop:
	HALF((SI), X0, Y0)
	VMOVAPS Y0, Y10
	Q2HALF(2)
	Q2HALF(10)
	NEXT(18, q2loop)

// fp4 are the doubled values of E2M1: 0 1 2 3 4 6 8 12, 0 -1 -2 -3 -4 -6 -8 -12.
DATA fp4<>+0(SB)/8, $0x0c08060403020100
DATA fp4<>+8(SB)/8, $0xf4f8fafcfdfeff00
GLOBL fp4<>(SB), RODATA|NOPTR, $16

// func decodeMXFP4Asm(dst *float32, src *byte, n int)
TEXT ·decodeMXFP4Asm(SB), NOSPLIT, $0-24
	ARGS
	BYTES(0x0f0f0f0f, X15, Y15)
	VBROADCASTI128 fp4<>(SB), Y14

mxfp4loop:
	// Half of 2^(e-127) has the exponent e-1; of 0 and 1 it is subnormal, 2^21 and 2^22 as bits.
	MOVBLZX (SI), AX
	LEAL 1(AX), BX
	SHLL $21, BX
	LEAL -1(AX), R9
	SHLL $23, R9
	CMPL AX, $2
	CMOVLCC R9, BX
	VMOVD BX, X0
	VBROADCASTSS X0, Y0
	VMOVAPS Y0, Y10
	NIBBLES(1(SI))
	VPSHUFB Y1, Y14, Y1
	FLOATS
	STORE
	NEXT(17, mxfp4loop)

// NVFP4PAIR writes 32 elements with the scales number i and i+1: within 16, j and j+8 share a byte.
#define NVFP4PAIR(off, i) \
	VMOVDQU off(SI), X1; \
	VPSRLW $4, X1, X2; \
	VPAND X15, X1, X1; \
	VPAND X15, X2, X2; \
	VPUNPCKHQDQ X2, X1, X3; \
	VPUNPCKLQDQ X2, X1, X1; \
	VINSERTI128 $1, X3, Y1, Y1; \
	VPSHUFB Y1, Y14, Y1; \
	VBROADCASTSS scales-16+4*(i)(SP), Y0; \
	VBROADCASTSS scales-12+4*(i)(SP), Y10; \
	FLOATS; \
	STORE

// func decodeNVFP4Asm(dst *float32, src *byte, n int)
TEXT ·decodeNVFP4Asm(SB), NOSPLIT, $16-24
	ARGS
	BYTES(0x0f0f0f0f, X15, Y15)
	VBROADCASTI128 fp4<>(SB), Y14
	BYTES(0x0000007f, X13, Y13)
	BYTES(0x7b000000, X12, Y12) // 2^119

nvfp4loop:
	// Read as float32, an UE4M3 is 2^120 times too small, and half is wanted. This includes subnormals. 0x7f is 0.
	VPMOVZXBD (SI), X1
	VPCMPEQD X13, X1, X2
	VPAND   X13, X1, X1
	VPSLLD  $20, X1, X1
	VMULPS  X12, X1, X1
	VANDNPS X1, X2, X1
	VMOVUPS X1, scales-16(SP)
	NVFP4PAIR(4, 0)
	NVFP4PAIR(20, 2)
	NEXT(36, nvfp4loop)
