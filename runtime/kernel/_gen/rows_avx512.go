package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// single is a kernel of one column: it unpacks codes in registers and takes the scales from the panel, so that memory is
// read while products are computed.
type single struct {
	*tier
	form
	bits  int
	table bool
	bf16  bool
	exact bool

	codes, d, min, scales, subMins, x, xs, xsum, init reg.Register
	values, mask4, mask2, mask1                       reg.VecVirtual
}

// singles are the forms of the formats.
var singles = []single{
	{form: form{"", 1, 0, false}, bits: 1, table: true},
	{form: form{"", 1, 0, false}, bits: 2},
	{form: form{"", 1, 0, false}, bits: 4},
	{form: form{"", 1, 0, false}, bits: 4, table: true},
	{form: form{"", 1, 0, false}, bits: 4, table: true, bf16: true},
	{form: form{"", 1, 0, false}, bits: 5},
	{form: form{"", 1, 0, false}, bits: 8},
	{form: form{"Min", 1, 1, false}, bits: 4},
	{form: form{"Min", 1, 1, false}, bits: 5},
	{form: form{"Half", 2, 0, false}, bits: 4, table: true, bf16: true},
	{form: form{"Scaled", 1, 0, true}, bits: 3, table: true},
	{form: form{"Scaled", 1, 0, true}, bits: 4, table: true},
	{form: form{"ScaledMin", 1, 1, true}, bits: 4},
	{form: form{"ScaledMin", 1, 1, true}, bits: 5},
	{form: form{"ScaledHalf", 2, 0, true}, bits: 3},
	{form: form{"ScaledHalf", 2, 0, true}, bits: 3, table: true},
	{form: form{"ScaledHalf", 2, 0, true}, bits: 6},
	{form: form{"ScaledHalfMin", 2, 2, true}, bits: 2},
}

func (s *single) function() string {
	name := fmt.Sprintf("single%s%d", s.form.name, s.bits)
	if s.table {
		name += "Table"
	}
	if s.bf16 {
		name += "BF16"
	}
	if s.exact {
		return name + "ExactAVX512"
	}
	return name + "FastAVX512"
}

// singlesTable writes the list of these kernels.
func singlesTable() string {
	var b strings.Builder
	b.WriteString("// singlesAVX512 are the kernels of one column, of exact and of fast computation.\nvar singlesAVX512 = map[singleForm][2]func(a *byte){\n")
	for _, s := range singles {
		s.exact = true
		exact := s.function()
		s.exact = false
		fmt.Fprintf(&b, "\t{bits: %d, table: %t, bf16: %t, sub: %d, scaled: %t, minima: %t}: {%s, %s},\n",
			s.bits, s.table, s.bf16, 32/s.subs, s.scaled, s.minima > 0, exact, s.function())
	}
	b.WriteString("}\n\n")
	return b.String()
}

func singlesAVX512(c *build.Context) {
	t := &tier{Context: c, name: "AVX512", lanes: 16}
	for _, s := range singles {
		for _, exact := range []bool{true, false} {
			k := s
			k.tier, k.exact = t, exact
			k.write()
		}
	}
}

func (s *single) write() {
	begin(s.Context, s.function(), "(a *byte)", "is the products of a panel with one column; a is a singleArgs.")
	a := param(s.Context, "a")
	load := func(at int) reg.Register {
		r := s.GP64()
		s.MOVQ(operand.Mem{Base: a, Disp: at}, r)
		return r
	}
	s.codes, s.d, s.x, s.xs, s.init = load(8), load(16), load(48), load(56), load(72)
	if s.minima > 0 {
		s.min, s.xsum = load(24), load(64)
	}
	if s.scaled {
		s.scales = load(32)
	}
	if s.scaled && s.minima > 0 {
		s.subMins = load(40)
	}
	blocks := load(88)
	if s.table {
		t := load(80)
		s.values = s.ZMM()
		s.VBROADCASTI32X4(operand.Mem{Base: t}, s.values)
	}
	low2, low1 := lowest(s.bits)
	if s.bits < 8 {
		if s.bits >= 4 {
			s.mask4 = broadcast(s.Context, 0x0f0f0f0f)
		}
		if s.bits&2 != 0 {
			s.mask2 = broadcast(s.Context, 0x03030303<<low2)
		}
		if s.bits&1 != 0 {
			s.mask1 = broadcast(s.Context, 0x01010101<<low1)
		}
	}
	acc := s.ZMM()
	s.VPXORD(acc, acc, acc)
	if s.scaled {
		s.supers(a, blocks, acc)
	} else {
		s.Label("block")
		s.block(acc, nil, nil)
		s.DECQ(blocks)
		s.JNZ(operand.LabelRef("block"))
	}
	out := s.GP64()
	s.MOVQ(operand.Mem{Base: a}, out)
	s.VMOVUPS(acc, operand.Mem{Base: out})
	end(s.Context)
}

