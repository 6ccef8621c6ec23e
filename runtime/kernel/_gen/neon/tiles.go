package neon

import "fmt"

// form is what a kernel must know of a format.
type form struct {
	name   string
	subs   int  // sub-blocks with a sum
	minima int  // of a block
	scaled bool // integer sub-scales
	signed bool // codes are up to 255: they become signed, with an offset of 128
}

// The forms of tiles. Their numbers are those of tile.narrowForm and tile.bytesForm; signed ones are behind.
var (
	narrowForms = []form{{"", 1, 0, false, false}, {"Min", 1, 1, false, false}, {"Half", 2, 0, false, false},
		{"Scaled", 1, 0, true, false}, {"ScaledMin", 1, 1, true, false}, {"ScaledHalf", 2, 0, true, false}, {"ScaledHalfMin", 2, 2, true, false},
		{"Signed", 1, 0, false, true}, {"ScaledSigned", 1, 0, true, true}}
	bytesForms = []form{{"", 1, 0, false, false}, {"Min", 1, 1, false, false}, {"Half", 2, 0, false, false}, {"HalfMin", 2, 2, false, false},
		{"Signed", 1, 0, false, true}}
)

// The widths of tiles that there are kernels for.
var (
	narrowWidths = []int{1, 2, 4}
	bytesWidths  = []int{1, 2, 4, 8}
)

// tile is the kernel of tiles of one kind, form and width. It goes four times over the blocks, with four rows of the panel
// each time, whose results stay in registers: one for each column. The products of a block are summed in a register for
// each column or, in exact computation, in two: of the high parts of activations and the low ones.
//
// Codes are multiplied as signed bytes: SDOT adds four products to each of four rows.
type tile struct {
	*asm
	form
	exact bool
	width int

	codes, d, min, scales, xs, xsum, init, row reg
	x                                          []reg
	acc, sums, totals, q, in                   []int // registers: results, sums, those of sub-blocks, codes, activations
	mask                                       int
}

func tiles(a *asm) {
	for _, f := range narrowForms {
		for _, w := range narrowWidths {
			(&tile{asm: a, form: f, exact: true, width: w}).write()
		}
	}
	for _, f := range bytesForms {
		for _, w := range bytesWidths {
			(&tile{asm: a, form: f, width: w}).write()
		}
	}
}

func (k *tile) name() string {
	kind := "bytes"
	if k.exact {
		kind = "narrow"
	}
	return fmt.Sprintf("%s%s%dNEON", kind, k.form.name, k.width)
}

// offset says that sums begin with those of activations times the offset of codes.
func (k *tile) offset() bool { return k.minima == 0 && !k.signed }

func (k *tile) write() {
	kind, streams := "bytes", 1
	if k.exact {
		kind, streams = "narrow", 2
	}
	k.function(k.name(), "(a *byte)", fmt.Sprintf("is %sGeneric for %d columns; a is a tileArgs.", kind, k.width))
	args := k.param("a")
	acc, codes, d := k.field(args, 0), k.field(args, 16), k.field(args, 24)
	k.codes, k.d, k.xs, k.row = k.r(), k.r(), k.r(), k.field(args, 96)
	var min, scales reg
	if k.minima > 0 {
		min, k.min, k.xsum = k.field(args, 32), k.r(), k.r()
	}
	if k.scaled {
		scales, k.scales = k.field(args, 40), k.r()
	}
	if k.offset() {
		k.init = k.r()
	}
	for range k.width {
		k.x = append(k.x, k.r())
	}
	rows, n, t := k.r(), k.r(), k.r()
	k.acc, k.sums, k.q, k.in = k.vs(k.width), k.vs(streams*k.width), k.vs(4), k.vs(8)
	if k.scaled && k.subs == 2 {
		k.totals = k.vs(k.width)
	}
	if k.signed {
		k.mask = k.v()
		k.do(moviB, k.mask, 128)
	}
	eachResult := func(i instruction) {
		k.move(acc, t)
		k.load(n, args, 8)
		for _, v := range k.acc {
			k.do(i, v, int(t), int(n))
		}
	}
	k.set(4, rows)
	k.loop("rows", rows, func() {
		eachResult(ld1Post)
		k.move(codes, k.codes)
		k.move(d, k.d)
		k.load(k.xs, args, 64)
		k.load(k.x[0], args, 48)
		k.load(t, args, 56)
		for c := 1; c < k.width; c++ {
			k.line("ADD %s, %s, %s", t, k.x[c-1], k.x[c])
		}
		if k.minima > 0 {
			k.move(min, k.min)
			k.load(k.xsum, args, 72)
		}
		if k.scaled {
			k.move(scales, k.scales)
		}
		if k.offset() {
			k.load(k.init, args, 80)
		}
		k.load(n, args, 88)
		k.loop("block", n, k.block)
		eachResult(st1Post)
		k.advance(acc, 16)
		k.advance(codes, 16)
		k.advance(d, 16)
		if k.minima > 0 {
			k.advance(min, 16)
		}
		if k.scaled {
			k.advance(scales, 4)
		}
	})
	k.ret()
}

