//go:build amd64 && gc && !noasm && !purego

#include "textflag.h"

// Registers shared by all decoders: DI destination, SI source, CX blocks left. Y1 holds 32 quants as
// bytes in the order of their elements; Y0 and Y10 their scales (first and second sixteen).

#define ARGS \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), SI; \
	MOVQ n+16(FP), CX

// HALF broadcasts the float16 at (mem) to Y; X is the low half of Y.
#define HALF(mem, X, Y) \
	MOVWLZX mem, AX; \
	VMOVD AX, X; \
	VCVTPH2PS X, X; \
	VBROADCASTSS X, Y

// BYTES broadcasts the constant byte c, given four times, to Y.
#define BYTES(c, X, Y) \
	MOVL $c, AX; \
	VMOVD AX, X; \
	VPBROADCASTD X, Y

// NIBBLES spreads 16 bytes at mem to 32 quants in Y1: low nibbles, then high ones. Y15 is 0x0f.
#define NIBBLES(mem) \
	VMOVDQU mem, X1; \
	VPSRLW $4, X1, X2; \
	VINSERTI128 $1, X2, Y1, Y1; \
	VPAND Y15, Y1, Y1

// FIFTH adds to Y1 the fifth bits, 32 of them at mem. Y13, Y12 and Y11 as set by FIFTHCONST.
#define FIFTH(mem) \
	VPBROADCASTD mem, Y2; \
	VPSHUFB Y13, Y2, Y2; \
	VPAND Y12, Y2, Y2; \
	VPCMPEQB Y12, Y2, Y2; \
	VPAND Y11, Y2, Y2; \
	VPOR Y2, Y1, Y1

#define FIFTHCONST \
	VMOVDQU spread<>(SB), Y13; \
	VPBROADCASTQ bits<>(SB), Y12; \
	BYTES(0x10101010, X11, Y11)

// FLOATS turns the signed bytes of Y1 into float32 in Y3, Y4, Y5, Y6, times the scales.
#define FLOATS \
	VPMOVSXBD X1, Y3; \
	VPSRLDQ $8, Y1, Y2; \
	VPMOVSXBD X2, Y4; \
	VEXTRACTI128 $1, Y1, X1; \
	VEXTRACTI128 $1, Y2, X2; \
	VPMOVSXBD X1, Y5; \
	VPMOVSXBD X2, Y6; \
	VCVTDQ2PS Y3, Y3; \
	VCVTDQ2PS Y4, Y4; \
	VCVTDQ2PS Y5, Y5; \
	VCVTDQ2PS Y6, Y6; \
	VMULPS Y0, Y3, Y3; \
	VMULPS Y0, Y4, Y4; \
	VMULPS Y10, Y5, Y5; \
	VMULPS Y10, Y6, Y6

// OFFSET applies op (VADDPS, VSUBPS) with Y9 to the results.
#define OFFSET(op) \
	op Y9, Y3, Y3; \
	op Y9, Y4, Y4; \
	op Y9, Y5, Y5; \
	op Y9, Y6, Y6

#define STORE \
	VMOVUPS Y3, (DI); \
	VMOVUPS Y4, 32(DI); \
	VMOVUPS Y5, 64(DI); \
	VMOVUPS Y6, 96(DI); \
	ADDQ $128, DI

#define NEXT(bytes, label) \
	ADDQ $bytes, SI; \
	DECQ CX; \
	JNZ  label; \
	VZEROUPPER; \
	RET

// spread repeats each of four bytes eight times; bits picks one bit of each.
DATA spread<>+0(SB)/8, $0x0000000000000000
DATA spread<>+8(SB)/8, $0x0101010101010101
DATA spread<>+16(SB)/8, $0x0202020202020202
DATA spread<>+24(SB)/8, $0x0303030303030303
GLOBL spread<>(SB), RODATA|NOPTR, $32
DATA bits<>+0(SB)/8, $0x8040201008040201
GLOBL bits<>(SB), RODATA|NOPTR, $8

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

// KSCALES unpacks the 12 bytes of 6-bit scales and minima at 4(SI) and puts d*scale (8 float32) and
// dmin*minimum (8 float32) on the stack. d and dmin are at (SI) and 2(SI).
#define KSCALES \
	MOVL 4(SI), R8; \
	MOVL 8(SI), R9; \
	MOVL 12(SI), R10; \
	MOVL R8, AX; \
	SHRL $6, AX; \
	ANDL $0x03030303, AX; \
	SHLL $4, AX; \
	MOVL R10, BX; \
	ANDL $0x0f0f0f0f, BX; \
	ORL  AX, BX; \
	ANDL $0x3f3f3f3f, R8; \
	SHLQ $32, BX; \
	ORQ  BX, R8; \
	MOVL R9, AX; \
	SHRL $6, AX; \
	ANDL $0x03030303, AX; \
	SHLL $4, AX; \
	SHRL $4, R10; \
	ANDL $0x0f0f0f0f, R10; \
	ORL  AX, R10; \
	ANDL $0x3f3f3f3f, R9; \
	SHLQ $32, R10; \
	ORQ  R10, R9; \
	VMOVQ R8, X3; \
	VMOVQ R9, X4; \
	VPMOVZXBD X3, Y3; \
	VPMOVZXBD X4, Y4; \
	VCVTDQ2PS Y3, Y3; \
	VCVTDQ2PS Y4, Y4; \
	HALF((SI), X0, Y0); \
	HALF(2(SI), X9, Y9); \
	VMULPS Y0, Y3, Y3; \
	VMULPS Y9, Y4, Y4; \
	VMOVUPS Y3, scales-64(SP); \
	VMOVUPS Y4, minima-32(SP)

