package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// exactKernel is the kernel of exact computation in tiles (AMX) of one form: 16 rows of a panel with groups of 16 tokens. For
// each block of 32 columns the sums of high and of low parts leave the tiles through a buffer, and what follows is that of
// narrow kernels.
type exactKernel struct {
	*build.Context
	form
}

// Registers of it. Tiles 0 and 1 are the sums of high and of low parts, 2 and 3 activations, 4 codes.
var (
	exactArgs, exactAcc, exactCodes, exactD = reg.RDI, reg.RAX, reg.RBX, reg.RCX
	exactMin, exactX, exactXs, exactXsum    = reg.RDX, reg.RSI, reg.R8, reg.R9
	exactInit, exactBlocks, exactTokens     = reg.R10, reg.R11, reg.R12
	exactSums, exactScales, exactRow        = reg.R13, reg.R14, reg.R15
	exactPlaces                             = []reg.GPPhysical{exactCodes, exactD, exactMin, exactScales, exactX, exactXs, exactXsum, exactInit}
)

// Where exactArgs has them.
const (
	exactAccAt, exactPlacesAt, exactBlocksAt                = 0, 8, 72
	exactTokensAt, exactXStepAt, exactXsStepAt, exactSumsAt = 80, 88, 96, 104
	exactXOffsetAt, exactXsOffsetAt, exactConfigAt          = 112, 120, 128
)

// exactTable lists the kernels by form, those of narrow.
func exactTable() string {
	var b strings.Builder
	fmt.Fprintf(&b, "// exactKernels are the kernels by form, of those with one sub-block.\nvar exactKernels = [%d]func(a *byte){", len(narrowForms))
	for i, f := range narrowForms {
		if f.subs == 1 {
			fmt.Fprintf(&b, "%d: exact%sAMX, ", i, f.name)
		}
	}
	b.WriteString("}\n\n")
	return b.String()
}

func exactAMX(c *build.Context) {
	for _, f := range narrowForms {
		if f.subs == 1 {
			(&exactKernel{c, f}).write()
		}
	}
}

func (k *exactKernel) write() {
	name := "exact" + k.name + "AMX"
	k.Function(name)
	k.Attributes(attr.NOSPLIT)
	k.SignatureExpr("func(a *byte)")
	k.Doc(name + " is narrowGeneric for groups of 16 tokens; a is an exactArgs.")
	k.Pragma("noescape")
	k.Load(k.Param("a"), exactArgs)
	at := func(i int) operand.Mem { return operand.Mem{Base: exactArgs, Disp: i} }
	// LDTILECFG [RDI+128]
	k.bytes(0xc4, 0xe2, 0x78, 0x49, 0x87, exactConfigAt, 0, 0, 0)
	k.MOVQ(operand.I32(64), exactRow)
	k.MOVQ(at(exactAccAt), exactAcc)
	k.MOVQ(at(exactSumsAt), exactSums)
	k.MOVQ(at(exactTokensAt), exactTokens)
	k.MOVQ(operand.I32(0), at(exactXOffsetAt))
	k.MOVQ(operand.I32(0), at(exactXsOffsetAt))
	k.Label("tokens")
	for i, r := range exactPlaces {
		k.MOVQ(at(exactPlacesAt+8*i), r)
	}
	// Places of these tokens' activations, and of what is arranged like their scales. (The pointers in memory stay as they are:
	// the garbage collector looks at them.)
	k.ADDQ(at(exactXOffsetAt), exactX)
	k.ADDQ(at(exactXsOffsetAt), exactXs)
	k.ADDQ(at(exactXsOffsetAt), exactXsum)
	k.ADDQ(at(exactXsOffsetAt), exactInit)
	k.MOVQ(at(exactBlocksAt), exactBlocks)
	acc := z[:16]
	for c, v := range acc {
		k.VMOVUPS(operand.Mem{Base: exactAcc, Disp: 64 * c}, v)
	}
	// Products take long, and what is loaded may have to wait for what is stored before it: the products of a block are
	// begun before those of the last one are added, and stored after that.
	k.products()
	k.store()
	k.Label("block")
	k.CMPQ(exactBlocks, operand.Imm(1))
	k.JEQ(operand.LabelRef("last"))
	k.products()
	k.add(acc)
	k.store()
	k.DECQ(exactBlocks)
	k.JMP(operand.LabelRef("block"))
	k.Label("last")
	k.add(acc)
	for c, v := range acc {
		k.VMOVUPS(v, operand.Mem{Base: exactAcc, Disp: 64 * c})
	}
	k.ADDQ(operand.I32(1024), exactAcc)
	step := exactD // not in use here
	for _, i := range [][2]int{{exactXStepAt, exactXOffsetAt}, {exactXsStepAt, exactXsOffsetAt}} {
		k.MOVQ(at(i[0]), step)
		k.ADDQ(step, at(i[1]))
	}
	k.DECQ(exactTokens)
	k.JNZ(operand.LabelRef("tokens"))
	k.bytes(0xc4, 0xe2, 0x78, 0x49, 0xc0) // TILERELEASE
	k.VZEROUPPER()
	k.RET()
}

