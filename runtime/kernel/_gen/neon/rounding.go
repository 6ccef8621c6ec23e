package neon

// rounding writes what rounds rows of activations. Blocks that hold an infinite element or NaN have codes of 0, and those of
// which the magnitude is below 1e-30 too: FCVTNS makes 0 of NaN.
func rounding(a *asm) {
	a.round("roundNarrow", 127*128, func(dst reg, q []int, t []int) {
		for i, v := range q { // high to t, low to q
			a.do(srshr, t[i], v, 7)
			a.do(shl, t[8], t[i], 7)
			a.do(sub, v, v, t[8])
		}
		a.narrow(t)
		a.narrow(q)
		a.do(stpQPost, t[0], t[1], int(dst), 32)
		a.do(stpQPost, q[0], q[1], int(dst), 32)
	})
	a.round("roundBytes", 127, func(dst reg, q []int, _ []int) {
		a.narrow(q)
		a.do(stpQPost, q[0], q[1], int(dst), 32)
	})
}

// narrow makes bytes of eight vectors of words, in the first two.
func (a *asm) narrow(v []int) {
	for i := range 4 {
		a.do(uzp1H, v[i], v[2*i], v[2*i+1])
	}
	for i := range 2 {
		a.do(uzp1B, v[i], v[2*i], v[2*i+1])
	}
}

// round writes one; store writes a block and advances dst.
func (a *asm) round(name string, most int, store func(dst reg, q, t []int)) {
	a.function(name+"NEON", "(bytes *int8, row, scales *float32, sums *int32, blocks int)", "is "+name+"Generic.")
	dst, row, scales, sums, n := a.param("bytes"), a.param("row"), a.param("scales"), a.param("sums"), a.param("blocks")
	bits, limit := a.r(), a.r()
	x, t := a.vs(8), a.vs(9)
	top, scale, inverse, largest := a.v(), a.v(), a.v(), a.v()
	a.line("FMOVS $(%d.0), F%d", most, largest)
	special, infinite, scaled := a.label("special"), a.label("infinite"), a.label("scaled")
	a.loop("block", n, func() {
		for i := 0; i < 8; i += 2 {
			a.do(ldpQPost, x[i], x[i+1], int(row), 32)
		}
		for i, v := range x {
			a.do(fabs, t[i], v)
		}
		for half := 4; half > 0; half /= 2 {
			for i := range half {
				a.do(umax, t[i], t[i], t[i+half])
			}
		}
		a.do(umaxv, top, t[0])
		a.line("FMOVS F%d, %s", top, bits)
		// From 1e-30 to the greatest number, as unsigned words.
		a.line("SUBW $%#x, %s, %s", least, bits, bits)
		a.line("MOVW $%#x, %s", 0x7f7fffff-least, limit)
		a.line("CMPW %s, %s", limit, bits)
		a.line("BHI %s", special)
		a.line("FDIVS F%d, F%d, F%d", largest, top, scale)
		a.line("FDIVS F%d, F%d, F%d", top, largest, inverse)
		a.here(scaled)
		a.line("FMOVS F%d, (%s)", scale, scales)
		a.advance(scales, 4)
		for _, v := range x {
			a.do(fmulElement, v, v, inverse, 0)
			a.do(fcvtns, v, v)
		}
		for i := range 2 {
			h := x[4*i:]
			a.do(add, t[0], h[0], h[1])
			a.do(add, t[1], h[2], h[3])
			a.do(add, t[0], t[0], t[1])
			a.do(addv, t[0], t[0])
			a.do(strSPost, t[0], int(sums), 4)
		}
		store(dst, x, t)
	})
	a.ret()
	a.here(special)
	a.do(zero, scale)
	a.do(zero, inverse)
	a.line("CMPW $0, %s", bits)
	a.line("BGE %s", infinite)
	a.line("JMP %s", scaled)
	a.here(infinite)
	a.line("MOVW $0x7fc00000, %s", bits)
	a.line("FMOVS %s, F%d", bits, scale)
	a.line("JMP %s", scaled)
}

// least is the bits of 1e-30.
const least = 0x0da24260