// block adds the products of a block to the results.
func (k *tile) block() {
	for h := range k.subs {
		k.begin()
		per := 2 / k.subs
		for q := h * per; q < (h+1)*per; q++ {
			k.dots(q)
		}
		sums := k.sums
		if k.exact {
			sums = sums[:k.width]
			for c, s := range sums { // 128 high + low
				k.do(shl, s, s, 7)
				k.do(add, s, s, k.sums[k.width+c])
			}
		}
		if !k.scaled {
			k.add(sums, h)
			continue
		}
		scale := k.q[0]
		k.do(ldrS, scale, int(k.scales), 16*h)
		k.do(sxtlB, scale, scale)
		k.do(sxtlH, scale, scale)
		for c, s := range sums {
			switch {
			case k.subs == 1:
				k.do(mul, s, s, scale)
			case h == 0:
				k.do(mul, k.totals[c], s, scale)
			default:
				k.do(mla, k.totals[c], s, scale)
			}
		}
	}
	ds := k.subs
	if k.scaled {
		ds = 1
		if k.subs == 1 {
			k.add(k.sums[:k.width], 0)
		} else {
			k.add(k.totals, 0)
		}
		k.advance(k.scales, 16*k.subs)
	}
	for i := range k.minima {
		m, values := k.q[0], k.in
		k.do(ldrQ, m, int(k.min), 64*i)
		k.columns(values, k.xsum)
		for c, acc := range k.acc {
			k.do(fmlaElement, acc, m, values[c/4], c%4)
		}
	}
	if k.minima > 0 {
		k.advance(k.min, 64*k.minima)
	}
	k.plus(k.row, k.xs)
	k.advance(k.d, 64*ds)
	k.advance(k.codes, 512)
	for _, x := range k.x {
		k.advance(x, 32*len(k.sums)/k.width)
	}
}

// begin sets sums to what they begin with.
func (k *tile) begin() {
	low := k.sums[len(k.sums)-k.width:]
	if k.offset() {
		k.columns(k.in, k.init)
	}
	for c, s := range low {
		if k.offset() {
			k.do(dupLane, s, k.in[c/4], c%4)
		} else {
			k.do(zero, s)
		}
	}
	if k.exact {
		for _, s := range k.sums[:k.width] {
			k.do(zero, s)
		}
	}
}

// columns loads a value for each column, and advances p to the next row of such.
func (k *tile) columns(to []int, p reg) {
	switch k.width {
	case 1:
		k.do(ldrS, to[0], int(p), 0)
	case 2:
		k.do(ldrD, to[0], int(p), 0)
	default:
		for i := range k.width / 4 {
			k.do(ldrQ, to[i], int(p), 16*i)
		}
	}
	if p != k.xs { // which is needed for each scale of the block
		k.plus(k.row, p)
	}
}

// dots adds the products of half number q of the block: 16 columns, four groups.
func (k *tile) dots(q int) {
	for i, v := range k.q {
		k.do(ldrQ, v, int(k.codes), 64*(4*q+i))
	}
	for s := range k.sums { // high parts first, which lie in front of the low ones
		k.do(ldrQ, k.in[s], int(k.x[s%k.width]), 16*q+32*(s/k.width))
	}
	if k.signed {
		for _, v := range k.q {
			k.do(eor, v, v, k.mask)
		}
	}
	for i, v := range k.q {
		for s, sum := range k.sums {
			k.do(sdot, sum, v, k.in[s], i)
		}
	}
}

// add adds sums, as float32, times scale number h of the block and the activations' to the results.
func (k *tile) add(sums []int, h int) {
	scale, t, xs := k.q[0], k.q[1:4], k.in
	k.do(ldrQ, scale, int(k.d), 64*h)
	k.columns(xs, k.xs)
	for c, s := range sums {
		k.do(fmulElement, t[c%3], scale, xs[c/4], c%4)
		k.do(scvtf, s, s)
		k.do(fmla, k.acc[c], s, t[c%3])
	}
}
