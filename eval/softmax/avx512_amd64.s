//go:build amd64 && gc && !noasm && !purego

#include "textflag.h"
#include "constants_amd64.h"

// One vector is a block: lane i of Z0 is lane i of the sums.

#define CONSTANTS \
	VBROADCASTSD LEAST, Z16;   \
	VBROADCASTSD MAGIC, Z17;   \
	VBROADCASTSD LOG2E, Z18;   \
	VBROADCASTSD LN2HIGH, Z19; \
	VBROADCASTSD LN2LOW, Z20;  \
	VBROADCASTSD ONE, Z21;     \
	VBROADCASTSD EXP2, Z22;    \
	VBROADCASTSD EXP3, Z23;    \
	VBROADCASTSD EXP4, Z24;    \
	VBROADCASTSD EXP5, Z25;    \
	VBROADCASTSD EXP6, Z26;    \
	VBROADCASTSD EXP7, Z27;    \
	VBROADCASTSD EXP8, Z28;    \
	VBROADCASTSD EXP9, Z29;    \
	VBROADCASTSD EXP10, Z30;   \
	VBROADCASTSD EXP11, Z31

// EXP sets Z4 to exp of the eight float32 at (SI) less Z1: exp in exp.go, line by line. What is
// not less than least (predicate 0x15), which NaN is neither, is kept.
#define EXP \
	VCVTPS2PD    (SI), Z2;           \
	VSUBPD       Z1, Z2, Z2;         \
	VCMPPD       $0x15, Z16, Z2, K1; \
	VMOVAPD      Z18, Z3;            \
	VFMADD213PD  Z17, Z2, Z3;        \
	VSUBPD       Z17, Z3, Z5;        \
	VFNMADD231PD Z19, Z5, Z2;        \
	VFNMADD231PD Z20, Z5, Z2;        \
	VMOVAPD      Z31, Z4;            \
	VFMADD213PD  Z30, Z2, Z4;        \
	VFMADD213PD  Z29, Z2, Z4;        \
	VFMADD213PD  Z28, Z2, Z4;        \
	VFMADD213PD  Z27, Z2, Z4;        \
	VFMADD213PD  Z26, Z2, Z4;        \
	VFMADD213PD  Z25, Z2, Z4;        \
	VFMADD213PD  Z24, Z2, Z4;        \
	VFMADD213PD  Z23, Z2, Z4;        \
	VFMADD213PD  Z22, Z2, Z4;        \
	VFMADD213PD  Z21, Z2, Z4;        \
	VFMADD213PD  Z21, Z2, Z4;        \
	VPSLLQ       $52, Z3, Z3;        \
	VMULPD.Z     Z3, Z4, K1, Z4

// func sumAVX512(s *lanes, x *float32, n int, top float64)
TEXT ·sumAVX512(SB), NOSPLIT, $0-32
	MOVQ s+0(FP), AX
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSD top+24(FP), Z1
	VMOVUPD (AX), Z0
	CONSTANTS

sumLoop:
	EXP
	VADDPD Z4, Z0, Z0
	ADDQ $32, SI
	DECQ CX
	JNZ  sumLoop
	VMOVUPD Z0, (AX)
	VZEROUPPER
	RET

// func expsAVX512(s *lanes, e *float64, x *float32, n int, top float64)
TEXT ·expsAVX512(SB), NOSPLIT, $0-40
	MOVQ s+0(FP), AX
	MOVQ e+8(FP), DI
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
	VBROADCASTSD top+32(FP), Z1
	VMOVUPD (AX), Z0
	CONSTANTS

expsLoop:
	EXP
	VMOVUPD Z4, (DI)
	VADDPD Z4, Z0, Z0
	ADDQ $32, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  expsLoop
	VMOVUPD Z0, (AX)
	VZEROUPPER
	RET

// func divergenceAVX512(s *lanes, e *float64, p, q *float32, n int, shift, least float64)
TEXT ·divergenceAVX512(SB), NOSPLIT, $0-56
	MOVQ s+0(FP), AX
	MOVQ e+8(FP), DI
	MOVQ p+16(FP), SI
	MOVQ q+24(FP), DX
	MOVQ n+32(FP), CX
	VBROADCASTSD shift+40(FP), Z5
	VBROADCASTSD least+48(FP), Z6
	VMOVUPD (AX), Z0

divergenceLoop:
	VMOVUPD   (DI), Z1
	VCVTPS2PD (SI), Z2
	VCVTPS2PD (DX), Z3
	VSUBPD    Z3, Z2, Z2
	VADDPD    Z5, Z2, Z2
	VCMPPD    $0x1e, Z6, Z1, K1 // above least
	VMULPD.Z  Z2, Z1, K1, Z2
	VADDPD    Z2, Z0, Z0
	ADDQ $64, DI
	ADDQ $32, SI
	ADDQ $32, DX
	DECQ CX
	JNZ  divergenceLoop
	VMOVUPD Z0, (AX)
	VZEROUPPER
	RET

// func aboveAVX512(x *float32, n int, bound float32) int
TEXT ·aboveAVX512(SB), NOSPLIT, $0-32
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	VBROADCASTSS bound+16(FP), Z0
	XORQ AX, AX

aboveLoop:
	VCMPPS $0x11, (SI), Z0, K1 // bound is less
	VCMPPS $0x11, 64(SI), Z0, K2
	KORTESTW K2, K1
	JNZ  aboveEnd
	ADDQ $128, SI
	INCQ AX
	CMPQ AX, CX
	JLT  aboveLoop

aboveEnd:
	MOVQ AX, ret+24(FP)
	VZEROUPPER
	RET
