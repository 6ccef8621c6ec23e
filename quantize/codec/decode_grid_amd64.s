//go:build amd64 && gc && !noasm && !purego

#include "decode_amd64.h"

// The grid formats. R8 is the grid, 8 bytes a point: the level of each coordinate. Y14 turns levels into values,
// whole numbers; what they are parts of goes into the scales. Each loop first unpacks a super-block's numbers of
// points (index), scales and signs on the stack, then writes 32 elements at a time.

#define GRIDARGS(values) \
	ARGS; \
	MOVQ grid+24(FP), R8; \
	VBROADCASTI128 values<>(SB), Y14

// POINTS8 puts the values of four points of 8 coordinates into Y1; the numbers are read with op.
#define POINTS8(op, a, b, c, d) \
	op a, AX; \
	op b, BX; \
	op c, R9; \
	op d, R10; \
	VMOVQ (R8)(AX*8), X1; \
	VPINSRQ $1, (R8)(BX*8), X1, X1; \
	VMOVQ (R8)(R9*8), X2; \
	VPINSRQ $1, (R8)(R10*8), X2, X2; \
	VINSERTI128 $1, X2, Y1, Y1; \
	VPSHUFB Y1, Y14, Y1

// POINTS4 puts the values of four points of 4 coordinates into X.
#define POINTS4(op, a, b, c, d, X) \
	op a, AX; \
	op b, BX; \
	op c, R9; \
	op d, R10; \
	VMOVD (R8)(AX*8), X; \
	VPINSRD $1, (R8)(BX*8), X, X; \
	VPINSRD $2, (R8)(R9*8), X, X; \
	VPINSRD $3, (R8)(R10*8), X, X

// SIGNS negates the bytes of Y1 whose bit of the 32 at mem is set.
#define SIGNS(mem) \
	BITS(mem); \
	VPXOR Y2, Y1, Y1; \
	VPSUBB Y2, Y1, Y1

// EVEN completes seven signs in each byte of Y1 to eight, an even number of them set.
#define EVEN \
	VPSRLW $4, Y1, Y2; \
	VPXOR Y1, Y2, Y2; \
	VPSRLW $2, Y2, Y3; \
	VPXOR Y3, Y2, Y2; \
	VPSRLW $1, Y2, Y3; \
	VPXOR Y3, Y2, Y2; \
	VPSLLW $7, Y2, Y2; \
	VPBROADCASTD eighth<>(SB), Y3; \
	VPAND Y3, Y2, Y2; \
	VPOR Y2, Y1, Y1

// SEVENS spreads 4 times 7 bits of each dword of Y1 to its bytes.
#define SEVENS \
	VPBROADCASTD sevens<>+0(SB), Y3; \
	VPBROADCASTD sevens<>+4(SB), Y4; \
	VPAND Y3, Y1, Y2; \
	VPSLLD $2, Y1, Y1; \
	VPAND Y4, Y1, Y1; \
	VPOR Y2, Y1, Y1; \
	VPBROADCASTD sevens<>+8(SB), Y3; \
	VPBROADCASTD sevens<>+12(SB), Y4; \
	VPAND Y3, Y1, Y2; \
	VPSLLD $1, Y1, Y1; \
	VPAND Y4, Y1, Y1; \
	VPOR Y2, Y1, Y1

// HALVES turns the dwords s of Y into float32, d*(s+0.5)*f; d is Y0, f at mem.
#define HALVES(mem, Y) \
	VCVTDQ2PS Y, Y; \
	VBROADCASTSS parts<>+0(SB), Y2; \
	VADDPS Y2, Y, Y; \
	VMULPS Y0, Y, Y; \
	VBROADCASTSS mem, Y2; \
	VMULPS Y2, Y, Y

// NIBBLES16 spreads the 8 bytes at mem to 16 nibbles, the low one of a byte first, as dwords in Y3 and Y4.
#define NIBBLES16(mem) \
	VMOVQ mem, X3; \
	VPSRLW $4, X3, X4; \
	VPUNPCKLBW X4, X3, X3; \
	VPAND X15, X3, X3; \
	VPSRLDQ $8, X3, X4; \
	VPMOVZXBD X3, Y3; \
	VPMOVZXBD X4, Y4

