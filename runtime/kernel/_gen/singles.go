package main

import (
	"fmt"
	"strings"

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
	add   int // with AVX2, see bytesForm

	codes, d, min, scales, subMins, x, xs, xsum, init reg.Register
	next                                              reg.Register // bytes to the next panel, whose scales are fetched ahead
	lane                                              reg.Register // the first row's, nil when a vector has all
	values                                            reg.VecVirtual
	mask4, mask2, mask1                               vec
	ds, mins                                          vec // scales of the super-block
	out                                               reg.Register
	acc                                               reg.VecVirtual // results, nil when they are in memory
}

// singles are the forms of the formats, and what the kernels of AVX2 for fast computation add.
var singles = []struct {
	single
	adds []int
}{
	{single{form: form{"", 1, 0, false}, bits: 1, table: true}, []int{8}},
	{single{form: form{"", 1, 0, false}, bits: 2}, []int{8}},
	{single{form: form{"", 1, 0, false}, bits: 4}, []int{8}},
	{single{form: form{"", 1, 0, false}, bits: 4, table: true}, []int{0}},
	{single{form: form{"", 1, 0, false}, bits: 4, table: true, bf16: true}, []int{4}},
	{single{form: form{"", 1, 0, false}, bits: 5}, []int{4}},
	{single{form: form{"", 1, 0, false}, bits: 8}, []int{0}},
	{single{form: form{"Min", 1, 1, false}, bits: 4}, []int{8}},
	{single{form: form{"Min", 1, 1, false}, bits: 5}, []int{4}},
	{single{form: form{"Half", 2, 0, false}, bits: 4, table: true, bf16: true}, []int{4}},
	{single{form: form{"Scaled", 1, 0, true}, bits: 3, table: true}, []int{4, 1}},
	{single{form: form{"Scaled", 1, 0, true}, bits: 4, table: true}, []int{4, 1, 0}},
	{single{form: form{"ScaledMin", 1, 1, true}, bits: 4}, []int{8}},
	{single{form: form{"ScaledMin", 1, 1, true}, bits: 5}, []int{4}},
	{single{form: form{"ScaledHalf", 2, 0, true}, bits: 3}, []int{4}},
	{single{form: form{"ScaledHalf", 2, 0, true}, bits: 3, table: true}, []int{4, 1}},
	{single{form: form{"ScaledHalf", 2, 0, true}, bits: 6}, []int{2}},
	{single{form: form{"ScaledHalfMin", 2, 2, true}, bits: 2}, []int{4}},
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
		return name + "Exact"
	}
	if s.wide() {
		return name + "Fast"
	}
	return fmt.Sprintf("%sFastAdd%d", name, s.add)
}

// each calls f for all kernels of a tier.
func eachSingle(t *tier, f func(s *single)) {
	for _, l := range singles {
		s := l.single
		s.tier, s.exact = t, true
		f(&s)
		adds := l.adds
		if t.wide() {
			adds = []int{0}
		}
		for _, add := range adds {
			s := l.single
			s.tier, s.add = t, add
			f(&s)
		}
	}
}

// singlesTable writes the lists of these kernels.
func singlesTable() string {
	var b strings.Builder
	for _, t := range tiers(nil) {
		fmt.Fprintf(&b, "// singles%s are the kernels of one column, of exact and of fast computation.\nvar singles%s = map[singleForm]func(a *byte){\n", t.name, t.name)
		eachSingle(t, func(s *single) {
			fmt.Fprintf(&b, "\t{bits: %d, table: %t, bf16: %t, sub: %d, scaled: %t, minima: %t, fast: %t, add: %d}: %s%s,\n",
				s.bits, s.table, s.bf16, 32/s.subs, s.scaled, s.minima > 0, !s.exact, s.add, s.function(), t.name)
		})
		b.WriteString("}\n\n")
	}
	return b.String()
}

func singleColumns(t *tier) { eachSingle(t, (*single).write) }

