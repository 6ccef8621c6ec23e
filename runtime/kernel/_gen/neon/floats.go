package neon

import "fmt"

// floatWidth is the number of columns that tiles of weights that are floats have at most.
const floatWidth = 6

var floatTypes = []struct {
	name string
	size int
}{{"F32", 4}, {"F16", 2}, {"BF16", 2}}

func floats(a *asm) {
	for t := range floatTypes {
		a.floatColumn(t)
		for w := 2; w <= floatWidth; w++ {
			a.floatColumns(t, w)
		}
	}
	a.joinLanes()
}

func (a *asm) floatFunction(typ, width int) (lanes, w, wStride, x, xStride, steps reg) {
	name := floatTypes[typ].name
	a.function(fmt.Sprintf("floats%s%dNEON", name, width), "(a *byte)", fmt.Sprintf("is floatsGeneric for %s and %d columns; a is a floatArgs.", name, width))
	args := a.param("a")
	return a.field(args, 0), a.field(args, 8), a.field(args, 16), a.field(args, 24), a.field(args, 32), a.field(args, 40)
}

// rowsFrom are the addresses of four rows that are stride apart, the first of which is p.
func (a *asm) rowsFrom(p, stride reg, n int) []reg {
	rows := []reg{p}
	for i := 1; i < n; i++ {
		rows = append(rows, a.r())
		a.line("ADD %s, %s, %s", stride, rows[i-1], rows[i])
	}
	return rows
}

// floatColumn writes the kernel of one column: all lanes of four rows are in registers, and weights are read once.
func (a *asm) floatColumn(typ int) {
	lanes, w, wStride, x, _, steps := a.floatFunction(typ, 1)
	rows := a.rowsFrom(w, wStride, 4)
	acc, xs, ws := a.vs(16), a.vs(4), a.vs(4)
	for i := 0; i < 16; i += 2 {
		a.do(ldpQ, acc[i], acc[i+1], int(lanes), 16*i)
	}
	a.loop("step", steps, func() {
		a.do(ldpQPost, xs[0], xs[1], int(x), 32)
		a.do(ldpQPost, xs[2], xs[3], int(x), 32)
		for r, p := range rows {
			a.do(ldpQPost, ws[0], ws[1], int(p), 32)
			if typ == 0 {
				a.do(ldpQPost, ws[2], ws[3], int(p), 32)
			} else {
				for i := 3; i >= 0; i-- { // the last first, since each takes the place of a source
					a.widen(ws[i], ws[i/2], i%2 == 1, typ == 2)
				}
			}
			for i, v := range ws {
				a.do(fmla, acc[4*r+i], v, xs[i])
			}
		}
	})
	for i := 0; i < 16; i += 2 {
		a.do(stpQ, acc[i], acc[i+1], int(lanes), 16*i)
	}
	a.ret()
}

// floatColumns writes the kernel of several columns, which goes four times over the columns of the matrix, with four lanes
// each time.
func (a *asm) floatColumns(typ, width int) {
	size := floatTypes[typ].size
	lanes, w, wStride, x, xStride, steps := a.floatFunction(typ, width)
	rows, columns := a.rowsFrom(w, wStride, 4), a.rowsFrom(x, xStride, width)
	quarters, n := a.r(), a.r()
	acc, ws, xs := a.vs(4*width), a.vs(4), a.vs(2)
	a.set(4, quarters)
	a.loop("quarter", quarters, func() {
		for i, v := range acc {
			a.do(ldrQ, v, int(lanes), 64*i)
		}
		a.move(steps, n)
		a.loop("step", n, func() {
			for r, p := range rows {
				if size == 4 {
					a.do(ldrQPost, ws[r], int(p), 64)
				} else {
					a.do(ldrDPost, ws[r], int(p), 32)
					a.widen(ws[r], ws[r], false, typ == 2)
				}
			}
			for c, p := range columns {
				v := xs[c%2]
				a.do(ldrQPost, v, int(p), 64)
				for r, w := range ws {
					a.do(fmla, acc[4*c+r], w, v)
				}
			}
		})
		for i, v := range acc {
			a.do(strQ, v, int(lanes), 64*i)
		}
		a.advance(lanes, 16)
		// Back to the first step, one quarter further.
		for _, p := range rows {
			a.line("SUB %s<<%d, %s", steps, map[int]int{4: 6, 2: 5}[size], p)
			a.advance(p, 4*size)
		}
		for _, p := range columns {
			a.line("SUB %s<<6, %s", steps, p)
			a.advance(p, 16)
		}
	})
	a.ret()
}

// joinLanes joins four vectors at a time.
func (a *asm) joinLanes() {
	a.function("joinLanesNEON", "(dst, lanes *float32, n int)", "is joinLanesGeneric of n times 4 vectors.")
	dst, src, n := a.param("dst"), a.param("lanes"), a.param("n")
	v, four := a.vs(4), a.vs(4)
	a.loop("loop", n, func() {
		for _, f := range four {
			a.do(ldpQPost, v[0], v[1], int(src), 32)
			a.do(ldpQPost, v[2], v[3], int(src), 32)
			a.join16(f, v)
		}
		for i := 0; i < 4; i += 2 { // of two vectors the lanes 0+2 and 1+3
			a.do(zip1D, v[0], four[i], four[i+1])
			a.do(zip2D, v[1], four[i], four[i+1])
			a.do(fadd, four[i/2], v[0], v[1])
		}
		a.do(faddp, v[0], four[0], four[1])
		a.do(strQPost, v[0], int(dst), 16)
	})
	a.ret()
}

// join16 joins 16 lanes to four: i and i+8, then i and i+4.
func (a *asm) join16(to int, v []int) {
	a.do(fadd, v[0], v[0], v[2])
	a.do(fadd, v[1], v[1], v[3])
	a.do(fadd, to, v[0], v[1])
}