#define SCALE(i) \
	VBROADCASTSS scales-96+4*(i)(SP), Y0; \
	VMOVAPS Y0, Y10

#define SCALES(i) \
	VBROADCASTSS scales-96+4*(i)(SP), Y0; \
	VBROADCASTSS scales-92+4*(i)(SP), Y10

DATA eighth<>+0(SB)/4, $0x80808080
GLOBL eighth<>(SB), RODATA|NOPTR, $4
DATA sevens<>+0(SB)/4, $0x00003fff
DATA sevens<>+4(SB)/4, $0x3fff0000
DATA sevens<>+8(SB)/4, $0x007f007f
DATA sevens<>+12(SB)/4, $0x7f007f00
GLOBL sevens<>(SB), RODATA|NOPTR, $16

// parts are 0.5, 0.25 and 0.125.
DATA parts<>+0(SB)/4, $0x3f000000
DATA parts<>+4(SB)/4, $0x3e800000
DATA parts<>+8(SB)/4, $0x3e000000
GLOBL parts<>(SB), RODATA|NOPTR, $12

// The values of the levels: 8 25 43; 4 12 20 28 36 44 52 62; 1 3 5 ... 15; -8 0 8 (eighths).
DATA iq2values<>+0(SB)/8, $0x00000000002b1908
DATA iq2values<>+8(SB)/8, $0
GLOBL iq2values<>(SB), RODATA|NOPTR, $16
DATA iq3xxsvalues<>+0(SB)/8, $0x3e342c241c140c04
DATA iq3xxsvalues<>+8(SB)/8, $0
GLOBL iq3xxsvalues<>(SB), RODATA|NOPTR, $16
DATA iq3svalues<>+0(SB)/8, $0x0f0d0b0907050301
DATA iq3svalues<>+8(SB)/8, $0
GLOBL iq3svalues<>(SB), RODATA|NOPTR, $16
DATA iq1values<>+0(SB)/8, $0x00000000000800f8
DATA iq1values<>+8(SB)/8, $0
GLOBL iq1values<>(SB), RODATA|NOPTR, $16

#define IQ2XXSSUB(i) \
	POINTS8(MOVBLZX, 2+8*(i)(SI), 3+8*(i)(SI), 4+8*(i)(SI), 5+8*(i)(SI)); \
	SIGNS(signs-32+4*(i)(SP)); \
	SCALE(i); \
	FLOATS; \
	STORE

// func decodeIQ2XXSAsm(dst *float32, src *byte, n int, grid *[8]uint8)
TEXT ·decodeIQ2XXSAsm(SB), NOSPLIT, $96-32
	GRIDARGS(iq2values)
	BITSCONST

iq2xxsloop:
	HALF((SI), X0, Y0)
	VMOVUPS 2(SI), Y1
	VMOVUPS 34(SI), Y2
	VSHUFPS $0xdd, Y2, Y1, Y1 // the odd dwords: signs and scales
	VPERMQ  $0xd8, Y1, Y1
	VPSRLD  $28, Y1, Y5
	HALVES(parts<>+4(SB), Y5)
	VMOVUPS Y5, scales-96(SP)
	SEVENS
	EVEN
	VMOVDQU Y1, signs-32(SP)
	IQ2XXSSUB(0)
	IQ2XXSSUB(1)
	IQ2XXSSUB(2)
	IQ2XXSSUB(3)
	IQ2XXSSUB(4)
	IQ2XXSSUB(5)
	IQ2XXSSUB(6)
	IQ2XXSSUB(7)
	NEXT(66, iq2xxsloop)

// INDEX8 puts the values of the points 4*i to 4*i+3 of index, words, into Y1.
#define INDEX8(i) \
	POINTS8(MOVWLZX, index-224+8*(i)(SP), index-222+8*(i)(SP), index-220+8*(i)(SP), index-218+8*(i)(SP))

