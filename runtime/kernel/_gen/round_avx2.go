package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// roundAVX2 writes what roundAVX512 does, but for high and low parts, which no kernel of this tier takes.
func roundAVX2(c *build.Context) {
	data := func(name string, values ...uint64) operand.Mem {
		m := c.StaticGlobal(name)
		c.DataAttributes(attr.RODATA | attr.NOPTR)
		for i, v := range values {
			c.AddDatum(8*i, operand.U64(v))
		}
		return m
	}
	pairs := data("pairs", 0x0706_0302_0504_0100, 0x0f0e_0b0a_0d0c_0908, 0x0706_0302_0504_0100, 0x0f0e_0b0a_0d0c_0908)
	lanes := data("lanes", 4<<32|0, 5<<32|1, 6<<32|2, 7<<32|3)
	roundHalves(c, "roundWide", 127*128, "(bytes *int16, row, scales *float32, sums *int32, blocks int)", func(dst reg.Register, v [4]reg.VecVirtual) int {
		for i := 0; i < 4; i += 2 {
			words := c.YMM()
			c.VPACKSSDW(v[i+1], v[i], words)
			c.VPERMQ(operand.Imm(0xd8), words, words)
			c.VPSHUFB(pairs, words, words) // of four words 0 2 1 3
			c.VMOVDQU(words, operand.Mem{Base: dst, Disp: 16 * i})
		}
		return 64
	})
	roundHalves(c, "roundBytes", 127, "(bytes *int8, row, scales *float32, sums *int32, blocks int)", func(dst reg.Register, v [4]reg.VecVirtual) int {
		a, b, order := c.YMM(), c.YMM(), c.YMM()
		c.VPACKSSDW(v[1], v[0], a)
		c.VPACKSSDW(v[3], v[2], b)
		c.VPACKSSWB(b, a, a)
		c.VMOVDQU(lanes, order)
		c.VPERMD(a, order, a)
		c.VMOVDQU(a, operand.Mem{Base: dst})
		return 32
	})
}

func roundHalves(c *build.Context, name string, most float32, signature string, store func(dst reg.Register, v [4]reg.VecVirtual) int) {
	begin(c, name+"AVX2", signature, "is "+name+"Generic.")
	dst, row, scales, sums, n := param(c, "bytes"), param(c, "row"), param(c, "scales"), param(c, "sums"), param(c, "blocks")
	constant := func(v uint32) reg.VecVirtual {
		r, x, y := c.GP32(), c.XMM(), c.YMM()
		c.MOVL(operand.U32(v), r)
		c.VMOVD(r, x)
		c.VPBROADCASTD(x, y)
		return y
	}
	magnitude, largest := constant(1<<31-1), constant(math.Float32bits(most))
	finite, least, nan := constant(0x7f7fffff), constant(math.Float32bits(1e-30)), constant(0x7fc00000)
	c.Label("block")
	var v [4]reg.VecVirtual
	m, t := c.YMM(), c.YMM()
	for i := range v {
		v[i] = c.YMM()
		c.VMOVUPS(operand.Mem{Base: row, Disp: 32 * i}, v[i])
		if i == 0 {
			c.VPAND(magnitude, v[i], m)
		} else {
			c.VPAND(magnitude, v[i], t)
			c.VPMAXUD(t, m, m)
		}
	}
	c.VPERM2I128(operand.Imm(1), m, m, t)
	c.VPMAXUD(t, m, m)
	c.VPSHUFD(operand.Imm(0x4e), m, t)
	c.VPMAXUD(t, m, m)
	c.VPSHUFD(operand.Imm(0xb1), m, t)
	c.VPMAXUD(t, m, m)
	// m is the largest magnitude in every lane.
	infinite, invalid, scale, inverse := c.YMM(), c.YMM(), c.YMM(), c.YMM()
	c.VPCMPGTD(finite, m, infinite)
	c.VPCMPGTD(m, least, invalid)
	c.VPOR(infinite, invalid, invalid)
	c.VDIVPS(largest, m, scale)
	c.VDIVPS(m, largest, inverse)
	c.VPANDN(scale, invalid, scale)
	c.VPANDN(inverse, invalid, inverse)
	c.VBLENDVPS(infinite, nan, scale, scale)
	c.VMOVSS(scale.AsX(), operand.Mem{Base: scales})
	for i := range v {
		c.VMULPS(inverse, v[i], v[i])
		c.VCVTPS2DQ(v[i], v[i])
		c.VPANDN(v[i], invalid, v[i])
	}
	advance := store(dst, v)
	c.VPADDD(v[1], v[0], m)
	c.VPADDD(v[3], v[2], t)
	c.VPHADDD(t, m, m)
	c.VPHADDD(m, m, m)
	c.VEXTRACTI128(operand.Imm(1), m, t.AsX())
	c.VPADDD(t.AsX(), m.AsX(), m.AsX())
	c.VMOVQ(m.AsX(), operand.Mem{Base: sums})
	c.ADDQ(operand.I32(128), row)
	c.ADDQ(operand.I32(advance), dst)
	c.ADDQ(operand.I32(4), scales)
	c.ADDQ(operand.I32(8), sums)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("block"))
	end(c)
}