// products multiplies a block.
func (k *exactKernel) products() {
	k.tile(0x4b, 3, 2, exactX, 0)
	k.tile(0x4b, 3, 4, exactCodes, 0)
	k.bytes(0xc4, 0xe2, 0x7b, 0x49, 0xc0) // TILEZERO
	k.dot(0, 2, 4)
	k.tile(0x4b, 3, 3, exactX, 32)
	k.bytes(0xc4, 0xe2, 0x7b, 0x49, 0xc8)
	k.dot(1, 3, 4)
	k.ADDQ(operand.I32(1024), exactX)
	k.ADDQ(operand.I32(512), exactCodes)
}

// store moves the products to the buffer.
func (k *exactKernel) store() {
	k.tile(0x4b, 2, 0, exactSums, 0)
	k.tile(0x4b, 2, 1, exactSums, 1024)
}

// add adds the products in the buffer, times their scales.
func (k *exactKernel) add(acc []reg.VecPhysical) {
	d, min, scale := z[16], z[17], z[18]
	if k.scaled {
		k.VPMOVSXBD(operand.Mem{Base: exactScales}, scale)
		if k.float() {
			k.VCVTDQ2PS(scale, scale)
		}
	}
	k.VMOVUPS(operand.Mem{Base: exactD}, d)
	if k.minima > 0 {
		k.VMOVUPS(operand.Mem{Base: exactMin}, min)
	}
	for c, a := range acc {
		sum, factor := z[20+c%6*2], z[21+c%6*2]
		k.VPSLLD(operand.Imm(7), operand.Mem{Base: exactSums, Disp: 64 * c}, sum)
		k.VPADDD(operand.Mem{Base: exactSums, Disp: 1024 + 64*c}, sum, sum)
		if k.minima == 0 {
			k.VPADDD_BCST(operand.Mem{Base: exactInit, Disp: 4 * c}, sum, sum)
		}
		if k.scaled && !k.float() {
			k.VPMULLD(scale, sum, sum)
		}
		k.VCVTDQ2PS(sum, sum)
		if k.scaled && k.float() {
			k.VMULPS(scale, sum, sum)
		}
		k.VMULPS_BCST(operand.Mem{Base: exactXs, Disp: 4 * c}, d, factor)
		k.VFMADD231PS(sum, factor, a)
		if k.minima > 0 {
			k.VFMADD231PS_BCST(operand.Mem{Base: exactXsum, Disp: 4 * c}, min, a)
		}
	}
	k.ADDQ(operand.I32(64), exactD)
	k.ADDQ(operand.I32(64), exactXs)
	if k.minima > 0 {
		k.ADDQ(operand.I32(64), exactMin)
		k.ADDQ(operand.I32(64), exactXsum)
	} else {
		k.ADDQ(operand.I32(64), exactInit)
	}
	if k.scaled {
		k.ADDQ(operand.I32(16), exactScales)
	}
}

// float says that sums times sub-scales are computed as floats: where the sum of 32 columns is below 2^24, as with codes of at
// most 5 bits, it is a float32, and its product with a sub-scale is rounded once like the integer would be. Formats with
// minima have such codes.
func (k *exactKernel) float() bool { return k.minima == 1 }

// tile writes the instruction that loads tile t from rows of 64 bytes, or stores it there.
func (k *exactKernel) tile(opcode, prefix, t uint8, base reg.GPPhysical, disp int) {
	b := uint8(base.PhysicalIndex())
	const index = 15 // exactRow
	k.bytes(0xc4, 1<<7|0<<6|(b>>3^1)<<5|2, 0x78|prefix, opcode, 2<<6|t<<3|4, index&7<<3|b&7)
	k.put("LONG", operand.U32(uint32(disp)))
}

// dot writes TDPBSUD: tile sum += activations * codes.
func (k *exactKernel) dot(sum, activations, codes uint8) {
	k.bytes(0xc4, 0xe2, (codes^15)<<3|2, 0x5e, 3<<6|sum<<3|activations)
}

func (k *exactKernel) bytes(code ...uint8) {
	for _, b := range code {
		k.put("BYTE", operand.U8(b))
	}
}

func (k *exactKernel) put(directive string, v operand.Op) {
	k.Instruction(&ir.Instruction{Opcode: directive, Operands: []operand.Op{v}})
}