func (s *single) write() {
	begin(s.Context, s.function()+s.tier.name, "(a *byte)", "is the products of a panel with one column; a is a singleArgs.")
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
		s.values = s.lookUp(load(80))
	}
	s.mask4, s.mask2, s.mask1 = s.masks(s.bits)
	if s.parts() > 1 {
		s.lane = s.GP64() // no register is left for next
	} else {
		s.next = load(112)
	}
	s.out = load(0)
	if s.wide() {
		s.acc = s.zero()
	} else {
		for i := range s.parts() {
			s.VMOVUPS(s.zero(), at(s.out, i*s.tier.width()))
		}
	}
	if s.scaled {
		s.supers(a, blocks)
	} else {
		s.Label("block")
		s.block()
		s.DECQ(blocks)
		s.JNZ(operand.LabelRef("block"))
	}
	if s.wide() {
		s.VMOVUPS(s.acc, at(s.out, 0))
	}
	s.end()
}

// supers goes over super-blocks.
func (s *single) supers(a, blocks reg.Register) {
	if !s.wide() {
		s.ds, s.mins = s.AllocLocal(64), s.AllocLocal(64)
	}
	n := s.GP64()
	s.SHRQ(operand.Imm(3), blocks)
	s.Label("super")
	factor := s.tier.vec()
	s.VBROADCASTSS(operand.Mem{Base: a, Disp: 96}, factor)
	for part := range s.parts() {
		half := at(s.d, part*s.tier.width()/2)
		d := s.mul(s.half(half), factor)
		var min reg.VecVirtual
		if s.minima > 0 {
			half.Base = s.min
			min = s.xor(s.half(half), s.tier.bits(1<<31))
		}
		if s.wide() {
			s.ds, s.mins = d, min
			continue
		}
		s.VMOVUPS(d, s.ds.(operand.Mem).Offset(32*part))
		if s.minima > 0 {
			s.VMOVUPS(min, s.mins.(operand.Mem).Offset(32*part))
		}
	}
	s.ADDQ(operand.Imm(32), s.d)
	if s.minima > 0 {
		s.ADDQ(operand.Imm(32), s.min)
	}
	s.MOVQ(operand.U32(8), n)
	s.Label("block")
	s.block()
	s.DECQ(n)
	s.JNZ(operand.LabelRef("block"))
	s.DECQ(blocks)
	s.JNZ(operand.LabelRef("super"))
}

// rows is the memory of this vector's rows in m, which has so many bytes of each row.
func (s *single) rows(m operand.Mem, bytes uint8) operand.Mem {
	if s.lane != nil {
		m.Index, m.Scale = s.lane, bytes
	}
	return m
}

// half loads halves.
func (s *single) half(m operand.Mem) reg.VecVirtual {
	v := s.tier.vec()
	if s.bf16 {
		s.VPMOVZXWD(m, v)
		s.VPSLLD(operand.Imm(16), v, v)
	} else {
		s.VCVTPH2PS(m, v)
	}
	return v
}

// scale is the bytes of rows at p as float32 times d, a scale of the super-block.
func (s *single) scale(p reg.Register, disp int, extend func(...operand.Op), d vec) reg.VecVirtual {
	v := s.tier.vec()
	extend(s.rows(at(p, disp), 1), v)
	s.VCVTDQ2PS(v, v)
	return s.mul(v, s.ofSuper(d))
}

// ofSuper is this vector's rows of ds or mins.
func (s *single) ofSuper(v vec) vec {
	if m, ok := v.(operand.Mem); ok {
		return s.rows(m, 4)
	}
	return v
}

