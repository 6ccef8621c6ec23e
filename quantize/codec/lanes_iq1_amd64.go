//go:build amd64 && gc && !noasm && !purego

package codec

import "sync"

// iq1Work is what the search of IQ1 works in, for the sub-blocks in the lanes.
type iq1Work struct {
	places                   [32 * maxLanes]uint32 // of elements when sorted
	sortedX, sortedW, second [32 * maxLanes]float32
	scratch                  [400 * maxLanes]float32
	rows, weights            [32 * maxLanes]float32 // elements and weights, sub-block after sub-block
	codes, found             [4 * gridRows * maxLanes]uint16

	most                [2 * maxLanes]float32 // the largest magnitude, and the largest weight
	scale, sumqx, sumq2 [maxLanes]float32
	split               [maxLanes]int32
	wanted              [maxLanes]uint16

	// What is found for super-blocks.
	points  [32 * maxLanes]uint16
	shifts  [32 * maxLanes]uint32 // of groups: 0, or 4 for minus
	factors [16 * maxLanes]float32
	blocks  [maxLanes]iq1Block
}

var iq1Works = sync.Pool{New: func() any { return new(iq1Work) }}

var ones = func() (f [maxLanes]float32) {
	for l := range f {
		f[l] = 1
	}
	return f
}()

// encodeIQ1S encodes in lanes.
func (k *iqLanes) encodeIQ1S(dst []byte, src []float32, cols int, weights []float32) {
	gridIQ1.searchable()
	w := iq1Works.Get().(*iq1Work)
	defer iq1Works.Put(w)
	k.eachGroup(dst, src, cols, weights, superBlock, 50, func(g *group) (odd uint32) {
		k.setSigma2(g, 2)
		if weights != nil {
			k.weighLanes(&g.w[0], &g.x[0], &g.sigma2[0], superBlock)
		} else {
			k.weighEvenly(&g.w[0], &g.x[0], &g.sigma2[0], superBlock)
		}
		return k.fitIQ1(w, g, 32)
	}, func(_ *group, l int, dst []byte, _ []float32) { packIQ1S(dst, &w.blocks[l]) }, encodeIQ1SBlock)
}

// encodeIQ1M encodes in lanes.
func (k *iqLanes) encodeIQ1M(dst []byte, src []float32, cols int, weights []float32) {
	gridIQ1.searchable()
	w := iq1Works.Get().(*iq1Work)
	defer iq1Works.Put(w)
	k.eachGroup(dst, src, cols, weights, superBlock, 56, func(g *group) (odd uint32) {
		if weights != nil {
			k.setSigma2(g, 2)
			k.weighLanes(&g.w[0], &g.x[0], &g.sigma2[0], superBlock)
		} else {
			k.square(&g.w[0], &g.x[0], superBlock)
		}
		odd = k.fitIQ1(w, g, 16)
		k.refitIQ1M(w, g)
		return odd
	}, func(_ *group, l int, dst []byte, _ []float32) { packIQ1M(dst, &w.blocks[l]) }, encodeIQ1MBlock)
}

// setSigma2 sets sigma2 to so many times the mean squares of super-blocks.
func (k *iqLanes) setSigma2(g *group, times float32) {
	clear(g.sigma2[:])
	k.squares(&g.sigma2[0], &g.x[0], superBlock)
	for l, s := range g.sigma2 {
		g.sigma2[l] = times * s / superBlock
	}
}

// fitIQ1 fits the super-blocks in the lanes, whose sub-blocks have n elements.
func (k *iqLanes) fitIQ1(w *iq1Work, g *group, n int) (odd uint32) {
	for l := range w.blocks {
		w.blocks[l] = iq1Block{}
	}
	for b := range superBlock / n {
		odd |= k.fitSubBlocks(w, b, n, &g.x[n*b*k.n], &g.w[n*b*k.n])
	}
	return odd
}