// NIBBLESCALES stores d*(s+0.5)/4 of the 16 nibbles s at mem.
#define NIBBLESCALES(mem) \
	NIBBLES16(mem); \
	HALVES(parts<>+4(SB), Y3); \
	HALVES(parts<>+4(SB), Y4); \
	VMOVUPS Y3, scales-96(SP); \
	VMOVUPS Y4, scales-64(SP)

#define IQ2XSSUB(i) \
	INDEX8(i); \
	SIGNS(signs-32+4*(i)(SP)); \
	SCALES(2*(i)); \
	FLOATS; \
	STORE

// func decodeIQ2XSAsm(dst *float32, src *byte, n int, grid *[8]uint8)
TEXT ·decodeIQ2XSAsm(SB), NOSPLIT, $224-32
	GRIDARGS(iq2values)
	BITSCONST
	BYTES(0x0f0f0f0f, X15, Y15)
	BYTES(0x01ff01ff, X11, Y11)

iq2xsloop:
	HALF((SI), X0, Y0)
	NIBBLESCALES(66(SI))
	VMOVDQU 2(SI), Y1
	VMOVDQU 34(SI), Y2
	VPAND   Y11, Y1, Y3
	VPAND   Y11, Y2, Y4
	VMOVDQU Y3, index-224(SP)
	VMOVDQU Y4, index-192(SP)
	VPSRLW  $9, Y1, Y1
	VPSRLW  $9, Y2, Y2
	VPACKUSWB Y2, Y1, Y1
	VPERMQ  $0xd8, Y1, Y1
	EVEN
	VMOVDQU Y1, signs-32(SP)
	IQ2XSSUB(0)
	IQ2XSSUB(1)
	IQ2XSSUB(2)
	IQ2XSSUB(3)
	IQ2XSSUB(4)
	IQ2XSSUB(5)
	IQ2XSSUB(6)
	IQ2XSSUB(7)
	NEXT(74, iq2xsloop)

// iq2shigh multiplies so that bits 0-1, 2-3, 4-5, 6-7 of a word come to bits 8-9; iq2sspread repeats each of the
// dwords' lowest bytes in four words.
DATA iq2shigh<>+0(SB)/8, $0x0004001000400100
GLOBL iq2shigh<>(SB), RODATA|NOPTR, $8
DATA iq2sspread<>+0(SB)/8, $0x8000800080008000
DATA iq2sspread<>+8(SB)/8, $0x8008800880088008
GLOBL iq2sspread<>(SB), RODATA|NOPTR, $16

// IQ2SINDEX unpacks 16 numbers: low bytes, high bits.
#define IQ2SINDEX(low, high, at) \
	VPMOVZXBW low(SI), Y1; \
	VPMOVZXBQ high(SI), Y2; \
	VPSHUFB Y9, Y2, Y2; \
	VPMULLW Y8, Y2, Y2; \
	VPAND Y11, Y2, Y2; \
	VPOR Y2, Y1, Y1; \
	VMOVDQU Y1, at(SP)

#define IQ2SSUB(i) \
	INDEX8(i); \
	SIGNS(34+4*(i)(SI)); \
	SCALES(2*(i)); \
	FLOATS; \
	STORE

// func decodeIQ2SAsm(dst *float32, src *byte, n int, grid *[8]uint8)
TEXT ·decodeIQ2SAsm(SB), NOSPLIT, $224-32
	GRIDARGS(iq2values)
	BITSCONST
	BYTES(0x0f0f0f0f, X15, Y15)
	BYTES(0x03000300, X11, Y11)
	VBROADCASTI128 iq2sspread<>(SB), Y9
	VPBROADCASTQ iq2shigh<>(SB), Y8

iq2sloop:
	HALF((SI), X0, Y0)
	NIBBLESCALES(74(SI))
	IQ2SINDEX(2, 66, index-224)
	IQ2SINDEX(18, 70, index-192)
	IQ2SSUB(0)
	IQ2SSUB(1)
	IQ2SSUB(2)
	IQ2SSUB(3)
	IQ2SSUB(4)
	IQ2SSUB(5)
	IQ2SSUB(6)
	IQ2SSUB(7)
	NEXT(82, iq2sloop)

