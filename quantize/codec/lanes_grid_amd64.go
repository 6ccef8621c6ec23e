//go:build amd64 && gc && !noasm && !purego

package codec

import (
	"math"
	"sync"
)

// gridKernels are the functions for grids of so many dimensions.
type gridKernels struct {
	codes   func(codes *uint16, scales, x, most, factors *float32, groups, tries int)
	lines   func(found, codes *uint16, scales, x, roots *float32, wanted *uint16, tries int, lookup, lists *uint32, points *uint16, scratch *float32)
	nearest func(found, codes *uint16, scales, x, roots *float32, wanted *uint16, tries int, lookup, lists *uint32, points *uint16)
	choose  func(scale, best *float32, taken *uint32, x, w *float32, points *uint16, groups, tries int)
}

// gridRows is how many tries of a group there is room for.
const gridRows = 32

// gridWork is what the search works in, for the sub-blocks in the lanes.
type gridWork struct {
	x, roots         [32 * maxLanes]float32          // magnitudes and the roots of weights
	xRows, rootsRows [32 * maxLanes]float32          // the same, sub-block after sub-block
	codes, found     [8 * gridRows * maxLanes]uint16 // lattice points, and the grid points found for them
	scales           [gridRows * maxLanes]float32    // of the tries
	levels           [32 * maxLanes]float32          // of searchPositive
	scratch          [192 * maxLanes]float32         // of lines
	limits           [3 * maxLanes]float32           // the largest magnitude, x without sign and weight

	scale, best, most, again [maxLanes]float32
	taken                    [maxLanes]uint32 // the best try, none for all bits
	wanted                   [maxLanes]uint16 // groups to be searched, and a bit above

	// What is kept for super-blocks.
	signs  [32 * maxLanes]uint32
	fitted [16 * maxLanes]float32 // scales
	left   [16]uint32             // lanes whose sub-block of this number is left out
	points [64 * maxLanes]uint16
	block  gridBlock
}

var gridWorks = sync.Pool{New: func() any { return new(gridWork) }}

// gridSearch is the search of a format in lanes.
type gridSearch struct {
	*iqLanes
	*gridFormat
	gridKernels
	groups, count int       // of a sub-block; tries
	factors       []float32 // of the tries, and 1
	four          []float32 // positiveFactors(4)
	part          func(most, magnitudes, roots *float32, signs *uint32, x, w *float32, groups int)
}

// encodeGrid returns the encoder in lanes.
func (k *iqLanes) encodeGrid(f *gridFormat, bytes int, pack func(dst []byte, b *gridBlock), block func(dst []byte, x, weights []float32)) encoder {
	s := k.newGridSearch(f)
	return func(dst []byte, src []float32, cols int, weights []float32) {
		f.grid.searchable()
		w := gridWorks.Get().(*gridWork)
		defer gridWorks.Put(w)
		k.eachGroup(dst, src, cols, weights, superBlock, bytes,
			func(g *group) (odd uint32) { return s.fit(w, g, weights != nil) },
			func(_ *group, l int, dst []byte, _ []float32) { pack(dst, s.take(w, l)) }, block)
	}
}

func (k *iqLanes) newGridSearch(f *gridFormat) *gridSearch {
	s := &gridSearch{iqLanes: k, gridFormat: f, gridKernels: k.grids8, groups: f.sub / f.grid.dims, count: 2*f.tries + 1, part: k.gridSigns, four: positiveFactors(4)}
	if f.grid.dims == 4 {
		s.gridKernels = k.grids4
	}
	if f.evenSigns {
		s.part = k.gridEvenSigns
	}
	for t := range s.count {
		s.factors = append(s.factors, float32(2*f.grid.levels-1)+float32(float32(t-f.tries)*f.delta))
	}
	s.factors = append(s.factors, 1)
	return s
}

// fit fits the super-blocks in the lanes, but for odd ones.
func (s *gridSearch) fit(w *gridWork, g *group, weighed bool) (odd uint32) {
	s.setSigma2(g, s.sigma)
	switch {
	case weighed:
		s.weighLanes(&g.w[0], &g.x[0], &g.sigma2[0], superBlock)
	case s.unweighed == evenly:
		s.weighEvenly(&g.w[0], &g.x[0], &g.sigma2[0], superBlock)
	case s.unweighed == raised:
		s.weighRaised(&g.w[0], &g.x[0], &g.sigma2[0], superBlock)
	default:
		s.square(&g.w[0], &g.x[0], superBlock)
	}
	t := s.grid.tables(s.n)
	for b := range superBlock / s.sub {
		odd |= s.search(w, t, b, &g.x[b*s.sub*s.n], &g.w[b*s.sub*s.n])
	}
	return odd
}

