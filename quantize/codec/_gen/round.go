package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// round writes the codes of elements on the grids of their sub-blocks. Here elements lie in their order, and a sub-block's
// scale is in all lanes: codes then come out as they are packed. Division takes its time, in AVX-512 no less: there is
// one form for both tiers.
func round(t *tier) {
	levels(t)
	if t.wide() {
		return
	}
	for _, size := range []int{16, 32} {
		t.function(fmt.Sprintf("roundAffine%d", size), "(codes *uint8, x, scales, minima *float32, n int, nmax int32)",
			fmt.Sprintf(`is requantizeAffine for n sub-blocks of %d with scales and minima. Those of scale 0 are left as they are.`, size))
		r := t.rounding(size)
		minima, nmax := t.pointer("minima"), t.scalar("nmax")
		zero := t.zero()
		r.each(func(scale vec) {
			minimum := t.spread(at(minima, 0))
			r.pack(func(x operand.Mem) reg.VecVirtual {
				l := t.nearest(t.div(t.add(minimum, x), scale))
				return t.minInt(t.maxInt(l, zero), nmax)
			})
		}, minima)

		t.function(fmt.Sprintf("roundSymmetric%d", size), "(codes *uint8, x, scales *float32, n int, nmax int32)",
			fmt.Sprintf(`rounds n sub-blocks of %d divided by their scales and adds nmax: codes from 0 to
2*nmax-1. Those of scale 0 are left as they are.`, size))
		r = t.rounding(size)
		nmax = t.scalar("nmax")
		low, high := t.do(t.VPSUBD, t.zero(), nmax), t.vec()
		t.VPCMPEQD(high, high, high)
		t.VPADDD(nmax, high, high)
		r.each(func(scale vec) {
			r.pack(func(x operand.Mem) reg.VecVirtual {
				l := t.nearest(t.div(t.load(x), scale))
				l = t.minInt(t.maxInt(l, low), high)
				return t.do(t.VPADDD, l, nmax)
			})
		})
	}
}

// levels writes the codes that searches in lanes give, for one block of 32.
func levels(t *tier) {
	if t.wide() {
		return
	}
	t.function("levelsAffine32", "(codes *uint8, x *float32, inverse, from float32, nmax int32)",
		"rounds the distances from from times the inverse scale, from 0 to nmax: what searchAffine leaves in L.")
	r := &rounding{tier: t, size: 32, codes: t.pointer("codes"), x: t.pointer("x"), order: t.load(t.packedOrder())}
	inverse, from, nmax, zero := t.scalar("inverse"), t.scalar("from"), t.scalar("nmax"), t.zero()
	r.pack(func(x operand.Mem) reg.VecVirtual {
		l := t.nearest(t.mul(inverse, t.sub(t.load(x), from)))
		return t.minInt(t.maxInt(l, zero), nmax)
	})
	t.end()

	t.function("levelsSymmetric32", "(codes *uint8, x *float32, inverse float32, nmax int32)",
		"rounds x times the inverse scale and adds nmax, from 0 to 2*nmax-1: what searchSymmetric leaves in L.")
	r = &rounding{tier: t, size: 32, codes: t.pointer("codes"), x: t.pointer("x"), order: t.load(t.packedOrder())}
	inverse, nmax = t.scalar("inverse"), t.scalar("nmax")
	zero = t.zero()
	last := t.do(t.VPADDD, nmax, nmax)
	ones := t.vec()
	t.VPCMPEQD(ones, ones, ones)
	t.VPADDD(ones, last, last)
	r.pack(func(x operand.Mem) reg.VecVirtual {
		l := t.do(t.VPADDD, t.nearest(t.mul(inverse, x)), nmax)
		return t.minInt(t.maxInt(l, zero), last)
	})
	t.end()
}

// rounding is a loop over sub-blocks.
type rounding struct {
	*tier
	size             int
	codes, x, scales reg.Register
	n                reg.Register
	order            reg.VecVirtual
}

func (t *tier) rounding(size int) *rounding {
	r := &rounding{t, size, t.pointer("codes"), t.pointer("x"), t.pointer("scales"), t.pointer("n"), nil}
	r.order = t.load(t.packedOrder())
	return r
}

// packedOrder undoes what packing within halves of 128 bits does.
func (t *tier) packedOrder() operand.Mem { return t.table("packed_order", 0, 4, 1, 5, 2, 6, 3, 7) }

// each runs body for every sub-block whose scale is not 0; also are pointers to a float32 a sub-block.
func (r *rounding) each(body func(scale vec), also ...reg.Register) {
	r.loop(r.n, func() {
		skip := r.label("skip")
		bits := r.GP32()
		r.MOVL(at(r.scales, 0), bits)
		r.ADDL(bits, bits) // without the sign
		r.JZ(operand.LabelRef(skip))
		body(r.spread(at(r.scales, 0)))
		r.Label(skip)
		for _, p := range append(also, r.scales) {
			r.advance(p, 4)
		}
		r.advance(r.x, 4*r.size)
		r.advance(r.codes, r.size)
	})
	r.end()
}

// pack stores the codes of a sub-block.
func (r *rounding) pack(code func(x operand.Mem) reg.VecVirtual) {
	var words []reg.VecVirtual
	for i := 0; i < r.size; i += 16 {
		words = append(words, r.do(r.VPACKSSDW, code(at(r.x, 4*i)), code(at(r.x, 4*i+32))))
	}
	bytes := r.do(r.VPACKUSWB, words[0], words[len(words)-1])
	bytes = r.do(r.VPERMD, r.order, bytes)
	if r.size == 16 {
		r.VMOVDQU(bytes.AsX(), at(r.codes, 0))
	} else {
		r.VMOVDQU(bytes, at(r.codes, 0))
	}
}