#define IQ3XXSSUB(i) \
	POINTS4(MOVBLZX, 6+8*(i)(SI), 7+8*(i)(SI), 8+8*(i)(SI), 9+8*(i)(SI), X2); \
	POINTS4(MOVBLZX, 2+8*(i)(SI), 3+8*(i)(SI), 4+8*(i)(SI), 5+8*(i)(SI), X1); \
	VINSERTI128 $1, X2, Y1, Y1; \
	VPSHUFB Y1, Y14, Y1; \
	SIGNS(signs-32+4*(i)(SP)); \
	SCALE(i); \
	FLOATS; \
	STORE

// func decodeIQ3XXSAsm(dst *float32, src *byte, n int, grid *[8]uint8)
TEXT ·decodeIQ3XXSAsm(SB), NOSPLIT, $96-32
	GRIDARGS(iq3xxsvalues)
	BITSCONST

iq3xxsloop:
	HALF((SI), X0, Y0)
	VMOVDQU 66(SI), Y1
	VPSRLD  $28, Y1, Y5
	HALVES(parts<>+0(SB), Y5)
	VMOVUPS Y5, scales-96(SP)
	SEVENS
	EVEN
	VMOVDQU Y1, signs-32(SP)
	IQ3XXSSUB(0)
	IQ3XXSSUB(1)
	IQ3XXSSUB(2)
	IQ3XXSSUB(3)
	IQ3XXSSUB(4)
	IQ3XXSSUB(5)
	IQ3XXSSUB(6)
	IQ3XXSSUB(7)
	NEXT(98, iq3xxsloop)

// wordbits holds one bit in each of 16 words.
DATA wordbits<>+0(SB)/8, $0x0008000400020001
DATA wordbits<>+8(SB)/8, $0x0080004000200010
DATA wordbits<>+16(SB)/8, $0x0800040002000100
DATA wordbits<>+24(SB)/8, $0x8000400020001000
GLOBL wordbits<>(SB), RODATA|NOPTR, $32

// IQ3SINDEX unpacks 16 numbers: low bytes, ninth bits.
#define IQ3SINDEX(low, high, at) \
	VPMOVZXBW low(SI), Y1; \
	VPBROADCASTW high(SI), Y2; \
	VPAND Y9, Y2, Y2; \
	VPCMPEQW Y9, Y2, Y2; \
	VPAND Y11, Y2, Y2; \
	VPOR Y2, Y1, Y1; \
	VMOVDQU Y1, at(SP)

#define IQ3SSUB(i) \
	POINTS4(MOVWLZX, index-216+16*(i)(SP), index-214+16*(i)(SP), index-212+16*(i)(SP), index-210+16*(i)(SP), X2); \
	POINTS4(MOVWLZX, index-224+16*(i)(SP), index-222+16*(i)(SP), index-220+16*(i)(SP), index-218+16*(i)(SP), X1); \
	VINSERTI128 $1, X2, Y1, Y1; \
	VPSHUFB Y1, Y14, Y1; \
	SIGNS(74+4*(i)(SI)); \
	SCALE(i); \
	FLOATS; \
	STORE

// func decodeIQ3SAsm(dst *float32, src *byte, n int, grid *[8]uint8)
TEXT ·decodeIQ3SAsm(SB), NOSPLIT, $224-32
	GRIDARGS(iq3svalues)
	BITSCONST
	BYTES(0x0f0f0f0f, X15, Y15)
	BYTES(0x01000100, X11, Y11)
	VMOVDQU wordbits<>(SB), Y9

