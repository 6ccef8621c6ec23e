//go:build amd64 && gc && !noasm && !purego

#include "textflag.h"
#include "constants_amd64.h"

// Two vectors are a block: Y0 has lanes 0 to 3 of the sums, Y1 lanes 4 to 7.

#define CONSTANTS \
	VMOVUPD LEAST, Y15;   \
	VMOVUPD MAGIC, Y14;   \
	VMOVUPD LOG2E, Y13;   \
	VMOVUPD LN2HIGH, Y12; \
	VMOVUPD LN2LOW, Y11;  \
	VMOVUPD ONE, Y10;     \
	VMOVUPD EXP11, Y9;    \
	VMOVUPD EXP10, Y8

// EXP sets Y4 to exp of the four float32 at (mem) less Y7: exp in exp.go, line by line. What is
// not less than least (predicate 0x15), which NaN is neither, is kept.
#define EXP(mem) \
	VCVTPS2PD    mem, Y2;            \
	VSUBPD       Y7, Y2, Y2;         \
	VCMPPD       $0x15, Y15, Y2, Y6; \
	VMOVAPD      Y13, Y3;            \
	VFMADD213PD  Y14, Y2, Y3;        \
	VSUBPD       Y14, Y3, Y5;        \
	VFNMADD231PD Y12, Y5, Y2;        \
	VFNMADD231PD Y11, Y5, Y2;        \
	VMOVAPD      Y9, Y4;             \
	VFMADD213PD  Y8, Y2, Y4;         \
	VFMADD213PD  EXP9, Y2, Y4;       \
	VFMADD213PD  EXP8, Y2, Y4;       \
	VFMADD213PD  EXP7, Y2, Y4;       \
	VFMADD213PD  EXP6, Y2, Y4;       \
	VFMADD213PD  EXP5, Y2, Y4;       \
	VFMADD213PD  EXP4, Y2, Y4;       \
	VFMADD213PD  EXP3, Y2, Y4;       \
	VFMADD213PD  EXP2, Y2, Y4;       \
	VFMADD213PD  Y10, Y2, Y4;        \
	VFMADD213PD  Y10, Y2, Y4;        \
	VPSLLQ       $52, Y3, Y3;        \
	VMULPD       Y3, Y4, Y4;         \
	VANDPD       Y6, Y4, Y4

// func sumAVX2(s *lanes, x *float32, n int, top float64)
TEXT ·sumAVX2(SB), NOSPLIT, $0-32
	MOVQ s+0(FP), AX
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSD top+24(FP), Y7
	VMOVUPD (AX), Y0
	VMOVUPD 32(AX), Y1
	CONSTANTS

sumLoop:
	EXP((SI))
	VADDPD Y4, Y0, Y0
	EXP(16(SI))
	VADDPD Y4, Y1, Y1
	ADDQ $32, SI
	DECQ CX
	JNZ  sumLoop
	VMOVUPD Y0, (AX)
	VMOVUPD Y1, 32(AX)
	VZEROUPPER
	RET

// func expsAVX2(s *lanes, e *float64, x *float32, n int, top float64)
TEXT ·expsAVX2(SB), NOSPLIT, $0-40
	MOVQ s+0(FP), AX
	MOVQ e+8(FP), DI
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
	VBROADCASTSD top+32(FP), Y7
	VMOVUPD (AX), Y0
	VMOVUPD 32(AX), Y1
	CONSTANTS

expsLoop:
	EXP((SI))
	VMOVUPD Y4, (DI)
	VADDPD Y4, Y0, Y0
	EXP(16(SI))
	VMOVUPD Y4, 32(DI)
	VADDPD Y4, Y1, Y1
	ADDQ $32, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  expsLoop
	VMOVUPD Y0, (AX)
	VMOVUPD Y1, 32(AX)
	VZEROUPPER
	RET

// TERM adds e (p - q + Y7) to sum where e is above Y6.
#define TERM(e, p, q, sum) \
	VMOVUPD   e, Y2;              \
	VCVTPS2PD p, Y3;              \
	VCVTPS2PD q, Y4;              \
	VSUBPD    Y4, Y3, Y3;         \
	VADDPD    Y7, Y3, Y3;         \
	VCMPPD    $0x1e, Y6, Y2, Y5;  \
	VMULPD    Y3, Y2, Y2;         \
	VANDPD    Y5, Y2, Y2;         \
	VADDPD    Y2, sum, sum

// func divergenceAVX2(s *lanes, e *float64, p, q *float32, n int, shift, least float64)
TEXT ·divergenceAVX2(SB), NOSPLIT, $0-56
	MOVQ s+0(FP), AX
	MOVQ e+8(FP), DI
	MOVQ p+16(FP), SI
	MOVQ q+24(FP), DX
	MOVQ n+32(FP), CX
	VBROADCASTSD shift+40(FP), Y7
	VBROADCASTSD least+48(FP), Y6
	VMOVUPD (AX), Y0
	VMOVUPD 32(AX), Y1

divergenceLoop:
	TERM((DI), (SI), (DX), Y0)
	TERM(32(DI), 16(SI), 16(DX), Y1)
	ADDQ $64, DI
	ADDQ $32, SI
	ADDQ $32, DX
	DECQ CX
	JNZ  divergenceLoop
	VMOVUPD Y0, (AX)
	VMOVUPD Y1, 32(AX)
	VZEROUPPER
	RET

// func aboveAVX2(x *float32, n int, bound float32) int
TEXT ·aboveAVX2(SB), NOSPLIT, $0-32
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	VBROADCASTSS bound+16(FP), Y0
	XORQ AX, AX

aboveLoop:
	VCMPPS $0x11, (SI), Y0, Y1 // bound is less
	VCMPPS $0x11, 32(SI), Y0, Y2
	VCMPPS $0x11, 64(SI), Y0, Y3
	VCMPPS $0x11, 96(SI), Y0, Y4
	VORPS Y2, Y1, Y1
	VORPS Y4, Y3, Y3
	VORPS Y3, Y1, Y1
	VTESTPS Y1, Y1
	JNZ  aboveEnd
	ADDQ $128, SI
	INCQ AX
	CMPQ AX, CX
	JLT  aboveLoop

aboveEnd:
	MOVQ AX, ret+24(FP)
	VZEROUPPER
	RET