// fitSubBlocks fits the sub-blocks b.
func (k *iqLanes) fitSubBlocks(w *iq1Work, b, n int, x, weights *float32) (odd uint32) {
	groups := n / 8
	tooSmall := float32(tooSmallIQ1M)
	if n == 32 {
		tooSmall = tooSmallIQ1S
		k.iq1Sort32(&w.places[0], &w.most[0], &w.sortedX[0], &w.sortedW[0], x, weights)
		k.splitIQ1S(&w.scale[0], &w.split[0], &w.sortedX[0], &w.sortedW[0], &w.scratch[0])
	} else {
		k.iq1Sort16(&w.places[0], &w.most[0], &w.sortedX[0], &w.sortedW[0], &w.second[0], x, weights)
		k.splitIQ1M(&w.scale[0], &w.split[0], &w.sortedX[0], &w.sortedW[0], &w.second[0], &w.scratch[0])
	}
	all := uint16(1)<<groups - 1
	shifts := w.shifts[b*groups*k.n:][:groups*k.n]
	clear(shifts)
	for l := range k.n {
		w.wanted[l] = all + 1
		if !(w.most[l]*w.most[k.n+l] < large) {
			odd |= 1 << l // where float32 overflows, splitScores does not follow its definition
		}
		if w.split[l] < 0 || w.most[l] < tooSmall {
			continue
		}
		// Groups from the lowest bit on.
		shift := uint16(w.split[l] >> 16)
		if n == 32 {
			shift *= all
		} else {
			shift = shift>>1 | shift&1<<1
		}
		if w.scale[l] < 0 {
			shift ^= all
		}
		w.wanted[l] |= all | shift<<12
		for q := range groups {
			shifts[q*k.n+l] = uint32(shift>>q&1) * 4
		}
		w.blocks[l].minus |= uint32(shift) << (b * groups)
	}
	k.iq1Codes(&w.codes[0], &w.scale[0], &w.split[0], &w.places[0], groups)
	k.gridRows(&w.rows[0], x, n)
	k.gridRows(&w.weights[0], weights, n)
	t := gridIQ1.tables(k.n)
	k.iq1Nearest(&w.found[0], &w.codes[0], &w.scale[0], &w.rows[0], &w.weights[0], &w.wanted[0], 1, &t.lookup[0], &t.lists[0], &t.points[0])

	// Where a point is not that of the lattice, the scale is fitted to the points.
	points := w.points[b*groups*k.n:]
	for q := range groups {
		for l, i := range w.found[q*gridRows*k.n:][:k.n] {
			if w.wanted[l]&all == 0 {
				i = 0 // those that are left out count as the first point
			}
			points[q*k.n+l] = i
		}
	}
	clear(w.sumqx[:])
	clear(w.sumq2[:])
	k.iq1Sums(&w.sumqx[0], &w.sumq2[0], x, weights, &points[0], 2*k.n, &t.levels[0], &shifts[0], &ones[0], groups)
	for l := range k.n {
		if w.wanted[l]&all == 0 {
			continue
		}
		onGrid := true
		block := &w.blocks[l]
		for q := range groups {
			block.index[b*groups+q] = points[q*k.n+l]
			onGrid = onGrid && t.onGrid(w.codes[q*gridRows*k.n+l])
		}
		scale := w.scale[l]
		if !onGrid && w.sumqx[l] > 0 && w.sumq2[l] > 0 {
			scale = w.sumqx[l] / w.sumq2[l]
		}
		block.scales[b] = scale
	}
	return odd
}

// refitIQ1M rounds the scales and fits those of the super-blocks once more.
func (k *iqLanes) refitIQ1M(w *iq1Work, g *group) {
	for l := range k.n {
		w.blocks[l].roundIQ1M()
		for b, level := range w.blocks[l].levels {
			w.factors[b*k.n+l] = float32(2*level + 1)
		}
	}
	clear(w.sumqx[:])
	clear(w.sumq2[:])
	t := gridIQ1.tables(k.n)
	for b := range 16 {
		at := 16 * b * k.n
		k.iq1Sums(&w.sumqx[0], &w.sumq2[0], &g.x[at], &g.w[at], &w.points[2*b*k.n], 2*k.n, &t.levels[0], &w.shifts[2*b*k.n], &w.factors[b*k.n], 2)
	}
	for l := range k.n {
		w.blocks[l].refitIQ1M(w.sumqx[l], w.sumq2[l])
	}
}
