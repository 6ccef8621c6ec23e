package neon

import "fmt"

// attention writes what attention computes, see vectors.
func (a *asm) attention() {
	for _, p := range [][2]int{{4, 16}, {1, 64}, {1, 16}} {
		a.product(p[0], p[1])
	}

	a.function("peaksNEON", "(scores, tops, factors *float32, rows int)", "is vectors.peaks.")
	scores, tops, factors, n := a.vector("scores"), a.param("tops"), a.param("factors"), a.param("rows")
	top, old := a.vs(4), a.v()
	a.loop("row", n, func() {
		a.do(ldrS, old, int(tops), 0)
		for i := range 4 {
			a.read(scores)
			if i == 0 {
				a.each(orr, top, scores.v, scores.v)
			} else {
				a.each(fmaxnm, top, top, scores.v)
			}
		}
		a.largest(top)
		a.do(fmaxnm, top[0], top[0], old)
		a.do(fsub, old, old, top[0])
		a.do(strSPost, top[0], int(tops), 4)
		a.do(strSPost, old, int(factors), 4)
	})
	a.ret()

	a.function("weighNEON", "(scores, tops, sums *float32, stride uintptr, rows int)", "is vectors.weigh.")
	scores = a.vector("scores")
	tops, sums, stride, n := a.param("tops"), a.param("sums"), a.param("stride"), a.param("rows")
	e, top4, halves := a.exponential(), a.v(), [2][]int{a.vs(4), a.vs(4)}
	lanes := operand{sums, scores.v}
	a.loop("row", n, func() {
		a.do(ld1rPost4, top4, int(tops))
		for i := range 4 {
			a.peek(scores)
			a.each(fsub, scores.v, scores.v, []int{top4, top4, top4, top4})
			y := e.of(scores.v)
			a.write(scores, y)
			if half := halves[i/2]; i%2 == 0 {
				a.each(orr, half, y, y)
			} else {
				a.each(fadd, half, half, y)
			}
		}
		a.each(fadd, halves[0], halves[0], halves[1])
		a.peek(lanes)
		a.each(fadd, lanes.v, lanes.v, halves[0])
		a.do(stpQ, lanes.v[0], lanes.v[1], int(sums), 0)
		a.do(stpQ, lanes.v[2], lanes.v[3], int(sums), 32)
		a.plus(stride, sums)
	})
	a.ret()

	a.function("scaleBytesNEON", "(dst *float32, bytes *int8, scales *float32, rows int)", "is vectors.scaleBytes.")
	dst, bytes, scales, n := operand{p: a.param("dst")}, a.param("bytes"), a.vs(16), a.param("rows")
	from := a.param("scales")
	for i := 0; i < 16; i += 2 {
		a.do(ldpQ, scales[i], scales[i+1], int(from), 16*i)
	}
	v, t := a.vs(4), a.vs(3)
	a.loop("row", n, func() {
		for i := range 4 {
			a.do(ldrQPost, t[0], int(bytes), 16)
			a.bytes(v, t[0], t[1], t[2], true)
			a.unary(scvtf, v, v)
			a.each(fmul, v, v, scales[4*i:])
			a.write(dst, v)
		}
	})
	a.ret()
}

// product writes the product of so many rows and columns: results stay in registers, four elements of each row of a are
// loaded at a time.
func (a *asm) product(rows, cols int) {
	a.function(fmt.Sprintf("product%dx%dNEON", rows, cols), "(dst *float32, dstStride uintptr, x *float32, xStride uintptr, y *float32, yStride uintptr, n int, fresh bool)",
		fmt.Sprintf("is vectors.product of %d rows and %d columns; strides are in bytes.", rows, cols))
	dst, x, y, yStride, n := a.param("dst"), a.param("x"), a.param("y"), a.param("yStride"), a.param("n")
	outs, ins := a.rowsFrom(dst, a.param("dstStride"), rows), a.rowsFrom(x, a.param("xStride"), rows)
	vectors := cols / 4
	acc, xs, ys := a.vs(rows*vectors), a.vs(rows), a.vs(8)
	for _, v := range acc {
		a.do(zero, v)
	}
	begin := a.label("begin")
	fresh, left := a.r(), a.r()
	a.line("MOVBU %s, %s", a.params["fresh"], fresh)
	a.line("CBNZ %s, %s", fresh, begin)
	results := func(i instruction) {
		for r, p := range outs {
			for v := 0; v < vectors; v += 2 {
				a.do(i, acc[r*vectors+v], acc[r*vectors+v+1], int(p), 16*v)
			}
		}
	}
	results(ldpQ)
	a.here(begin)
	// step adds the products of an element of each row of x with a row of y.
	step := func(element int) {
		for v := 0; v < vectors; v += 4 {
			part := ys[(element+v/4)%2*4:][:4]
			a.do(ldpQ, part[0], part[1], int(y), 16*v)
			a.do(ldpQ, part[2], part[3], int(y), 16*v+32)
			for r, x := range xs {
				a.eachElement(fmlaElement, acc[r*vectors+v:][:4], part, x, element)
			}
		}
		a.plus(yStride, y)
	}
	rest, end := a.label("rest"), a.label("end")
	a.line("AND $3, %s, %s", n, left)
	a.line("LSR $2, %s", n)
	a.line("CBZ %s, %s", n, rest)
	a.loop("four", n, func() {
		for r, p := range ins {
			a.do(ldrQPost, xs[r], int(p), 16)
		}
		for l := range 4 {
			step(l)
		}
	})
	a.here(rest)
	a.line("CBZ %s, %s", left, end)
	a.loop("one", left, func() {
		for r, p := range ins {
			a.do(ldrSPost, xs[r], int(p), 4)
		}
		step(0)
	})
	a.here(end)
	results(stpQ)
	a.ret()
}
