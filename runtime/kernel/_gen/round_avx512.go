package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// roundAVX512 writes what rounds rows of activations. Blocks that hold an infinite element or NaN have codes of 0, and
// those of which the magnitude is below 1e-30 too.
func roundAVX512(c *build.Context) {
	order := c.StaticGlobal("pairOrder")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 4 {
		// Of four words 0 2 1 3.
		at := uint64(8 * (i % 2))
		v := (at | (at+1)<<8) | (at+4)<<16 | (at+5)<<24 | (at+2)<<32 | (at+3)<<40 | (at+6)<<48 | (at+7)<<56
		c.AddDatum(8*i, operand.U64(v))
	}
	round(c, "roundNarrow", 127*128, "(bytes *int8, row, scales *float32, sums *int32, blocks int)", func(dst reg.Register, a, b reg.VecVirtual) int {
		rounding := broadcast(c, 64)
		for i, v := range []reg.VecVirtual{a, b} {
			high, low := c.ZMM(), c.ZMM()
			c.VPADDD(rounding, v, high)
			c.VPSRAD(operand.Imm(7), high, high)
			c.VPSLLD(operand.Imm(7), high, low)
			c.VPSUBD(low, v, low)
			c.VPMOVDB(high, operand.Mem{Base: dst, Disp: 16 * i})
			c.VPMOVDB(low, operand.Mem{Base: dst, Disp: 32 + 16*i})
		}
		return 64
	})
	round(c, "roundWide", 127*128, "(bytes *int16, row, scales *float32, sums *int32, blocks int)", func(dst reg.Register, a, b reg.VecVirtual) int {
		for i, v := range []reg.VecVirtual{a, b} {
			words := c.YMM()
			c.VPMOVDW(v, words)
			c.VPSHUFB(order, words, words)
			c.VMOVDQU(words, operand.Mem{Base: dst, Disp: 32 * i})
		}
		return 64
	})
	round(c, "roundBytes", 127, "(bytes *int8, row, scales *float32, sums *int32, blocks int)", func(dst reg.Register, a, b reg.VecVirtual) int {
		for i, v := range []reg.VecVirtual{a, b} {
			c.VPMOVDB(v, operand.Mem{Base: dst, Disp: 16 * i})
		}
		return 32
	})
}

func round(c *build.Context, name string, most float32, signature string, store func(dst reg.Register, a, b reg.VecVirtual) int) {
	begin(c, name+"AVX512", signature, "is "+name+"Generic.")
	dst, row, scales, sums, n := param(c, "bytes"), param(c, "row"), param(c, "scales"), param(c, "sums"), param(c, "blocks")
	magnitude, largest := broadcast(c, 1<<31-1), broadcast(c, math.Float32bits(most))
	finite, least, nan := broadcast(c, 0x7f7fffff), broadcast(c, math.Float32bits(1e-30)), broadcast(c, 0x7fc00000)
	c.Label("block")
	a, b, m, t := c.ZMM(), c.ZMM(), c.ZMM(), c.ZMM()
	c.VMOVUPS(operand.Mem{Base: row}, a)
	c.VMOVUPS(operand.Mem{Base: row, Disp: 64}, b)
	c.VPANDD(magnitude, a, m)
	c.VPANDD(magnitude, b, t)
	c.VPMAXUD(t, m, m)
	everyLane(c, m, t, c.VPMAXUD)
	// m is the largest magnitude in every lane.
	valid, infinite := c.K(), c.K()
	c.VPCMPUD(operand.Imm(6), finite, m, infinite) // m > finite
	c.VPCMPUD(operand.Imm(5), least, m, valid)     // m >= least
	c.KANDNW(valid, infinite, valid)
	scale, inverse := c.ZMM(), c.ZMM()
	c.VDIVPS_Z(largest, m, valid, scale)
	c.VDIVPS_Z(m, largest, valid, inverse)
	c.VMOVAPS(nan, infinite, scale)
	c.VMOVSS(scale.AsX(), operand.Mem{Base: scales})
	for _, v := range []reg.VecVirtual{a, b} {
		c.VMULPS(inverse, v, v)
		c.VCVTPS2DQ_Z(v, valid, v)
	}
	advance := store(dst, a, b)
	// Sums of a in the lower half, of b in the upper.
	c.VSHUFI64X2(operand.Imm(0x44), b, a, m)
	c.VSHUFI64X2(operand.Imm(0xee), b, a, t)
	c.VPADDD(t, m, m)
	c.VSHUFI64X2(operand.Imm(0xb1), m, m, t)
	c.VPADDD(t, m, m)
	c.VPSHUFD(operand.Imm(0x4e), m, t)
	c.VPADDD(t, m, m)
	c.VPSHUFD(operand.Imm(0xb1), m, t)
	c.VPADDD(t, m, m)
	c.VMOVD(m.AsX(), operand.Mem{Base: sums})
	c.VEXTRACTI32X4(operand.Imm(2), m, t.AsX())
	c.VMOVD(t.AsX(), operand.Mem{Base: sums, Disp: 4})
	c.ADDQ(operand.I32(128), row)
	c.ADDQ(operand.I32(advance), dst)
	c.ADDQ(operand.I32(4), scales)
	c.ADDQ(operand.I32(8), sums)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("block"))
	end(c)
}

// everyLane joins all lanes of v, each of which gets the result.
func everyLane(c *build.Context, v, t reg.VecVirtual, join func(...operand.Op)) {
	c.VSHUFI64X2(operand.Imm(0x4e), v, v, t)
	join(t, v, v)
	c.VSHUFI64X2(operand.Imm(0xb1), v, v, t)
	join(t, v, v)
	c.VPSHUFD(operand.Imm(0x4e), v, t)
	join(t, v, v)
	c.VPSHUFD(operand.Imm(0xb1), v, t)
	join(t, v, v)
}
