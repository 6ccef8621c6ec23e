// What the decoders in assembly share: how registers are used, and the steps from encoded bytes to float32.

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

// BYTES broadcasts the constant c, a byte given four times or a dword, to Y.
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

// BITS spreads the 32 bits at mem to the bytes of Y2: 0xff for 1. Y13 and Y12 as set by BITSCONST.
#define BITS(mem) \
	VPBROADCASTD mem, Y2; \
	VPSHUFB Y13, Y2, Y2; \
	VPAND Y12, Y2, Y2; \
	VPCMPEQB Y12, Y2, Y2

#define BITSCONST \
	VMOVDQU spread<>(SB), Y13; \
	VPBROADCASTQ bits<>(SB), Y12

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