iq3sloop:
	HALF((SI), X0, Y0)
	VMOVD   106(SI), X3
	VPSRLW  $4, X3, X4
	VPUNPCKLBW X4, X3, X3
	VPAND   X15, X3, X3
	VPADDB  X3, X3, X3
	VPMOVZXBD X3, Y3
	VPBROADCASTD one<>(SB), Y4
	VPADDD  Y4, Y3, Y3 // 1 + 2*scale
	VCVTDQ2PS Y3, Y3
	VMULPS  Y0, Y3, Y3
	VMOVUPS Y3, scales-96(SP)
	IQ3SINDEX(2, 66, index-224)
	IQ3SINDEX(18, 68, index-192)
	IQ3SINDEX(34, 70, index-160)
	IQ3SINDEX(50, 72, index-128)
	IQ3SSUB(0)
	IQ3SSUB(1)
	IQ3SSUB(2)
	IQ3SSUB(3)
	IQ3SSUB(4)
	IQ3SSUB(5)
	IQ3SSUB(6)
	IQ3SSUB(7)
	NEXT(110, iq3sloop)

DATA one<>+0(SB)/4, $1
GLOBL one<>(SB), RODATA|NOPTR, $4

// iq1bits multiplies so that bits 0-2, 3-5, 6-8 and 9-11 of a word come to bits 9-11.
DATA iq1bits<>+0(SB)/8, $0x0001000800400200
GLOBL iq1bits<>(SB), RODATA|NOPTR, $8

// IQ1PICK repeats the words of mem four times and moves three bits of each copy to bits 9-11 of Y2.
#define IQ1PICK(mem) \
	VPMOVZXWQ mem, Y2; \
	VPSHUFLW $0, Y2, Y2; \
	VPSHUFHW $0, Y2, Y2; \
	VPMULLW Y9, Y2, Y2

// IQ1SINDEX unpacks 16 numbers: low bytes, high bits.
#define IQ1SINDEX(low, high, at) \
	VPMOVZXBW low(SI), Y1; \
	IQ1PICK(high(SI)); \
	VPSRLW $1, Y2, Y2; \
	VPAND Y11, Y2, Y2; \
	VPOR Y2, Y1, Y1; \
	VMOVDQU Y1, at(SP)

#define IQ1SSUB(i) \
	INDEX8(i); \
	VPBROADCASTD shifts-32+4*(i)(SP), Y2; \
	VPADDB Y2, Y1, Y1; \
	SCALE(i); \
	FLOATS; \
	STORE

// func decodeIQ1SAsm(dst *float32, src *byte, n int, grid *[8]uint8)
TEXT ·decodeIQ1SAsm(SB), NOSPLIT, $224-32
	GRIDARGS(iq1values)
	BYTES(0x07000700, X11, Y11)
	VPBROADCASTQ iq1bits<>(SB), Y9
	BYTES(0x01010101, X8, Y8)
	BYTES(0x00000001, X7, Y7)
	BYTES(0x0000000e, X13, Y13)

iq1sloop:
	HALF((SI), X0, Y0)
	VPMOVZXWD 34(SI), Y3
	VPSLLD  $16, Y3, Y4 // the sign bit: a shift of -1/8
	VPSRAD  $31, Y4, Y4
	VPOR    Y8, Y4, Y4 // four bytes of 1 or -1
	VMOVDQU Y4, shifts-32(SP)
	VPSRLD  $11, Y3, Y3
	VPAND   Y13, Y3, Y3
	VPOR    Y7, Y3, Y3 // 2*scale + 1
	VCVTDQ2PS Y3, Y3
	VMULPS  Y0, Y3, Y3
	VBROADCASTSS parts<>+8(SB), Y2
	VMULPS  Y2, Y3, Y3
	VMOVUPS Y3, scales-96(SP)
	IQ1SINDEX(2, 34, index-224)
	IQ1SINDEX(18, 42, index-192)
	IQ1SSUB(0)
	IQ1SSUB(1)
	IQ1SSUB(2)
	IQ1SSUB(3)
	IQ1SSUB(4)
	IQ1SSUB(5)
	IQ1SSUB(6)
	IQ1SSUB(7)
	NEXT(50, iq1sloop)