// KSUB writes the 32 elements of Y1 with the scale and minimum number i.
#define KSUB(i) \
	VBROADCASTSS scales-64+4*(i)(SP), Y0; \
	VBROADCASTSS minima-32+4*(i)(SP), Y9; \
	VMOVAPS Y0, Y10; \
	FLOATS; \
	OFFSET(VSUBPS); \
	STORE

#define Q4KPAIR(off, i, j) \
	VMOVDQU off(SI), Y7; \
	VPAND Y15, Y7, Y1; \
	KSUB(i); \
	VPSRLW $4, Y7, Y1; \
	VPAND Y15, Y1, Y1; \
	KSUB(j)

// func decodeQ4KAsm(dst *float32, src *byte, n int)
TEXT ·decodeQ4KAsm(SB), NOSPLIT, $64-24
	ARGS
	BYTES(0x0f0f0f0f, X15, Y15)

q4kloop:
	KSCALES
	Q4KPAIR(16, 0, 1)
	Q4KPAIR(48, 2, 3)
	Q4KPAIR(80, 4, 5)
	Q4KPAIR(112, 6, 7)
	NEXT(144, q4kloop)

// KHIGH adds to Y1 the fifth bit of 32 quants, the lowest bit of each byte of Y8, and drops it there.
#define KHIGH \
	VPAND Y14, Y8, Y2; \
	VPSLLW $4, Y2, Y2; \
	VPOR Y2, Y1, Y1; \
	VPSRLW $1, Y8, Y8

#define Q5KPAIR(off, i, j) \
	VMOVDQU off(SI), Y7; \
	VPAND Y15, Y7, Y1; \
	KHIGH; \
	KSUB(i); \
	VPSRLW $4, Y7, Y1; \
	VPAND Y15, Y1, Y1; \
	KHIGH; \
	KSUB(j)

// func decodeQ5KAsm(dst *float32, src *byte, n int)
TEXT ·decodeQ5KAsm(SB), NOSPLIT, $64-24
	ARGS
	BYTES(0x0f0f0f0f, X15, Y15)
	BYTES(0x01010101, X14, Y14)

q5kloop:
	KSCALES
	VMOVDQU 16(SI), Y8
	Q5KPAIR(48, 0, 1)
	Q5KPAIR(80, 2, 3)
	Q5KPAIR(112, 4, 5)
	Q5KPAIR(144, 6, 7)
	NEXT(176, q5kloop)

// Q6SUB adds the two upper bits (of Y2, already at bits 4 and 5) to Y1, subtracts 32 and writes the
// elements with the scales number i and i+1.
#define Q6SUB(i) \
	VPAND Y13, Y2, Y2; \
	VPOR Y2, Y1, Y1; \
	VPSUBB Y14, Y1, Y1; \
	VBROADCASTSS scales-64+4*(i)(SP), Y0; \
	VBROADCASTSS scales-60+4*(i)(SP), Y10; \
	FLOATS; \
	STORE

// Q6HALF decodes 128 elements: lower bits at low, upper ones at high, scales from number i on.
#define Q6HALF(low, high, i) \
	VMOVDQU low(SI), Y7; \
	VMOVDQU low+32(SI), Y8; \
	VMOVDQU high(SI), Y11; \
	VPAND Y15, Y7, Y1; \
	VPSLLW $4, Y11, Y2; \
	Q6SUB(i); \
	VPAND Y15, Y8, Y1; \
	VPSLLW $2, Y11, Y2; \
	Q6SUB(i+2); \
	VPSRLW $4, Y7, Y1; \
	VPAND Y15, Y1, Y1; \
	VMOVDQA Y11, Y2; \
	Q6SUB(i+4); \
	VPSRLW $4, Y8, Y1; \
	VPAND Y15, Y1, Y1; \
	VPSRLW $2, Y11, Y2; \
	Q6SUB(i+6)

// func decodeQ6KAsm(dst *float32, src *byte, n int)
TEXT ·decodeQ6KAsm(SB), NOSPLIT, $64-24
	ARGS
	BYTES(0x0f0f0f0f, X15, Y15)
	BYTES(0x20202020, X14, Y14)
	BYTES(0x30303030, X13, Y13)

q6kloop:
	HALF(208(SI), X0, Y0)
	VPMOVSXBD 192(SI), Y3
	VPMOVSXBD 200(SI), Y4
	VCVTDQ2PS Y3, Y3
	VCVTDQ2PS Y4, Y4
	VMULPS  Y0, Y3, Y3
	VMULPS  Y0, Y4, Y4
	VMOVUPS Y3, scales-64(SP)
	VMOVUPS Y4, scales-32(SP)
	Q6HALF(0, 128, 0)
	Q6HALF(64, 160, 8)
	NEXT(210, q6kloop)
