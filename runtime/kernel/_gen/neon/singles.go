package neon

import "fmt"

// single is a kernel of one column: it makes codes in registers and takes the scales from the panel, so that memory is read
// while products are computed.
type single struct {
	*asm
	form
	bits        int
	table, bf16 bool
	exact       bool

	codes, dFrom, minFrom, scales, subMins, x, xs, xsum, init reg
	planes                                                    *planes
	acc, d, min                                               []int // of 16 rows
	in                                                        []int // activations: high, then low
	xScale, sums                                              int   // of the block
	inits, q                                                  []int
	parts                                                     []int // planes of four rows
	high, low, total, t0, t1                                  int
	mask                                                      int
}

// singles are the forms of the formats.
var singles = []single{
	{form: form{"", 1, 0, false, false}, bits: 1, table: true},
	{form: form{"", 1, 0, false, false}, bits: 2},
	{form: form{"", 1, 0, false, false}, bits: 4},
	{form: form{"", 1, 0, false, false}, bits: 4, table: true},
	{form: form{"", 1, 0, false, false}, bits: 4, table: true, bf16: true},
	{form: form{"", 1, 0, false, false}, bits: 5},
	{form: form{"", 1, 0, false, true}, bits: 8},
	{form: form{"Min", 1, 1, false, false}, bits: 4},
	{form: form{"Min", 1, 1, false, false}, bits: 5},
	{form: form{"Half", 2, 0, false, false}, bits: 4, table: true, bf16: true},
	{form: form{"Scaled", 1, 0, true, false}, bits: 3, table: true},
	{form: form{"Scaled", 1, 0, true, false}, bits: 4, table: true},
	{form: form{"ScaledMin", 1, 1, true, false}, bits: 4},
	{form: form{"ScaledMin", 1, 1, true, false}, bits: 5},
	{form: form{"ScaledHalf", 2, 0, true, false}, bits: 3},
	{form: form{"ScaledHalf", 2, 0, true, false}, bits: 3, table: true},
	{form: form{"ScaledHalf", 2, 0, true, false}, bits: 6},
	{form: form{"ScaledHalfMin", 2, 2, true, false}, bits: 2},
}

func writeSingles(a *asm) {
	for _, s := range singles {
		for _, exact := range []bool{true, false} {
			k := s
			k.asm, k.exact = a, exact
			k.write()
		}
	}
}

func (s *single) name() string {
	name := fmt.Sprintf("single%s%d", s.form.name, s.bits)
	if s.table {
		name += "Table"
	}
	if s.bf16 {
		name += "BF16"
	}
	if s.exact {
		return name + "ExactNEON"
	}
	return name + "FastNEON"
}

// offset says that codes have an offset that is not taken from them. It is from levels of tables and from bytes.
func (s *single) offset() bool { return s.minima == 0 && !s.table && !s.signed }

func (s *single) write() {
	s.function(s.name(), "(a *byte)", "is the products of a panel with one column; a is a singleArgs.")
	a := s.param("a")
	s.codes, s.dFrom, s.x, s.xs = s.field(a, 8), s.field(a, 16), s.field(a, 48), s.field(a, 56)
	if s.minima > 0 {
		s.minFrom, s.xsum = s.field(a, 24), s.field(a, 64)
	}
	if s.scaled {
		s.scales = s.field(a, 32)
	}
	if s.scaled && s.minima > 0 {
		s.subMins = s.field(a, 40)
	}
	if s.offset() {
		s.init = s.field(a, 72)
	}
	blocks := s.field(a, 88)
	s.acc = s.vs(4)
	for _, v := range s.acc {
		s.do(zero, v)
	}
	if s.scaled {
		s.d = s.vs(4)
		if s.minima > 0 {
			s.min = s.vs(4)
		}
	}
	s.planes = s.newPlanes(s.bits, s.table)
	s.in = s.vs(2)
	if s.exact {
		s.in = append(s.in, s.vs(2)...)
		s.high = s.v()
	}
	s.low, s.xScale, s.t0, s.t1 = s.v(), s.v(), s.v(), s.v()
	if s.minima > 0 {
		s.sums = s.v()
	}
	if s.offset() {
		s.inits = s.vs(s.subs)
	}
	if s.scaled && s.exact && s.subs == 2 {
		s.total = s.v()
	}
	if s.signed {
		s.mask = s.v()
		s.do(moviB, s.mask, 128)
	} else {
		s.parts = s.vs(s.bits)
	}
	s.q = s.vs(min(2, 32-s.vectors))
	if s.table { // levels: what is in the table without the offset
		s.do(ldrQ, s.planes.values, int(s.field(a, 80)), 0)
		offset := s.field(a, 104)
		s.do(dupB, s.t0, int(offset))
		s.do(sub8, s.planes.values, s.planes.values, s.t0)
	}
	if s.scaled {
		s.supers(a, blocks)
	} else {
		s.loop("block", blocks, s.block)
	}
	out := s.field(a, 0)
	s.do(stpQ, s.acc[0], s.acc[1], int(out), 0)
	s.do(stpQ, s.acc[2], s.acc[3], int(out), 32)
	s.ret()
}