// lowest returns the lowest bits of the planes of two bits and of one.
func lowest(bits int) (two, one int) {
	if bits >= 4 {
		two, one = 4, 4
	}
	return two, one + bits&2
}

// supers goes over super-blocks.
func (s *single) supers(a, blocks reg.Register, acc reg.VecVirtual) {
	factor, d := s.ZMM(), s.ZMM()
	s.VBROADCASTSS(operand.Mem{Base: a, Disp: 96}, factor)
	var min, sign reg.VecVirtual
	if s.minima > 0 {
		min, sign = s.ZMM(), broadcast(s.Context, 1<<31)
	}
	n := s.GP64()
	s.SHRQ(operand.Imm(3), blocks)
	s.Label("super")
	s.half(s.d, 0, d)
	s.VMULPS(factor, d, d)
	s.ADDQ(operand.Imm(32), s.d)
	if s.minima > 0 {
		s.half(s.min, 0, min)
		s.VPXORD(sign, min, min)
		s.ADDQ(operand.Imm(32), s.min)
	}
	s.MOVQ(operand.U32(8), n)
	s.Label("block")
	s.block(acc, d, min)
	s.DECQ(n)
	s.JNZ(operand.LabelRef("block"))
	s.DECQ(blocks)
	s.JNZ(operand.LabelRef("super"))
}

// half loads 16 halves.
func (s *single) half(p reg.Register, disp int, v reg.VecVirtual) {
	if s.bf16 {
		s.VPMOVZXWD(operand.Mem{Base: p, Disp: disp}, v)
		s.VPSLLD(operand.Imm(16), v, v)
	} else {
		s.VCVTPH2PS(operand.Mem{Base: p, Disp: disp}, v)
	}
}

// block adds the products of a block. d and min are the scales of the super-block, nil in formats without sub-scales.
func (s *single) block(acc, d, min reg.VecVirtual) {
	for i := range s.bits {
		s.PREFETCHT0(operand.Mem{Base: s.codes, Disp: ahead + 64*i})
	}
	groups := s.groups()
	per, xStep := 8/s.subs, 32
	if s.exact {
		xStep = 64
	}
	total := s.ZMM()
	for h := range s.subs {
		sum := s.sum(groups[h*per:(h+1)*per], h, per)
		if s.exact && s.scaled {
			scale := s.ZMM()
			s.VPMOVSXBD(operand.Mem{Base: s.scales, Disp: 16 * h}, scale)
			s.VPMULLD(scale, sum, sum)
			if h == 0 {
				total = sum
			} else {
				s.VPADDD(sum, total, total)
			}
			continue
		}
		scale := s.ZMM()
		switch {
		case s.scaled:
			s.VPMOVSXBD(operand.Mem{Base: s.scales, Disp: 16 * h}, scale)
			s.VCVTDQ2PS(scale, scale)
			s.VMULPS(d, scale, scale)
		default:
			s.half(s.d, 32*h, scale)
		}
		s.add(sum, scale, acc)
	}
	if s.exact && s.scaled {
		s.add(total, d, acc)
	}
	for i := range s.minima {
		m := s.ZMM()
		if s.scaled {
			s.VPMOVZXBD(operand.Mem{Base: s.subMins, Disp: 16 * i}, m)
			s.VCVTDQ2PS(m, m)
			s.VMULPS(min, m, m)
		} else {
			s.half(s.min, 0, m)
		}
		s.VFMADD231PS_BCST(operand.Mem{Base: s.xsum, Disp: 4 * i}, m, acc)
	}
	s.ADDQ(operand.I32(64*s.bits), s.codes)
	s.ADDQ(operand.I32(xStep), s.x)
	s.ADDQ(operand.Imm(4), s.xs)
	s.ADDQ(operand.I32(4*s.subs), s.init)
	if s.scaled {
		s.ADDQ(operand.I32(16*s.subs), s.scales)
	} else {
		s.ADDQ(operand.I32(32*s.subs), s.d)
	}
	if s.minima > 0 {
		s.ADDQ(operand.I32(4*s.minima), s.xsum)
		if s.scaled {
			s.ADDQ(operand.I32(16*s.minima), s.subMins)
		} else {
			s.ADDQ(operand.Imm(32), s.min)
		}
	}
}

