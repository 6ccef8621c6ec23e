//go:build amd64 && gc && !noasm && !purego

#include "decode_amd64.h"

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

// Q2SUB writes the next 32 elements, the lowest bits of Y7, with the scales and minima number i and i+1.
#define Q2SUB(i) \
	VPAND Y15, Y7, Y1; \
	VPSRLW $2, Y7, Y7; \
	VBROADCASTSS scales-128+4*(i)(SP), Y0; \
	VBROADCASTSS scales-124+4*(i)(SP), Y10; \
	VBROADCASTSS minima-64+4*(i)(SP), Y9; \
	VBROADCASTSS minima-60+4*(i)(SP), Y8; \
	FLOATS; \
	VSUBPS Y9, Y3, Y3; \
	VSUBPS Y9, Y4, Y4; \
	VSUBPS Y8, Y5, Y5; \
	VSUBPS Y8, Y6, Y6; \
	STORE

// func decodeQ2KAsm(dst *float32, src *byte, n int)
TEXT ·decodeQ2KAsm(SB), NOSPLIT, $128-24
	ARGS
	BYTES(0x03030303, X15, Y15)
	BYTES(0x0f0f0f0f, X14, Y14)

q2kloop:
	HALF(80(SI), X0, Y0)
	HALF(82(SI), X9, Y9)
	VMOVDQU (SI), X1
	VPSRLW  $4, X1, X2
	VPAND   X14, X1, X1
	VPAND   X14, X2, X2
	VPMOVZXBD X1, Y3
	VPMOVZXBD X2, Y5
	VPSRLDQ $8, X1, X1
	VPSRLDQ $8, X2, X2
	VPMOVZXBD X1, Y4
	VPMOVZXBD X2, Y6
	VCVTDQ2PS Y3, Y3
	VCVTDQ2PS Y4, Y4
	VCVTDQ2PS Y5, Y5
	VCVTDQ2PS Y6, Y6
	VMULPS  Y0, Y3, Y3
	VMULPS  Y0, Y4, Y4
	VMULPS  Y9, Y5, Y5
	VMULPS  Y9, Y6, Y6
	VMOVUPS Y3, scales-128(SP)
	VMOVUPS Y4, scales-96(SP)
	VMOVUPS Y5, minima-64(SP)
	VMOVUPS Y6, minima-32(SP)
	VMOVDQU 16(SI), Y7
	Q2SUB(0)
	Q2SUB(2)
	Q2SUB(4)
	Q2SUB(6)
	VMOVDQU 48(SI), Y7
	Q2SUB(8)
	Q2SUB(10)
	Q2SUB(12)
	Q2SUB(14)
	NEXT(84, q2kloop)

// Q3SUB writes the next 32 elements with the scales number i and i+1: the lowest bits of Y7, and the third
// bits in Y8.
#define Q3SUB(i) \
	VPAND Y15, Y7, Y1; \
	VPSRLW $2, Y7, Y7; \
	VPAND Y14, Y8, Y2; \
	VPSRLW $1, Y8, Y8; \
	VPSLLW $2, Y2, Y2; \
	VPOR Y2, Y1, Y1; \
	VPSUBB Y13, Y1, Y1; \
	VBROADCASTSS scales-64+4*(i)(SP), Y0; \
	VBROADCASTSS scales-60+4*(i)(SP), Y10; \
	FLOATS; \
	STORE

// twos shifts four dwords by 0, 2, 4, 6.
DATA twos<>+0(SB)/8, $0x0000000200000000
DATA twos<>+8(SB)/8, $0x0000000600000004
GLOBL twos<>(SB), RODATA|NOPTR, $16

// func decodeQ3KAsm(dst *float32, src *byte, n int)
TEXT ·decodeQ3KAsm(SB), NOSPLIT, $64-24
	ARGS
	BYTES(0x03030303, X15, Y15)
	BYTES(0x01010101, X14, Y14)
	BYTES(0x04040404, X13, Y13)
	BYTES(0x0f0f0f0f, X12, Y12)
	BYTES(0x20202020, X11, Y11)

q3kloop:
	HALF(108(SI), X0, Y0)
	VMOVQ   96(SI), X1 // low nibbles of the scales 0-7, 8-15
	VPSRLW  $4, X1, X2
	VPUNPCKLQDQ X2, X1, X1
	VPAND   X12, X1, X1
	VPBROADCASTD 104(SI), X2 // their high 2 bits
	VPSRLVD twos<>(SB), X2, X2
	VPAND   X15, X2, X2
	VPSLLW  $4, X2, X2
	VPOR    X2, X1, X1
	VPSUBB  X11, X1, X1
	VPMOVSXBD X1, Y3
	VPSRLDQ $8, X1, X1
	VPMOVSXBD X1, Y4
	VCVTDQ2PS Y3, Y3
	VCVTDQ2PS Y4, Y4
	VMULPS  Y0, Y3, Y3
	VMULPS  Y0, Y4, Y4
	VMOVUPS Y3, scales-64(SP)
	VMOVUPS Y4, scales-32(SP)
	VMOVDQU (SI), Y8
	VMOVDQU 32(SI), Y7
	Q3SUB(0)
	Q3SUB(2)
	Q3SUB(4)
	Q3SUB(6)
	VMOVDQU 64(SI), Y7
	Q3SUB(8)
	Q3SUB(10)
	Q3SUB(12)
	Q3SUB(14)
	NEXT(110, q3kloop)
