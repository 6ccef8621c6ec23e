package neon

import "fmt"

// A vector of a panel, 64 bytes, has four registers, of four rows each.

// planes makes codes of the planes of a block.
type planes struct {
	*asm
	bits                int
	table               bool
	mask4, mask2, mask1 int // of the places that the parts of a code have
	values, shifted     int
}

// newPlanes loads what making codes needs; the table's address is in a register.
func (a *asm) newPlanes(bits int, table bool) *planes {
	p := &planes{asm: a, bits: bits, table: table}
	if bits == 8 {
		return p
	}
	low2, low1 := p.lowest()
	mask := func(there bool, v int) (m int) {
		if there {
			m = a.v()
			a.do(moviB, m, v)
		}
		return m
	}
	p.mask4, p.mask2, p.mask1 = mask(bits >= 4, 15), mask(bits&2 != 0, 3<<low2), mask(bits&1 != 0, 1<<low1)
	if table {
		p.values = a.v()
	}
	if bits&3 != 0 && bits > 2 {
		p.shifted = a.v()
	}
	return p
}

// lowest returns the lowest bits of a code that the planes of two bits and of one have.
func (p *planes) lowest() (two, one int) {
	if p.bits >= 4 {
		two, one = 4, 4
	}
	return two, one + p.bits&2
}

// part sets d to the bits of mask of v shifted to the right by n, or joins them with what is there already.
func (p *planes) part(d, v, n, mask int, first, highest bool) {
	switch {
	case first && n == 0:
		p.do(and, d, v, mask)
	case first:
		p.do(ushr8, d, v, n)
		if !highest { // nothing is beside them
			p.do(and, d, d, mask)
		}
	default:
		switch {
		case n > 0:
			p.do(ushr8, p.shifted, v, n)
			v = p.shifted
		case n < 0:
			p.do(shl8, p.shifted, v, -n)
			v = p.shifted
		}
		p.do(bit, d, v, mask)
	}
}

// group sets d to the codes of group g, of the planes in registers.
func (p *planes) group(d, g int, planes []int) {
	low2, low1 := p.lowest()
	first := true
	if p.bits >= 4 {
		p.part(d, planes[g%4], g/4*4, p.mask4, true, g >= 4)
		planes, first = planes[4:], false
	}
	if p.bits&2 != 0 {
		p.part(d, planes[g%2], g/2*2-low2, p.mask2, first, g >= 6)
		planes, first = planes[2:], false
	}
	if p.bits&1 != 0 {
		p.part(d, planes[0], g-low1, p.mask1, first, g == 7)
	}
	if p.table {
		p.do(tbl, d, p.values, d)
	}
}

// unpacking writes what makes panels ready for tiles.
func unpacking(a *asm) {
	for _, f := range []struct {
		bits  int
		table bool
	}{{1, true}, {2, false}, {3, false}, {3, true}, {4, false}, {4, true}, {5, false}, {6, false}} {
		a.unpack(f.bits, f.table)
	}
	a.halves("F16")
	a.halves("BF16")
	a.subScales("multiplyScales", "d times sub-scales", false)
	a.subScales("multiplyMinima", "min times minima, negated", true)
	a.repeat()
}

func (a *asm) unpack(bits int, table bool) {
	name := fmt.Sprintf("unpack%d", bits)
	if table {
		name += "Table"
	}
	a.function(name+"NEON", "(dst, planes *byte, blocks int, table *[16]uint8)", fmt.Sprintf("is unpackGeneric for %d bits.", bits))
	dst, src, n, quarters := a.param("dst"), a.param("planes"), a.param("blocks"), a.r()
	p := a.newPlanes(bits, table)
	if table {
		a.do(ldrQ, p.values, int(a.param("table")), 0)
	}
	in, out := a.vs(bits), a.vs(2)
	a.loop("block", n, func() {
		a.set(4, quarters)
		a.loop("quarter", quarters, func() {
			for i, v := range in {
				a.do(ldrQ, v, int(src), 64*i)
			}
			for g := range 8 {
				p.group(out[g%2], g, in)
				a.do(strQ, out[g%2], int(dst), 64*g)
			}
			a.advance(src, 16)
			a.advance(dst, 16)
		})
		a.advance(src, 64*bits-64)
		a.advance(dst, 512-64)
	})
	a.ret()
}

