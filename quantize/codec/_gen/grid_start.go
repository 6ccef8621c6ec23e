package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gridStart writes what comes before the search of the grid formats IQ2 and IQ3: weights, signs, magnitudes.
func gridStart(t *tier) {
	for _, f := range []struct {
		name, doc string
		weight    func(sigma2 vec, square reg.VecVirtual) reg.VecVirtual
	}{
		{"weighEvenly", "to sqrt(sigma2+x²)", func(sigma2 vec, square reg.VecVirtual) reg.VecVirtual { return t.sqrt(t.add(sigma2, square)) }},
		{"weighRaised", "to sigma2/4+x²", func(sigma2 vec, square reg.VecVirtual) reg.VecVirtual {
			return t.add(t.mul(sigma2, t.float(0.25)), square)
		}},
	} {
		t.function(f.name, "(w, x, sigma2 *float32, n int)", "sets w, of n vectors, "+f.doc+". sigma2 is a vector.")
		w, x, sigma2 := t.pointer("w"), t.pointer("x"), t.load(at(t.pointer("sigma2"), 0))
		c := t.column(t.pointer("n"))
		c.each(func() {
			v := t.load(c.of(x))
			t.store(f.weight(sigma2, t.mul(v, v)), c.of(w))
		})
		t.end()
	}

	t.function("gridSigns", "(most, magnitudes, roots *float32, signs *uint32, x, w *float32, groups int)", `parts x, of so many times 8 vectors, into magnitudes and signs, 8 in a word, and
takes the square roots of the weights. most are three vectors: the largest signed magnitude, the largest x without sign and the largest weight.`)
	t.gridSigns(false)
	t.function("gridEvenSigns", "(most, magnitudes, roots *float32, signs *uint32, x, w *float32, groups int)", `is gridSigns with an even number of minus signs: as in splitEvenSigns, magnitudes
can be negative.`)
	t.gridSigns(true)

	t.function("gridRows", "(rows, columns *float32, n int)", "sets rows to the n elements of each lane, which columns, n vectors, has in lanes.")
	t.gridRows()
}

func (t *tier) gridSigns(even bool) {
	magnitudes, roots, signs := t.pointer("magnitudes"), t.pointer("roots"), t.pointer("signs")
	x, w := t.pointer("x"), t.pointer("w")
	most, extreme, heaviest := t.bits(0xff800000), t.bits(0), t.bits(0) // most can be negative
	sign, zero := t.constant(1<<31), t.constant(0)
	t.loop(t.pointer("groups"), func() {
		var bits, least, place reg.VecVirtual
		for i := range 8 {
			v, weight := t.load(at(x, i*t.width())), t.load(at(w, i*t.width()))
			negative := t.compare(v, notGreaterEqual, zero)
			if i == 0 {
				bits = t.where(negative, t.constant(1))
			} else {
				t.VORPS(t.where(negative, t.constant(1<<i)), bits, bits)
			}
			m := t.xor(v, t.where(negative, sign))
			t.store(m, at(magnitudes, i*t.width()))
			t.store(t.sqrt(weight), at(roots, i*t.width()))
			t.VMAXPS(m, extreme, extreme)
			t.VMAXPS(weight, heaviest, heaviest)
			if !even {
				continue
			}
			// Which weighs least: the first of several.
			e := t.mul(t.mul(weight, v), v)
			if i == 0 {
				least, place = e, t.bits(0)
				continue
			}
			less := t.compare(e, less, least)
			t.set(least, t.choose(less, e, least))
			t.set(place, t.choose(less, t.constant(uint32(i)), place))
		}
		if even {
			t.evenSigns(magnitudes, bits, place, sign)
			for i := range 8 {
				t.VMAXPS(at(magnitudes, i*t.width()), most, most)
			}
		}
		t.store(bits, at(signs, 0))
		t.advance(signs, t.width())
		for _, p := range []reg.Register{magnitudes, roots, x, w} {
			t.advance(p, 8*t.width())
		}
	})
	if !even {
		most = extreme
	}
	out := t.pointer("most")
	t.store(most, at(out, 0))
	t.store(extreme, at(out, t.width()))
	t.store(heaviest, at(out, 2*t.width()))
	t.end()
}

// evenSigns turns the sign at place where the number of bits is odd, in bits and the magnitude.
func (t *tier) evenSigns(magnitudes reg.Register, bits, place reg.VecVirtual, sign vec) {
	parity := t.vec()
	t.set(parity, bits)
	for _, n := range []uint64{4, 2, 1} {
		shifted := t.vec()
		t.VPSRLD(operand.Imm(n), parity, shifted)
		t.VXORPS(shifted, parity, parity)
	}
	t.VPSLLD(operand.Imm(31), parity, parity)
	t.VPSRAD(operand.Imm(31), parity, parity)
	turned := t.bits(1)
	t.VPSLLVD(place, turned, turned)
	t.VANDPS(parity, turned, turned)
	t.VXORPS(turned, bits, bits)
	for i := range 8 {
		turn := t.vec()
		t.VPSLLD(operand.Imm(uint64(31-i)), turned, turn)
		t.store(t.xor(t.and(turn, sign), at(magnitudes, i*t.width())), at(magnitudes, i*t.width()))
	}
}

// where is v where m holds, and zeros elsewhere.
func (t *tier) where(m mask, v vec) reg.VecVirtual {
	if t.wide() {
		d := t.vec()
		t.VMOVAPS_Z(v, m, d)
		return d
	}
	return t.and(m, v)
}

func (t *tier) gridRows() {
	rows, columns, n := t.pointer("rows"), t.pointer("columns"), t.pointer("n")
	stride := t.copyOf(n)
	t.SHLQ(operand.Imm(2), stride)
	t.SHRQ(operand.Imm(uint64(log2(t.lanes))), n)
	t.loop(n, func() {
		square := make([]reg.VecVirtual, t.lanes)
		for i := range square {
			square[i] = t.load(at(columns, i*t.width()))
		}
		row := t.copyOf(rows)
		for _, v := range t.transposed(square) {
			t.store(v, at(row, 0))
			t.ADDQ(stride, row)
		}
		t.advance(columns, t.lanes*t.width())
		t.advance(rows, t.width())
	})
	t.end()
}

// grids writes the functions of the grid formats.
func grids(t *tier) {
	gridStart(t)
	gridCodes(t, 8, 3)
	gridCodes(t, 4, 8)
	gridSums(t, 8)
	gridSums(t, 4)
	gridNearest(t, 8, false)
	gridNearest(t, 8, true)
	gridNearest(t, 4, false)
	gridLines(t, 8)
	gridLines(t, 4)
}