// block adds the products of a block.
func (s *single) block() {
	for i := range s.bits {
		s.PREFETCHT0(at(s.codes, ahead+64*i))
	}
	if s.next != nil {
		for _, r := range []reg.Register{s.d, s.min, s.scales, s.subMins} {
			if r != nil {
				s.PREFETCHT0(operand.Mem{Base: r, Index: s.next, Scale: 1})
			}
		}
	}
	if s.wide() {
		s.rowsOfBlock(s.acc)
	} else {
		s.XORQ(s.lane, s.lane)
		s.Label("rows")
		results := s.rows(at(s.out, 0), 4)
		acc := s.copy(results)
		s.rowsOfBlock(acc)
		s.VMOVUPS(acc, results)
		s.XORQ(operand.Imm(8), s.lane)
		s.JNZ(operand.LabelRef("rows"))
	}
	xStep := 32
	if s.exact {
		xStep = 64
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

// rowsOfBlock adds the products of the rows of a vector.
func (s *single) rowsOfBlock(acc reg.VecVirtual) {
	code := s.reader(s.bits, s.values, s.mask4, s.mask2, s.mask1, func(i int) vec { return s.rows(at(s.codes, 64*i), 4) })
	per := 8 / s.subs
	var total reg.VecVirtual
	for h := range s.subs {
		sum := s.sum(code, h, per)
		switch {
		case s.exact && s.scaled:
			scale := s.tier.vec()
			s.VPMOVSXBD(s.rows(at(s.scales, 16*h), 1), scale)
			s.VPMULLD(scale, sum, sum)
			if h > 0 {
				s.VPADDD(total, sum, sum)
			}
			total = sum
		case s.scaled:
			s.addScaled(sum, s.scale(s.scales, 16*h, s.VPMOVSXBD, s.ds), acc)
		default:
			s.addScaled(sum, s.half(s.rows(at(s.d, 32*h), 2)), acc)
		}
	}
	if s.exact && s.scaled {
		s.addScaled(total, s.ofSuper(s.ds), acc)
	}
	for m := range s.minima {
		var min reg.VecVirtual
		if s.scaled {
			min = s.scale(s.subMins, 16*m, s.VPMOVZXBD, s.mins)
		} else {
			min = s.half(s.rows(at(s.min, 0), 2))
		}
		sum := s.tier.vec()
		s.VBROADCASTSS(at(s.xsum, 4*m), sum)
		s.VFMADD231PS(sum, min, acc)
	}
}

// addScaled adds sum as float32 times the scale and the activations'.
func (s *single) addScaled(sum reg.VecVirtual, scale vec, acc reg.VecVirtual) {
	t := s.tier.vec()
	s.VCVTDQ2PS(sum, sum)
	s.VBROADCASTSS(at(s.xs, 0), t)
	s.VMULPS(scale, t, t)
	s.VFMADD231PS(sum, t, acc)
}

// sum is the sum of codes times activations of sub-block h.
func (s *single) sum(code func(g int) reg.VecVirtual, h, per int) reg.VecVirtual {
	switch {
	case s.wide():
		return s.sumVNNI(code, h, per)
	case s.exact:
		return s.sumWords(code, h, per)
	}
	return s.sumBytes(code, h, per)
}

// sumVNNI adds in two chains or four.
func (s *single) sumVNNI(code func(g int) reg.VecVirtual, h, per int) reg.VecVirtual {
	high, low := [2]reg.VecVirtual{s.ZMM(), s.ZMM()}, [2]reg.VecVirtual{s.ZMM(), s.ZMM()}
	s.VPBROADCASTD(at(s.init, 4*h), low[0])
	s.VPXORD(low[1], low[1], low[1])
	if s.exact {
		s.VPXORD(high[0], high[0], high[0])
		s.VPXORD(high[1], high[1], high[1])
	}
	for i := range per {
		q, disp := code(h*per+i), 4*(h*per+i)
		if s.exact {
			s.VPDPBUSD_BCST(at(s.x, disp), q, high[i%2])
			disp += 32
		}
		s.VPDPBUSD_BCST(at(s.x, disp), q, low[i%2])
	}
	s.VPADDD(low[1], low[0], low[0])
	if s.exact {
		s.VPADDD(high[1], high[0], high[0])
		s.VPSLLD(operand.Imm(7), high[0], high[0])
		s.VPADDD(high[0], low[0], low[0])
	}
	return low[0]
}