// widen makes float32 of the lower or the upper four of eight halves.
func (a *asm) widen(to, from int, upper, bf16 bool) {
	i := map[[2]bool]instruction{{false, false}: fcvtl, {true, false}: fcvtl2, {false, true}: shll16, {true, true}: shll2_16}
	a.do(i[[2]bool{upper, bf16}], to, from)
}

func (a *asm) halves(name string) {
	bf16, signature := name == "BF16", "(dst *float32, src *byte, n int, factor float32)"
	if bf16 {
		signature = "(dst *float32, src *byte, n int)"
	}
	a.function("halves"+name+"NEON", signature, "is halvesGeneric for "+name+".")
	dst, src, n := a.param("dst"), a.param("src"), a.param("n")
	in, out := a.vs(2), a.vs(4)
	factor := 0
	if !bf16 {
		factor = a.scalar("factor")
	}
	a.loop("loop", n, func() {
		a.do(ldpQPost, in[0], in[1], int(src), 32)
		for i, v := range out {
			a.widen(v, in[i/2], i%2 == 1, bf16)
			if !bf16 {
				a.do(fmulElement, v, v, factor, 0)
			}
		}
		a.do(stpQPost, out[0], out[1], int(dst), 32)
		a.do(stpQPost, out[2], out[3], int(dst), 32)
	})
	a.ret()
}

// bytes makes int32 of the 16 bytes in a register.
func (a *asm) bytes(to []int, from, t0, t1 int, signed bool) {
	i := []instruction{uxtlB, uxtl2B, uxtlH, uxtl2H}
	if signed {
		i = []instruction{sxtlB, sxtl2B, sxtlH, sxtl2H}
	}
	a.do(i[0], t0, from)
	a.do(i[1], t1, from)
	a.do(i[2], to[0], t0)
	a.do(i[3], to[1], t0)
	a.do(i[2], to[2], t1)
	a.do(i[3], to[3], t1)
}

// subScales writes what multiplies each 16 of d by per vectors of bytes.
func (a *asm) subScales(name, doc string, minima bool) {
	a.function(name+"NEON", "(dst, d *float32, bytes *byte, supers, per int)", "multiplies: dst is "+doc+".")
	dst, d, bytes, supers, per, n := a.param("dst"), a.param("d"), a.param("bytes"), a.param("supers"), a.param("per"), a.r()
	scale, v, t := a.vs(4), a.vs(4), a.vs(3)
	a.loop("super", supers, func() {
		a.do(ldpQPost, scale[0], scale[1], int(d), 32)
		a.do(ldpQPost, scale[2], scale[3], int(d), 32)
		if minima {
			for _, s := range scale {
				a.do(fneg, s, s)
			}
		}
		a.move(per, n)
		a.loop("sub", n, func() {
			a.do(ldrQPost, t[0], int(bytes), 16)
			a.bytes(v, t[0], t[1], t[2], !minima)
			for i := range v {
				a.do(scvtf, v[i], v[i])
				a.do(fmul, v[i], v[i], scale[i])
			}
			a.do(stpQPost, v[0], v[1], int(dst), 32)
			a.do(stpQPost, v[2], v[3], int(dst), 32)
		})
	})
	a.ret()
}

// repeat writes each 16 of d eight times.
func (a *asm) repeat() {
	a.function("repeat8NEON", "(dst, d *float32, supers int)", "is subScalesGeneric without sub-scales, 8 for each of d.")
	dst, d, supers := a.param("dst"), a.param("d"), a.param("supers")
	v := a.vs(4)
	a.loop("super", supers, func() {
		a.do(ldpQPost, v[0], v[1], int(d), 32)
		a.do(ldpQPost, v[2], v[3], int(d), 32)
		for range 8 {
			a.do(stpQPost, v[0], v[1], int(dst), 32)
			a.do(stpQPost, v[2], v[3], int(dst), 32)
		}
	})
	a.ret()
}
