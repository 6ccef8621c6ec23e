package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// nvfp4 writes the encoder of NVFP4, block by block: the scales of its four sub-blocks lie in a vector of four.
func nvfp4(t *tier) {
	b := t.encoder("encodeNVFP4", "NVFP4")
	borders := t.AllocLocal(7 * 16)
	magnitude := t.constant(1<<31 - 1)
	b.each(64, 36, func() {
		var most [4]reg.VecVirtual
		for s := range most {
			var v []reg.VecVirtual
			for i := 0; i < 16; i += t.lanes {
				v = append(v, t.and(magnitude, at(b.x, 64*s+4*i)))
			}
			most[s] = t.fold(t.VPMAXUD, v)
		}
		t.nvfp4Borders(t.four(most), at(b.dst, 0), borders)
		for s := range 4 {
			t.nvfp4Codes(at(b.x, 64*s), borders.Offset(4*s), at(b.dst, 4+8*s))
		}
	})
}

// four puts the lowest lanes side by side.
func (t *tier) four(v [4]reg.VecVirtual) reg.VecVirtual {
	a, c, d := t.XMM(), t.XMM(), t.XMM()
	t.VPUNPCKLDQ(v[1].AsX(), v[0].AsX(), a)
	t.VPUNPCKLDQ(v[3].AsX(), v[2].AsX(), c)
	t.VPUNPCKLQDQ(c, a, d)
	return d
}

// each4 is constant for vectors of four.
func (t *tier) each4(b uint32) operand.Mem { return t.table(fmt.Sprintf("four_%08x", b), b, b, b, b) }

// nvfp4Borders stores the scales, as bytes, for the largest magnitudes, and the borders between values, a vector each.
func (t *tier) nvfp4Borders(most reg.VecVirtual, scales, borders operand.Mem) {
	x := func(o op, a, b operand.Op) reg.VecVirtual {
		d := t.XMM()
		o(b, a, d)
		return d
	}
	float := func(f float32) operand.Mem { return t.each4(math.Float32bits(f)) }
	v := x(t.VDIVPS, most, float(6))
	// Normal ones are rounded at bit 20 of their bits, subnormal ones are integers.
	normal := t.XMM()
	t.VPSRLD(operand.Imm(20), x(t.VPADDD, v, t.each4(1<<19)), normal)
	normal = x(t.VPSUBD, normal, t.each4(120<<3))
	over := x(t.VPCMPGTD, normal, t.each4(0x77))
	t.VBLENDVPS(over, t.each4(0x7e), normal, normal)
	small := t.XMM()
	t.VCVTTPS2DQ(x(t.VADDPS, x(t.VMULPS, v, float(512)), float(0.5)), small)
	small = x(t.VPMINSD, small, t.each4(7))
	isNormal := x(t.VPCMPGTD, v, t.each4(math.Float32bits(0x1p-6)-1))
	code := t.XMM()
	t.VBLENDVPS(isNormal, normal, small, code)
	packed := x(t.VPACKUSDW, code, code)
	packed = x(t.VPACKUSWB, packed, packed)
	t.VMOVD(packed, scales)

	// Half of the scale, from the code: normal ones have their bits at bit 20.
	half, low := t.XMM(), t.XMM()
	t.VPSLLD(operand.Imm(20), code, half)
	half = x(t.VPADDD, half, t.each4(119<<23))
	t.VCVTDQ2PS(code, low)
	low = x(t.VMULPS, low, float(0x1p-10))
	subnormal := x(t.VPCMPGTD, t.load4(8), code)
	t.VBLENDVPS(subnormal, low, half, half)
	// With a scale of 0 nothing reaches a border.
	zero := t.XMM()
	t.VPXOR(zero, zero, zero)
	none := x(t.VPCMPEQD, code, zero)
	t.VPSRLD(operand.Imm(1), none, none) // the largest integer
	for i, f := range []float32{0.5, 1.5, 2.5, 3.5, 5, 7, 10} {
		t.VMOVUPS(x(t.VORPS, none, x(t.VMULPS, half, float(f))), borders.Offset(16*i))
	}
}

func (t *tier) load4(b uint32) reg.VecVirtual {
	d := t.XMM()
	t.VMOVUPS(t.each4(b), d)
	return d
}

// nvfp4Codes stores the codes of 16 elements: how many borders are below the magnitude, and the sign but for 0.
func (t *tier) nvfp4Codes(x, borders, dst operand.Mem) {
	var codes []reg.VecVirtual
	for i := 0; i < 16; i += t.lanes {
		m := x
		m.Disp += 4 * i
		v := t.load(m)
		a := t.and(v, t.constant(1<<31-1))
		sign := t.vec()
		t.VPSRLD(operand.Imm(28), v, sign)
		sign = t.and(sign, t.constant(8))
		var code reg.VecVirtual
		for j := range 7 {
			border := t.spread(borders.Offset(16 * j))
			var above mask
			if t.wide() {
				above = t.K()
				t.VPCMPGTD(border, a, above)
			} else {
				above = t.do(t.VPCMPGTD, a, border)
			}
			switch {
			case code == nil:
				code = t.where(above, t.or(sign, t.constant(1)))
			case t.wide():
				t.VPADDD(t.constant(1), code, above, code)
			default:
				t.VPSUBD(above, code, code)
			}
		}
		codes = append(codes, code)
	}
	// Elements j and j+8 share a byte.
	low, high := codes[0], t.YMM()
	if t.wide() {
		t.VEXTRACTI64X4(operand.Imm(1), codes[0], high)
	} else {
		high = codes[1]
	}
	t.VPSLLD(operand.Imm(4), high, high)
	bytes := t.YMM()
	t.VPOR(low.AsY(), high, bytes)
	upper, packed := t.XMM(), t.XMM()
	t.VEXTRACTI128(operand.Imm(1), bytes, upper)
	t.VPACKUSDW(upper, bytes.AsX(), packed)
	t.VPACKUSWB(packed, packed, packed)
	t.VMOVQ(packed, dst)
}
