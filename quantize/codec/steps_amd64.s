//go:build amd64 && gc && !noasm && !purego

#include "textflag.h"

// func stepsAVX2(levels, x *float32, n int, iscale, lo float32, low, high uint32) (changed bool)
// See stepsGeneric. Elements are independent and no operation is fused, so the bits are the same.
TEXT ·stepsAVX2(SB), NOSPLIT, $0-41
	MOVQ levels+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS iscale+24(FP), Y0
	VBROADCASTSS lo+28(FP), Y1
	VBROADCASTSS low+32(FP), Y2  // also the bits of stepBias
	VBROADCASTSS high+36(FP), Y3
	VPXOR Y4, Y4, Y4

loop:
	VMOVUPS (SI), Y5
	VSUBPS  Y1, Y5, Y5
	VMULPS  Y0, Y5, Y5
	VADDPS  Y2, Y5, Y5
	VPMAXUD Y2, Y5, Y5
	VPMINUD Y3, Y5, Y5
	VPXOR   (DI), Y5, Y6
	VPOR    Y6, Y4, Y4
	VMOVDQU Y5, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JNE     loop

	VPTEST Y4, Y4
	SETNE  changed+40(FP)
	VZEROUPPER
	RET
