package main

import "github.com/mmcloughlin/avo/reg"

// sumWords makes words of codes and multiplies them by words, see narrowHalves.
func (s *single) sumWords(code func(g int) reg.VecVirtual, h, per int) (sum reg.VecVirtual) {
	add := func(x int, words reg.VecVirtual) {
		v := s.YMM()
		s.VPBROADCASTD(at(s.x, x), v)
		s.VPMADDWD(v, words, words)
		sum = s.plus(sum, words)
	}
	for g := h * per; g < (h+1)*per; g++ {
		codes := code(g)
		add(8*g, s.and(codes, s.tier.bits(0x00ff00ff)))
		add(8*g+4, s.shifted(codes, -8))
	}
	s.addInit(sum, h)
	return sum
}

// plus adds v to sum, which is nil at first.
func (s *single) plus(sum, v reg.VecVirtual) reg.VecVirtual {
	if sum == nil {
		return v
	}
	s.VPADDD(v, sum, sum)
	return sum
}

// addInit adds what sums begin with; formats with minima have no offset.
func (s *single) addInit(sum reg.VecVirtual, h int) {
	if s.minima == 0 {
		init := s.YMM()
		s.VPBROADCASTD(at(s.init, 4*h), init)
		s.VPADDD(init, sum, sum)
	}
}

// sumBytes multiplies bytes, see bytesForm.
func (s *single) sumBytes(code func(g int) reg.VecVirtual, h, per int) (sum reg.VecVirtual) {
	var short reg.VecVirtual // 16 bits
	for j := range per {
		g := h*per + j
		codes, x := code(g), s.YMM()
		s.VPBROADCASTD(at(s.x, 4*g), x)
		if s.add == 0 {
			codes = s.xor(codes, s.tier.bits(0x80808080))
			s.VPSIGNB(codes, x, x)
			s.VPABSB(codes, codes)
		}
		s.VPMADDUBSW(x, codes, x)
		if short == nil {
			short = x
		} else {
			s.VPADDW(x, short, short)
		}
		if s.add < 2 || j%s.add == s.add-1 {
			s.VPMADDWD(s.tier.bits(0x00010001), short, short)
			sum, short = s.plus(sum, short), nil
		}
	}
	if s.add > 0 {
		s.addInit(sum, h)
	}
	return sum
}