// add adds sum as float32 times the scale and the activations'.
func (s *single) add(sum, scale, acc reg.VecVirtual) {
	t := s.ZMM()
	s.VCVTDQ2PS(sum, sum)
	s.VMULPS_BCST(operand.Mem{Base: s.xs}, scale, t)
	s.VFMADD231PS(sum, t, acc)
}

// sum is the sum of codes times activations of sub-block h, in two chains of additions or four.
func (s *single) sum(groups []func() reg.VecVirtual, h, per int) reg.VecVirtual {
	high, low := [2]reg.VecVirtual{s.ZMM(), s.ZMM()}, [2]reg.VecVirtual{s.ZMM(), s.ZMM()}
	s.VPBROADCASTD(operand.Mem{Base: s.init, Disp: 4 * h}, low[0])
	s.VPXORD(low[1], low[1], low[1])
	if s.exact {
		s.VPXORD(high[0], high[0], high[0])
		s.VPXORD(high[1], high[1], high[1])
	}
	for i, g := range groups {
		q, at := g(), 4*(h*per+i)
		if s.exact {
			s.VPDPBUSD_BCST(operand.Mem{Base: s.x, Disp: at}, q, high[i%2])
			at += 32
		}
		s.VPDPBUSD_BCST(operand.Mem{Base: s.x, Disp: at}, q, low[i%2])
	}
	s.VPADDD(low[1], low[0], low[0])
	if s.exact {
		s.VPADDD(high[1], high[0], high[0])
		s.VPSLLD(operand.Imm(7), high[0], high[0])
		s.VPADDD(high[0], low[0], low[0])
	}
	return low[0]
}

// groups returns what makes the codes of each group of the block.
func (s *single) groups() []func() reg.VecVirtual {
	plane := func(i int) reg.VecVirtual {
		v := s.ZMM()
		s.VMOVDQU32(operand.Mem{Base: s.codes, Disp: 64 * i}, v)
		return v
	}
	out := make([]func() reg.VecVirtual, 8)
	if s.bits == 8 {
		for g := range out {
			out[g] = func() reg.VecVirtual { return plane(g) }
		}
		return out
	}
	low2, low1 := lowest(s.bits)
	at := 0
	var p4 [4]reg.VecVirtual
	if s.bits >= 4 {
		for i := range p4 {
			p4[i] = plane(i)
		}
		at = 4
	}
	var p2 [2]reg.VecVirtual
	if s.bits&2 != 0 {
		p2[0], p2[1] = plane(at), plane(at+1)
		at += 2
	}
	var p1 reg.VecVirtual
	if s.bits&1 != 0 {
		p1 = plane(at)
	}
	for g := range out {
		out[g] = func() reg.VecVirtual {
			var v reg.VecVirtual
			if s.bits >= 4 {
				v = s.merge(v, s.shifted(p4[g%4], -g/4*4), s.mask4)
			}
			if s.bits&2 != 0 {
				v = s.merge(v, s.shifted(p2[g%2], low2-g/2*2), s.mask2)
			}
			if s.bits&1 != 0 {
				v = s.merge(v, s.shifted(p1, low1-g), s.mask1)
			}
			if s.table {
				d := s.ZMM()
				s.VPSHUFB(v, s.values, d)
				v = d
			}
			return v
		}
	}
	return out
}
