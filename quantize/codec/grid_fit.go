package codec

// gridFit is the search for one sub-block.
type gridFit struct {
	*gridFormat
	points []point
	groups int
	x      [32]float32 // magnitudes
	weight [32]float32
	root   [32]float32 // square roots of the weights
	wx     [32]float32 // weight * x
	signs  [4]uint8    // of 8 elements
	index  [8]uint16   // the grid points found
	ladder ladder
	cost   costs
}

// fit fits a super-block.
func (f *gridFormat) fit(block *gridBlock, x, weights []float32) {
	s := gridFit{gridFormat: f, points: f.grid.points, groups: f.sub / f.grid.dims}
	*block = gridBlock{}
	sigma2 := f.sigma * sumSquares(x) / superBlock
	for b := range superBlock / f.sub {
		from, to := f.sub*b, f.sub*(b+1)
		sub := x[from:to]
		f.unweighed.weigh(s.weight[:f.sub], sub, part(weights, from, to), sigma2)
		for k := range f.sub / 8 {
			if f.evenSigns {
				s.signs[k] = splitEvenSigns(s.x[8*k:], sub[8*k:], s.weight[8*k:])
			} else {
				s.signs[k] = splitSigns(s.x[8*k:], sub[8*k:])
			}
		}
		scale, ok := s.search()
		if block.left[b] = !ok; ok {
			s.store(block, b, scale)
		}
	}
}

// store puts what was found for sub-block b into its super-block. A negative scale turns all signs.
func (f *gridFit) store(block *gridBlock, b int, scale float32) {
	turn := uint8(0)
	if scale < 0 {
		scale, turn = -scale, 0xff
	}
	block.scales[b] = scale
	copy(block.index[f.groups*b:], f.index[:f.groups])
	for k, s := range f.signs[:f.sub/8] {
		block.signs[f.sub/8*b+k] = s ^ turn
	}
}

// search finds points and a scale for the sub-block, unless it is left out.
func (f *gridFit) search() (scale float32, ok bool) {
	x, weight := f.x[:f.sub], f.weight[:f.sub]
	most := greatest(x)
	if most < f.tooSmall {
		return 0, false
	}
	scale = most / float32(2*f.grid.levels-1)
	if f.positive {
		var L [32]uint8
		scale = searchPositive(4, x, L[:], weight)
		if most = scale * 3; most <= 0 {
			return 0, false
		}
	}
	for i, w := range weight {
		f.root[i] = sqrt(w)
		f.wx[i] = float32(w * x[i])
	}
	f.ladder.fill(f.grid, x, most, f.delta, f.tries)
	scale, off := f.try(scale)
	return f.refine(scale, off), true
}

// groupSet has a bit for each group.
type groupSet uint8

// try tries the scales of the ladder. It returns the best scale, or the given one if none succeeds, and the groups whose
// points were not on the grid.
func (f *gridFit) try(scale float32) (float32, groupSet) {
	f.index = [8]uint16{} // point 0 of each grid is all ones
	var off, tryOff groupSet
	if f.again == allIfOffGrid {
		off = 1
	}
	var best float32
	var index, code [8]uint16
	for t := range 2*f.tries + 1 {
		values := scaledLevels(1/f.ladder.inverse[t], &oddValues)
		changed := t == 0
		for k := range f.groups {
			k &= 7
			code[k] += f.ladder.rise[t][k]
			i, on := f.snap(k, code[k], &values)
			was := tryOff>>k&1 != 0
			if i != index[k] || on == was {
				index[k] = i
				tryOff &^= 1 << k
				if !on {
					tryOff |= 1 << k
				}
				changed = true
			}
		}
		if !changed {
			continue // the same points as before win nothing
		}
		sumqx, sumq2 := f.sums(&index)
		if sumq2 > 0 && float32(sumqx*sumqx) > float32(best*sumq2) {
			scale = sumqx / sumq2
			best = float32(scale * sumqx)
			f.index, off = index, tryOff
		}
	}
	return scale, off
}

// refine searches points again with the scale, and returns that which fits them best.
func (f *gridFit) refine(scale float32, off groupSet) float32 {
	if !(scale > 0) || off == 0 && f.again != all {
		return scale
	}
	inverse := 1 / scale
	values := scaledLevels(scale, &oddValues)
	top := int32(f.grid.levels - 1)
	for k := range f.groups {
		if f.again == offGrid && off>>k&1 == 0 {
			continue
		}
		var c uint16
		for i := f.grid.dims - 1; i >= 0; i-- {
			c = c*uint16(f.grid.levels) + uint16(oddLevel(f.x[f.grid.dims*k+i], inverse, top))
		}
		f.index[k], _ = f.snap(k, c, &values)
	}
	if sumqx, sumq2 := f.sums(&f.index); sumq2 > 0 {
		scale = sumqx / sumq2
	}
	return scale
}

// sums returns Σwxq and Σwq² of the points.
func (f *gridFit) sums(index *[8]uint16) (sumqx, sumq2 float32) {
	for at, k := 0, 0; at < f.sub; k++ {
		p := &f.points[index[k&7]]
		for i := 0; i < f.grid.dims; i += 4 {
			w, wx := (*[4]float32)(f.weight[at:]), (*[4]float32)(f.wx[at:])
			for j, l := range p[i&4 : i&4+4] {
				q := oddValues[l&7]
				sumqx += float32(wx[j] * q)
				sumq2 += float32(float32(w[j]*q) * q)
			}
			at += 4
		}
	}
	return sumqx, sumq2
}

// snap returns the grid point for the lattice point of group k with this code, and whether it is on the grid;
// otherwise it is the neighbour with the least error, values being the levels times the scale.
func (f *gridFit) snap(k int, code uint16, values *[8]float32) (index uint16, onGrid bool) {
	g := f.grid
	entry := g.lookup[code]
	if entry >= 0 {
		return uint16(entry), true
	}
	list := g.around(entry)
	if g.dims == 8 {
		x, root, cost := (*[8]float32)(f.x[8*k:]), (*[8]float32)(f.root[8*k:]), &f.cost
		for i, v := range x {
			w := root[i]
			d0, d1, d2 := values[0]-v, values[1]-v, values[2]-v
			cost[4*i] = float32(float32(w*d0) * d0)
			cost[4*i+1] = float32(float32(w*d1) * d1)
			cost[4*i+2] = float32(float32(w*d2) * d2)
		}
		return g.cheapest(list, cost), false
	}
	// Lists are short: costs of all levels would take longer.
	x, root := (*[4]float32)(f.x[4*k:]), (*[4]float32)(f.root[4*k:])
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	w0, w1, w2, w3 := root[0], root[1], root[2], root[3]
	best, at := maxFloat32, list[0]
	points := g.points
	for _, n := range list {
		p := &points[n]
		diff := values[p[0]&7] - x0
		d := float32(float32(w0*diff) * diff)
		diff = values[p[1]&7] - x1
		d += float32(float32(w1*diff) * diff)
		diff = values[p[2]&7] - x2
		d += float32(float32(w2*diff) * diff)
		diff = values[p[3]&7] - x3
		d += float32(float32(w3*diff) * diff)
		if d < best {
			best, at = d, n
		}
	}
	return at, false
}
