//go:build amd64 && gc && !noasm && !purego

#include "textflag.h"

// JOIN4 leaves in the low half of A the sums of the lanes of A, B, C and D, in the order
// ((0+1)+(2+3))+((4+5)+(6+7)). AX and BX are the low halves of A and B; B is used up.
#define JOIN4(A, B, C, D, AX, BX) \
	VHADDPS B, A, A; \
	VHADDPS D, C, C; \
	VHADDPS C, A, A; \
	VEXTRACTF128 $1, A, BX; \
	VADDPS BX, AX, AX

// func dot4Asm(dst, w *float32, stride uintptr, x *float32, k int)
TEXT ·dot4Asm(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DX
	MOVQ w+8(FP), DI
	MOVQ stride+16(FP), R9
	MOVQ x+24(FP), SI
	MOVQ k+32(FP), CX
	LEAQ (DI)(R9*2), R11
	ADDQ R9, R11
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7

dot4loop:
	VMOVUPS (SI), Y0
	VFMADD231PS (DI), Y0, Y4
	VFMADD231PS (DI)(R9*1), Y0, Y5
	VFMADD231PS (DI)(R9*2), Y0, Y6
	VFMADD231PS (R11), Y0, Y7
	ADDQ $32, SI
	ADDQ $32, DI
	ADDQ $32, R11
	SUBQ $8, CX
	JG   dot4loop

	JOIN4(Y4, Y5, Y6, Y7, X4, X5)
	VADDPS (DX), X4, X4
	VMOVUPS X4, (DX)
	VZEROUPPER
	RET

// func weightedSumAsm(dst, p *float32, n int, v *float32, stride uintptr, cols int)
TEXT ·weightedSumAsm(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DX
	MOVQ p+8(FP), R8
	MOVQ n+16(FP), R9
	MOVQ v+24(FP), DI
	MOVQ stride+32(FP), R10
	MOVQ cols+40(FP), CX

sum32:
	CMPQ CX, $32
	JL   sum8
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	MOVQ R8, SI
	MOVQ DI, R11
	MOVQ R9, BX

sum32row:
	VBROADCASTSS (SI), Y0
	VFMADD231PS (R11), Y0, Y4
	VFMADD231PS 32(R11), Y0, Y5
	VFMADD231PS 64(R11), Y0, Y6
	VFMADD231PS 96(R11), Y0, Y7
	ADDQ $4, SI
	ADDQ R10, R11
	DECQ BX
	JNZ  sum32row

	VMOVUPS Y4, (DX)
	VMOVUPS Y5, 32(DX)
	VMOVUPS Y6, 64(DX)
	VMOVUPS Y7, 96(DX)
	ADDQ $128, DX
	ADDQ $128, DI
	SUBQ $32, CX
	JMP  sum32

sum8:
	CMPQ CX, $8
	JL   sumdone
	VXORPS Y4, Y4, Y4
	MOVQ R8, SI
	MOVQ DI, R11
	MOVQ R9, BX

sum8row:
	VBROADCASTSS (SI), Y0
	VFMADD231PS (R11), Y0, Y4
	ADDQ $4, SI
	ADDQ R10, R11
	DECQ BX
	JNZ  sum8row

	VMOVUPS Y4, (DX)
	ADDQ $32, DX
	ADDQ $32, DI
	SUBQ $8, CX
	JMP  sum8

sumdone:
	VZEROUPPER
	RET
