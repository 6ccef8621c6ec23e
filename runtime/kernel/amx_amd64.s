//go:build gc && !noasm && !purego

#include "textflag.h"

// Go's assembler does not know AMX: the instructions are spelled out, VEX prefix, opcode, ModRM, SIB and displacement.
// Tiles 0 to 3 hold results (tokens x rows): 0 and 1 of the first 16 tokens and the first and the second panel, 2 and 3 of the
// next 16 tokens; 4 and 5 activations, 6 and 7 weights.

#define LDTILECFG_DI    BYTE $0xc4; BYTE $0xe2; BYTE $0x78; BYTE $0x49; BYTE $0x07
#define TILERELEASE     BYTE $0xc4; BYTE $0xe2; BYTE $0x78; BYTE $0x49; BYTE $0xc0

// Results at SI or DI, rows DX bytes apart; the second panel's 64 bytes behind the first's.
#define LOAD0  BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x4b; BYTE $0x04; BYTE $0x16
#define LOAD1  BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x4b; BYTE $0x4c; BYTE $0x16; BYTE $0x40
#define LOAD2  BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x4b; BYTE $0x14; BYTE $0x17
#define LOAD3  BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x4b; BYTE $0x5c; BYTE $0x17; BYTE $0x40
#define STORE0 BYTE $0xc4; BYTE $0xe2; BYTE $0x7a; BYTE $0x4b; BYTE $0x04; BYTE $0x16
#define STORE1 BYTE $0xc4; BYTE $0xe2; BYTE $0x7a; BYTE $0x4b; BYTE $0x4c; BYTE $0x16; BYTE $0x40
#define STORE2 BYTE $0xc4; BYTE $0xe2; BYTE $0x7a; BYTE $0x4b; BYTE $0x14; BYTE $0x17
#define STORE3 BYTE $0xc4; BYTE $0xe2; BYTE $0x7a; BYTE $0x4b; BYTE $0x5c; BYTE $0x17; BYTE $0x40

// Activations at SI and DI, weights at BX and AX, rows DX and CX bytes apart: 64.
#define LOAD4  BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x4b; BYTE $0x24; BYTE $0x16
#define LOAD5  BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x4b; BYTE $0x2c; BYTE $0x17
#define LOAD6  BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x4b; BYTE $0x34; BYTE $0x0b
#define LOAD7  BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x4b; BYTE $0x3c; BYTE $0x08

// TDPBF16PS: tile 0 += 4 * 6, 1 += 4 * 7, 2 += 5 * 6, 3 += 5 * 7.
#define DOT0   BYTE $0xc4; BYTE $0xe2; BYTE $0x4a; BYTE $0x5c; BYTE $0xc4
#define DOT1   BYTE $0xc4; BYTE $0xe2; BYTE $0x42; BYTE $0x5c; BYTE $0xcc
#define DOT2   BYTE $0xc4; BYTE $0xe2; BYTE $0x4a; BYTE $0x5c; BYTE $0xd5
#define DOT3   BYTE $0xc4; BYTE $0xe2; BYTE $0x42; BYTE $0x5c; BYTE $0xdd

// Activations of two steps ahead, which come from a farther cache.
#define AHEAD_SI \
	PREFETCHT0 2048(SI); \
	PREFETCHT0 2112(SI); \
	PREFETCHT0 2176(SI); \
	PREFETCHT0 2240(SI); \
	PREFETCHT0 2304(SI); \
	PREFETCHT0 2368(SI); \
	PREFETCHT0 2432(SI); \
	PREFETCHT0 2496(SI); \
	PREFETCHT0 2560(SI); \
	PREFETCHT0 2624(SI); \
	PREFETCHT0 2688(SI); \
	PREFETCHT0 2752(SI); \
	PREFETCHT0 2816(SI); \
	PREFETCHT0 2880(SI); \
	PREFETCHT0 2944(SI); \
	PREFETCHT0 3008(SI)

#define AHEAD_DI \
	PREFETCHT0 2048(DI); \
	PREFETCHT0 2112(DI); \
	PREFETCHT0 2176(DI); \
	PREFETCHT0 2240(DI); \
	PREFETCHT0 2304(DI); \
	PREFETCHT0 2368(DI); \
	PREFETCHT0 2432(DI); \
	PREFETCHT0 2496(DI); \
	PREFETCHT0 2560(DI); \
	PREFETCHT0 2624(DI); \
	PREFETCHT0 2688(DI); \
	PREFETCHT0 2752(DI); \
	PREFETCHT0 2816(DI); \
	PREFETCHT0 2880(DI); \
	PREFETCHT0 2944(DI); \
	PREFETCHT0 3008(DI)

// BEGIN loads the configuration and the place of the results, POINTERS that of the operands.
#define BEGIN \
	MOVQ a+0(FP), R8;       \
	LEAQ 64(R8), DI;        \
	LDTILECFG_DI;           \
	MOVQ 0(R8), SI;         \
	MOVQ 8(R8), DX;         \
	MOVQ 16(R8), DI

#define POINTERS \
	MOVQ 24(R8), SI;        \
	MOVQ 32(R8), DI;        \
	MOVQ 40(R8), BX;        \
	MOVQ 48(R8), R9;        \
	LEAQ 0(BX)(R9*1), AX;   \
	MOVQ 56(R8), R9;        \
	MOVQ $64, CX;           \
	MOVQ $64, DX

#define RESULTS \
	MOVQ 0(R8), SI;         \
	MOVQ 8(R8), DX;         \
	MOVQ 16(R8), DI

#define NEXT(loop) \
	ADDQ $1024, SI;         \
	ADDQ $1024, DI;         \
	ADDQ $1024, BX;         \
	ADDQ $1024, AX;         \
	DECQ R9;                \
	JNZ  loop

// func tiles22AMX(a *byte)
TEXT ·tiles22AMX(SB), NOSPLIT, $0-8
	BEGIN
	LOAD0
	LOAD1
	LOAD2
	LOAD3
	POINTERS

loop:
	LOAD4
	LOAD6
	LOAD7
	DOT0
	AHEAD_SI
	LOAD5
	DOT1
	DOT2
	AHEAD_DI
	DOT3
	NEXT(loop)
	RESULTS
	STORE0
	STORE1
	STORE2
	STORE3
	TILERELEASE
	RET

// func tiles21AMX(a *byte)
TEXT ·tiles21AMX(SB), NOSPLIT, $0-8
	BEGIN
	LOAD0
	LOAD2
	POINTERS

loop:
	LOAD4
	LOAD6
	LOAD5
	DOT0
	DOT2
	NEXT(loop)
	RESULTS
	STORE0
	STORE2
	TILERELEASE
	RET

// func tiles12AMX(a *byte)
TEXT ·tiles12AMX(SB), NOSPLIT, $0-8
	BEGIN
	LOAD0
	LOAD1
	POINTERS

loop:
	LOAD4
	LOAD6
	LOAD7
	DOT0
	DOT1
	NEXT(loop)
	RESULTS
	STORE0
	STORE1
	TILERELEASE
	RET

// func tiles11AMX(a *byte)
TEXT ·tiles11AMX(SB), NOSPLIT, $0-8
	BEGIN
	LOAD0
	POINTERS

loop:
	LOAD4
	LOAD6
	DOT0
	NEXT(loop)
	RESULTS
	STORE0
	TILERELEASE
	RET