// iq1mspread repeats the lowest byte of each of four words eight times.
DATA iq1mspread<>+0(SB)/8, $0x0000000000000000
DATA iq1mspread<>+8(SB)/8, $0x0202020202020202
DATA iq1mspread<>+16(SB)/8, $0x0404040404040404
DATA iq1mspread<>+24(SB)/8, $0x0606060606060606
GLOBL iq1mspread<>(SB), RODATA|NOPTR, $32

// IQ1MINDEX unpacks 16 numbers and shifts: low bytes, and nibbles of 3 high bits and a shift.
#define IQ1MINDEX(low, high, at, shifts) \
	VPMOVZXBW low(SI), Y1; \
	VPMOVZXBD high(SI), Y2; \
	VPSLLD $8, Y2, Y3; \
	VPSLLD $20, Y2, Y2; \
	VPOR Y3, Y2, Y2; \
	VPAND Y11, Y2, Y3; \
	VPOR Y3, Y1, Y1; \
	VMOVDQU Y1, at(SP); \
	VPAND Y12, Y2, Y2; \
	VPCMPEQW Y12, Y2, Y2; \
	VPOR Y8, Y2, Y2; \
	VMOVDQU Y2, shifts(SP)

#define IQ1MSUB(i) \
	INDEX8(i); \
	VPBROADCASTQ shifts-160+8*(i)(SP), Y2; \
	VPSHUFB Y13, Y2, Y2; \
	VPADDB Y2, Y1, Y1; \
	SCALES(2*(i)); \
	FLOATS; \
	STORE

// IQ1MSCALE turns the eight scales, words of X, into float32 in Y.
#define IQ1MSCALE(X, Y) \
	VPMOVZXWD X, Y; \
	VCVTDQ2PS Y, Y; \
	VMULPS Y0, Y, Y; \
	VMULPS Y10, Y, Y

// func decodeIQ1MAsm(dst *float32, src *byte, n int, grid *[8]uint8)
TEXT ·decodeIQ1MAsm(SB), NOSPLIT, $224-32
	GRIDARGS(iq1values)
	BYTES(0x07000700, X11, Y11)
	BYTES(0x08000800, X12, Y12)
	VMOVDQU iq1mspread<>(SB), Y13
	VPBROADCASTQ iq1bits<>(SB), Y9
	BYTES(0x01010101, X8, Y8)
	BYTES(0x00010001, X7, Y7)
	BYTES(0x000e000e, X15, Y15)

iq1mloop:
	// d is in the highest nibbles of four words, its lowest nibble first.
	MOVQ 48(SI), AX
	MOVQ AX, BX
	SHRQ $12, BX
	ANDL $0x000f, BX
	MOVQ AX, R9
	SHRQ $24, R9
	ANDL $0x00f0, R9
	ORL  R9, BX
	MOVQ AX, R9
	SHRQ $36, R9
	ANDL $0x0f00, R9
	ORL  R9, BX
	SHRQ $48, AX
	ANDL $0xf000, AX
	ORL  AX, BX
	VMOVD BX, X0
	VCVTPH2PS X0, X0
	VBROADCASTSS X0, Y0
	VBROADCASTSS parts<>+8(SB), Y10

	IQ1PICK(48(SI))
	VPSRLW $8, Y2, Y2
	VPAND  Y15, Y2, Y2
	VPOR   Y7, Y2, Y2 // 2*scale + 1
	IQ1MSCALE(X2, Y3)
	VEXTRACTI128 $1, Y2, X2
	IQ1MSCALE(X2, Y4)
	VMOVUPS Y3, scales-96(SP)
	VMOVUPS Y4, scales-64(SP)
	IQ1MINDEX(0, 32, index-224, shifts-160)
	IQ1MINDEX(16, 40, index-192, shifts-128)
	IQ1MSUB(0)
	IQ1MSUB(1)
	IQ1MSUB(2)
	IQ1MSUB(3)
	IQ1MSUB(4)
	IQ1MSUB(5)
	IQ1MSUB(6)
	IQ1MSUB(7)
	NEXT(56, iq1mloop)
