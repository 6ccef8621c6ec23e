package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pack writes the packing of a super-block's codes, which lie in 256 bytes, 32 at a time. There is one form for both tiers.
func pack(t *tier) {
	if t.wide() {
		return
	}
	p := t.packing("packNibbles", "(dst, codes *uint8)", "is packNibblesGeneric.")
	low := t.everyByte(0x0f)
	for i := range 4 {
		p.store(i, t.or(t.and(p.codes(2*i), low), t.and(p.up(p.codes(2*i+1), 4), t.everyByte(0xf0))))
	}
	t.end()

	p = t.packing("pack2", "(dst, codes *uint8)", "is pack2Generic.")
	low = t.everyByte(3)
	for i := range 2 {
		q := t.and(p.codes(4*i), low)
		for g := 1; g < 4; g++ {
			q = t.or(q, p.up(t.and(p.codes(4*i+g), low), uint64(2*g)))
		}
		p.store(i, q)
	}
	t.end()

	p = t.packing("packBits", "(dst, codes *uint8, n int)", "is packBitsGeneric.")
	n := t.XMM()
	t.VMOVQ(t.pointer("n"), n)
	one := t.everyByte(1)
	var bits reg.VecVirtual
	for g := range 8 {
		c := t.vec()
		t.VPSRLW(n, p.codes(g), c)
		if c = p.up(t.and(c, one), uint64(g)); g == 0 {
			bits = c
		} else {
			bits = t.or(bits, c)
		}
	}
	p.store(0, bits)
	t.end()

	p = t.packing("pack6", "(dst, codes *uint8)", "is pack6Generic.")
	low, high := t.everyByte(0x0f), t.everyByte(0x30)
	for h := range 2 {
		var upper reg.VecVirtual
		for g := range 4 {
			c := t.and(p.codes(4*h+g), high) // bits 4 and 5
			switch g {
			case 0, 1:
				down := t.vec()
				t.VPSRLW(operand.Imm(uint64(4-2*g)), c, down)
				c = down
			case 3:
				c = p.up(c, 2)
			}
			if g == 0 {
				upper = c
			} else {
				upper = t.or(upper, c)
			}
		}
		for g := range 2 {
			p.store(2*h+g, t.or(t.and(p.codes(4*h+g), low), p.up(t.and(p.codes(4*h+g+2), low), 4)))
		}
		p.store(4+h, upper)
	}
	t.end()
}

// packing is a function that packs codes.
type packing struct {
	*tier
	dst, from reg.Register
}

func (t *tier) packing(name, signature, doc string) *packing {
	t.function(name, signature, doc)
	return &packing{t, t.pointer("dst"), t.pointer("codes")}
}

// codes loads the i-th 32 codes.
func (p *packing) codes(i int) reg.VecVirtual { return p.load(at(p.from, 32*i)) }

// store writes the i-th 32 bytes.
func (p *packing) store(i int, v reg.VecVirtual) { p.tier.store(v, at(p.dst, 32*i)) }

// up shifts codes that leave room in their bytes.
func (p *packing) up(v reg.VecVirtual, n uint64) reg.VecVirtual {
	if n == 0 {
		return v
	}
	d := p.vec()
	p.VPSLLW(operand.Imm(n), v, d)
	return d
}

// everyByte is b in all bytes.
func (t *tier) everyByte(b uint32) reg.VecVirtual { return t.bits(b * 0x01010101) }