// supers goes over super-blocks.
func (s *single) supers(a, blocks reg) {
	n := s.r()
	s.line("LSR $3, %s", blocks)
	s.loop("super", blocks, func() {
		s.halves(s.d, s.dFrom)
		s.do(ldrS, s.xScale, int(a), 96) // the factor
		for _, d := range s.d {
			s.do(fmulElement, d, d, s.xScale, 0)
		}
		if s.minima > 0 {
			s.halves(s.min, s.minFrom)
			for _, m := range s.min {
				s.do(fneg, m, m)
			}
		}
		s.set(8, n)
		s.loop("block", n, s.block)
	})
}

// halves loads 16 of them and advances p.
func (s *single) halves(to []int, p reg) {
	s.do(ldpQPost, s.t0, s.t1, int(p), 32)
	for i, v := range to {
		s.widen(v, []int{s.t0, s.t1}[i/2], i%2 == 1, s.bf16)
	}
}

// block adds the products of a block.
func (s *single) block() {
	for i := 0; i < len(s.in); i += 2 {
		s.do(ldpQPost, s.in[i], s.in[i+1], int(s.x), 32)
	}
	s.do(ldrSPost, s.xScale, int(s.xs), 4)
	for _, v := range s.inits {
		s.do(ld1rPost4, v, int(s.init))
	}
	switch s.minima {
	case 1:
		s.do(ldrSPost, s.sums, int(s.xsum), 4)
	case 2:
		s.do(ldrDPost, s.sums, int(s.xsum), 8)
	}
	for quarter := range 4 {
		s.quarter(quarter)
	}
	s.advance(s.codes, 64*s.bits)
	if s.scaled {
		s.advance(s.scales, 16*s.subs)
	} else {
		s.advance(s.dFrom, 32*s.subs)
	}
	if s.minima > 0 {
		if s.scaled {
			s.advance(s.subMins, 16*s.minima)
		} else {
			s.advance(s.minFrom, 32)
		}
	}
}

// quarter adds those of four rows.
func (s *single) quarter(quarter int) {
	acc := s.acc[quarter]
	for i, v := range s.parts {
		s.do(ldrQ, v, int(s.codes), 64*i+16*quarter)
	}
	per := 8 / s.subs
	for h := range s.subs {
		if s.offset() {
			s.copy(s.low, s.inits[h])
		} else {
			s.do(zero, s.low)
		}
		if s.exact {
			s.do(zero, s.high)
		}
		for g := h * per; g < (h+1)*per; g++ {
			q := s.q[g%len(s.q)]
			if s.signed {
				s.do(ldrQ, q, int(s.codes), 64*g+16*quarter)
				s.do(eor, q, q, s.mask)
			} else {
				s.planes.group(q, g, s.parts)
			}
			if s.exact {
				s.do(sdot, s.high, q, s.in[g/4], g%4)
			}
			s.do(sdot, s.low, q, s.in[len(s.in)-2+g/4], g%4)
		}
		sum := s.low
		if s.exact {
			s.do(shl, s.high, s.high, 7)
			s.do(add, sum, sum, s.high)
		}
		scale := s.t0
		switch {
		case s.scaled:
			s.do(ldrS, scale, int(s.scales), 16*h+4*quarter)
			s.do(sxtlB, scale, scale)
			s.do(sxtlH, scale, scale)
		default:
			s.do(ldrD, scale, int(s.dFrom), 32*h+8*quarter)
			s.widen(scale, scale, false, s.bf16)
		}
		switch {
		case !s.scaled:
		case !s.exact:
			s.do(scvtf, scale, scale)
			s.do(fmul, scale, scale, s.d[quarter])
		case s.subs == 1:
			s.do(mul, sum, sum, scale)
			scale = s.d[quarter]
		case h == 0:
			s.do(mul, s.total, sum, scale)
			continue
		default:
			s.do(mla, s.total, sum, scale)
			sum, scale = s.total, s.d[quarter]
		}
		s.do(fmulElement, s.t0, scale, s.xScale, 0)
		s.do(scvtf, sum, sum)
		s.do(fmla, acc, sum, s.t0)
	}
	for i := range s.minima {
		m := s.t0
		if s.scaled {
			s.do(ldrS, m, int(s.subMins), 16*i+4*quarter)
			s.do(uxtlB, m, m)
			s.do(uxtlH, m, m)
			s.do(scvtf, m, m)
			s.do(fmul, m, m, s.min[quarter])
		} else {
			s.do(ldrD, m, int(s.minFrom), 8*quarter)
			s.widen(m, m, false, s.bf16)
		}
		s.do(fmlaElement, acc, m, s.sums, i)
	}
}