// search searches for the sub-blocks b.
func (s *gridSearch) search(w *gridWork, t *gridTables, b int, x, weights *float32) (odd uint32) {
	s.part(&w.limits[0], &w.x[0], &w.roots[0], &w.signs[b*s.sub/8*s.n], x, weights, s.sub/8)
	if s.positive {
		s.searchPositive(&w.scale[0], &w.levels[0], &w.x[0], weights, &s.four[0], s.sub, 4)
	}
	odd = s.begin(w, b)
	s.gridRows(&w.xRows[0], &w.x[0], s.sub)
	s.gridRows(&w.rootsRows[0], &w.roots[0], s.sub)
	s.codes(&w.codes[0], &w.scales[0], &w.x[0], &w.most[0], &s.factors[0], s.groups, s.count)
	s.lines(&w.found[0], &w.codes[0], &w.scales[0], &w.xRows[0], &w.rootsRows[0], &w.wanted[0], s.count, &t.lookup[0], &t.lists[0], &t.points[0], &w.scratch[0])
	s.choose(&w.scale[0], &w.best[0], &w.taken[0], &w.x[0], weights, &w.found[0], s.groups, s.count)

	odd |= s.chosen(w, t)
	s.codes(&w.codes[0], &w.scales[0], &w.x[0], &w.again[0], &s.factors[s.count], s.groups, 1)
	copy(w.scales[:s.n], w.again[:])
	s.nearest(&w.found[0], &w.codes[0], &w.scales[0], &w.xRows[0], &w.rootsRows[0], &w.wanted[0], 1, &t.lookup[0], &t.lists[0], &t.points[0])
	for l := range w.best {
		w.best[l], w.again[l] = -maxFloat32, w.scale[l]
	}
	s.choose(&w.again[0], &w.best[0], &w.taken[0], &w.x[0], weights, &w.found[0], s.groups, 1)
	s.keep(w, b)
	return odd
}

// begin sets the first scales and what the tries are around, and says which sub-blocks are searched.
func (s *gridSearch) begin(w *gridWork, b int) (odd uint32) {
	w.left[b] = 0
	for l := range s.n {
		most, extreme, heaviest := w.limits[l], w.limits[s.n+l], w.limits[2*s.n+l]
		left := most < s.tooSmall
		if s.positive {
			most = w.scale[l] * 3
			left = left || most <= 0
		} else {
			w.scale[l] = most / float32(2*s.grid.levels-1)
		}
		w.wanted[l] = s.all() + 1
		switch {
		case left:
			w.left[b] |= 1 << l
			most = 1
		case !(extreme < large && heaviest < large && most > 1/large && near(extreme*s.factors[s.count-1], most)):
			odd |= 1 << l
			most = 1
		default:
			w.wanted[l] |= s.all()
		}
		w.most[l], w.best[l], w.taken[l] = most, 0, math.MaxUint32
	}
	return odd
}

// What is beyond these bounds, or so many scales large that rounding leaves the range of nearest, is left to the
// definition.
const large = 0x1p55

func near(x, scale float32) bool { return x < scale*(1<<20) }

// all has a bit for each group.
func (s *gridSearch) all() uint16 { return 1<<s.groups - 1 }

// chosen puts the points of the best tries into the first rows, and says what is searched again with which scale.
func (s *gridSearch) chosen(w *gridWork, t *gridTables) (odd uint32) {
	for l := range s.n {
		searched := w.wanted[l] & s.all()
		w.wanted[l], w.again[l] = s.all()+1, 1
		if searched == 0 {
			continue
		}
		var off uint16
		if w.taken[l] == math.MaxUint32 { // the first point has the lowest levels
			for k := range s.groups {
				w.found[k*gridRows*s.n+l] = 0
			}
			if s.gridFormat.again == allIfOffGrid {
				off = 1
			}
		} else {
			for k := range s.groups {
				first := k*gridRows*s.n + l
				try := first + int(w.taken[l])*s.n
				w.found[first] = w.found[try]
				if !t.onGrid(w.codes[try]) {
					off |= 1 << k
				}
			}
		}
		scale := w.scale[l]
		if !(scale > 0) || off == 0 && s.gridFormat.again != all {
			continue
		}
		if !near(w.limits[s.n+l], scale) {
			odd |= 1 << l
			continue
		}
		if s.gridFormat.again != offGrid {
			off = s.all()
		}
		w.wanted[l] |= off
		w.again[l] = scale
	}
	return odd
}

// keep stores what was found for the sub-blocks b: again has the scales that fit the points best.
func (s *gridSearch) keep(w *gridWork, b int) {
	for l := range s.n {
		scale := w.scale[l]
		if w.wanted[l] != s.all()+1 {
			scale = w.again[l]
		}
		w.fitted[b*s.n+l] = scale
	}
	for k := range s.groups {
		copy(w.points[(b*s.groups+k)*s.n:][:s.n], w.found[k*gridRows*s.n:])
	}
}

// take returns the super-block in lane l. A negative scale turns all signs.
func (s *gridSearch) take(w *gridWork, l int) *gridBlock {
	w.block = gridBlock{}
	numbers := s.grid.tables(s.n).numbers
	for b := range superBlock / s.sub {
		if w.left[b]>>l&1 != 0 {
			w.block.left[b] = true
			continue
		}
		scale, turn := w.fitted[b*s.n+l], uint8(0)
		if scale < 0 {
			scale, turn = -scale, 0xff
		}
		w.block.scales[b] = scale
		for k := b * s.groups; k < (b+1)*s.groups; k++ {
			w.block.index[k] = numbers[w.points[k*s.n+l]]
		}
		for k := b * s.sub / 8; k < (b+1)*s.sub/8; k++ {
			w.block.signs[k] = uint8(w.signs[k*s.n+l]) ^ turn
		}
	}
	return &w.block
}
