//go:build gc && !noasm && !purego

#include "textflag.h"
#include "amx_amd64.h"

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

#define NEXT(loop) \
	ADDQ $1024, SI;         \
	ADDQ $1024, DI;         \
	ADDQ $1024, BX;         \
	ADDQ $1024, AX;         \
	DECQ R9;                \
	JNZ  loop

// GROUPS loads the configuration and begins a loop over groups of 32 tokens: R10 counts them, R11 and R12 are their results, R13
// and R15 their activations. Less than 17 tokens are the only group.
#define GROUPS \
	MOVQ a+0(FP), R8;       \
	LEAQ 64(R8), DI;        \
	LDTILECFG_DI;           \
	MOVQ 0(R8), R11;        \
	MOVQ 16(R8), R12;       \
	MOVQ 24(R8), R13;       \
	MOVQ 32(R8), R15;       \
	MOVQ 128(R8), R10

#define GROUP_RESULTS \
	MOVQ R11, SI;           \
	MOVQ 8(R8), DX;         \
	MOVQ R12, DI

#define GROUP_OPERANDS \
	MOVQ R13, SI;           \
	MOVQ R15, DI;           \
	MOVQ 40(R8), BX;        \
	MOVQ 48(R8), AX;        \
	ADDQ BX, AX;            \
	MOVQ 56(R8), R9;        \
	MOVQ $64, CX;           \
	MOVQ $64, DX

#define NEXT_GROUP(loop) \
	ADDQ 136(R8), R11;      \
	ADDQ 136(R8), R12;      \
	ADDQ 144(R8), R13;      \
	ADDQ 144(R8), R15;      \
	DECQ R10;               \
	JNZ  loop

// func tiles22AMX(a *byte)
TEXT ·tiles22AMX(SB), NOSPLIT, $0-8
	GROUPS

group:
	GROUP_RESULTS
	LOAD0
	LOAD1
	LOAD2
	LOAD3
	GROUP_OPERANDS

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
	GROUP_RESULTS
	STORE0
	STORE1
	STORE2
	STORE3
	NEXT_GROUP(group)
	TILERELEASE
	RET

// func tiles21AMX(a *byte)
TEXT ·tiles21AMX(SB), NOSPLIT, $0-8
	GROUPS

group:
	GROUP_RESULTS
	LOAD0
	LOAD2
	GROUP_OPERANDS

loop:
	LOAD4
	LOAD6
	LOAD5
	DOT0
	DOT2
	NEXT(loop)
	GROUP_RESULTS
	STORE0
	STORE2
	NEXT_GROUP(group)
	TILERELEASE
	RET

// func tiles12AMX(a *byte)
TEXT ·tiles12AMX(SB), NOSPLIT, $0-8
	GROUPS
	GROUP_RESULTS
	LOAD0
	LOAD1
	GROUP_OPERANDS

loop:
	LOAD4
	LOAD6
	LOAD7
	DOT0
	DOT1
	NEXT(loop)
	GROUP_RESULTS
	STORE0
	STORE1
	TILERELEASE
	RET

// func tiles11AMX(a *byte)
TEXT ·tiles11AMX(SB), NOSPLIT, $0-8
	GROUPS
	GROUP_RESULTS
	LOAD0
	GROUP_OPERANDS

loop:
	LOAD4
	LOAD6
	DOT0
	NEXT(loop)
	GROUP_RESULTS
	STORE0
	TILERELEASE
	RET
