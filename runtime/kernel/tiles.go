package kernel

// A tile is the product of a stretch of columns of one panel (16 rows) with the activations of a few tokens: the piece of
// work of one kernel call. All tiers compute
//
//	acc = fma(float32(sum), d*xs, acc)         for each block of 32 columns, from left to right,
//	acc = fma(min, xsum, acc)                  and then for each of its minima,
//
// where sum is the exact integer sum of level * sub-scale * activation, d the scale of the weights (times the
// power of two of the format), xs that of the activations, min the minimum of the weights (Min, or -Min*minimum),
// and xsum the sum of the activations that it holds for, times xs. In exact computation activations have 15 bits. In
// fast computation they have 8, there is a sum for each sub-block, and d has its sub-scale in it.
//
// Scales of 16 columns without sub-scales (NVFP4) have a sum each in both.
type tile struct {
	acc    []float32 // width rows of 16
	stride int       // of acc
	codes  []byte    // unpacked, 512 bytes a block
	most   int       // the greatest that codes can be
	words  []int16   // or levels times sub-scales, 512 a block
	d      []float32 // 16 for each sum
	min    []float32 // 16 for each minimum
	scales []byte    // int8, 16 for each sub-block: of narrow, for formats with sub-scales; else nil

	// Activations, a row for each column of the tile: bytes in fast computation; in exact computation for each block the
	// high parts, then the low parts, activation = 128*high + low, or, of words, int16 in the order of their pairs.
	x       []int8
	x16     []int16
	xStride int // elements from row to row

	// A value for each column, one row for each block, or more.
	xs   []float32 // for each block
	xsum []float32 // for each minimum
	init []int32   // what the sum of a sub-block begins with: that of the activations times the offset of codes, negated

	blocks, width int
	subs          int // sub-blocks of a block: 1 or 2
	minima        int // minima of a block: 0, 1 or 2

	args tileArgs // of assembly
}

// levels adds to dst, for each row, the sum of levels times activations of sub-block h of block b, for column c.
func (t *tile) levels(dst *[panelRows]int32, b, h, c int, activation func(i int) int32) {
	per := 8 / t.subs
	for g := h * per; g < (h+1)*per; g++ {
		x0, x1, x2, x3 := activation(4*g), activation(4*g+1), activation(4*g+2), activation(4*g+3)
		codes := t.codes[512*b+64*g:][:64]
		for r := range dst {
			q := codes[4*r:][:4]
			dst[r] += int32(q[0])*x0 + int32(q[1])*x1 + int32(q[2])*x2 + int32(q[3])*x3
		}
	}
	start := t.init[(b*t.subs+h)*t.width+c]
	for r := range dst {
		dst[r] += start
	}
}

// add adds sums times scale number d.
func (t *tile) add(c int, sums *[panelRows]int32, b, d int) {
	acc, ds, xs := t.acc[c*t.stride:][:panelRows], t.d[d*panelRows:][:panelRows], t.xs[b*t.width+c]
	for r := range acc {
		acc[r] = fma32(float32(sums[r]), float32(ds[r]*xs), acc[r])
	}
}

// addMinima adds the minima of block b.
func (t *tile) addMinima(c, b int) {
	acc := t.acc[c*t.stride:][:panelRows]
	for i := b * t.minima; i < (b+1)*t.minima; i++ {
		x, m := t.xsum[i*t.width+c], t.min[i*panelRows:][:panelRows]
		for r := range acc {
			acc[r] = fma32(m[r], x, acc[r])
		}
	}
}

// narrowGeneric is the specification of tier.narrow: exact computation on codes, for few tokens.
func narrowGeneric(t *tile) {
	for b := range t.blocks {
		for c := range t.width {
			x := t.x[c*t.xStride+2*b*blockCols:][:2*blockCols]
			activation := func(i int) int32 { return int32(x[i])*128 + int32(x[blockCols+i]) }
			var total [panelRows]int32
			for h := range t.subs {
				var sums [panelRows]int32
				t.levels(&sums, b, h, c, activation)
				if t.scales == nil {
					t.add(c, &sums, b, b*t.subs+h)
					continue
				}
				for r := range total {
					total[r] += sums[r] * int32(int8(t.scales[(b*t.subs+h)*panelRows+r]))
				}
			}
			if t.scales != nil {
				t.add(c, &total, b, b)
			}
			t.addMinima(c, b)
		}
	}
}

// wideGeneric is the specification of tier.wide: exact computation on words, for many tokens. It gives what narrow does.
func wideGeneric(t *tile) {
	per := 16 / t.subs
	for b := range t.blocks {
		for c := range t.width {
			x := t.x16[c*t.xStride+b*blockCols:][:blockCols]
			for h := range t.subs {
				var sums [panelRows]int32
				for p := h * per; p < (h+1)*per; p++ {
					words, x0, x1 := t.words[512*b+32*p:][:32], int32(x[2*p]), int32(x[2*p+1])
					for r := range sums {
						sums[r] += int32(words[2*r])*x0 + int32(words[2*r+1])*x1
					}
				}
				t.add(c, &sums, b, b*t.subs+h)
			}
			t.addMinima(c, b)
		}
	}
}

// bytesGeneric is the specification of tier.bytes: fast computation on codes.
func bytesGeneric(t *tile) {
	for b := range t.blocks {
		for c := range t.width {
			x := t.x[c*t.xStride+b*blockCols:][:blockCols]
			for h := range t.subs {
				var sums [panelRows]int32
				t.levels(&sums, b, h, c, func(i int) int32 { return int32(x[i]) })
				t.add(c, &sums, b, b*t.subs+h)
			}
			t.addMinima(c, b)
		}
	}
}
