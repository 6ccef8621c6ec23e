//go:build gc && !noasm && !purego

#include "textflag.h"
#include "amx_amd64.h"

// func productBF16AMX(a *byte)
// A is rows of 16 (tokens), B panels of 16 columns; R9 and R10 are the results and A of 32 rows, R12 and R13 the results and B
// of 32 columns of these.
TEXT ·productBF16AMX(SB), NOSPLIT, $0-8
	MOVQ a+0(FP), R8
	LEAQ 128(R8), DI
	LDTILECFG_DI
	MOVQ 0(R8), R9
	MOVQ 16(R8), R10
	MOVQ 64(R8), R11

rows:
	MOVQ R9, R12
	MOVQ 32(R8), R13
	MOVQ 72(R8), CX
	MOVQ CX, 80(R8)

columns:
	MOVQ R12, SI
	MOVQ 8(R8), DX
	MOVQ DX, DI
	SHLQ $4, DI
	ADDQ SI, DI
	CMPQ 56(R8), $0
	JEQ  load
	ZERO0
	ZERO1
	ZERO2
	ZERO3
	JMP  begin

load:
	LOAD0
	LOAD1
	LOAD2
	LOAD3

begin:
	MOVQ R10, SI
	MOVQ 24(R8), DI
	ADDQ SI, DI
	MOVQ R13, BX
	MOVQ 40(R8), AX
	ADDQ BX, AX
	MOVQ $64, CX
	MOVQ $64, DX
	MOVQ 48(R8), R15

steps:
	LOAD4
	LOAD6
	LOAD7
	DOT0
	LOAD5
	DOT1
	DOT2
	DOT3
	ADDQ $1024, SI
	ADDQ $1024, DI
	ADDQ $1024, BX
	ADDQ $1024, AX
	DECQ R15
	JNZ  steps

	MOVQ R12, SI
	MOVQ 8(R8), DX
	MOVQ DX, DI
	SHLQ $4, DI
	ADDQ SI, DI
	STORE0
	STORE1
	STORE2
	STORE3
	ADDQ $128, R12
	MOVQ 40(R8), CX
	LEAQ (R13)(CX*2), R13
	DECQ 80(R8)
	JNZ  columns

	MOVQ 8(R8), DX
	SHLQ $5, DX
	ADDQ DX, R9
	MOVQ 24(R8), CX
	LEAQ (R10)(CX*2), R10
	DECQ R11
	JNZ  rows

	TILERELEASE
	RET
