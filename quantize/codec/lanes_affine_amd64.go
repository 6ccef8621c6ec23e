//go:build amd64 && gc && !noasm && !purego

package codec

// factors are what searchAffine divides by the range to get the inverse scales that it tries.
func (a affine) factors() []float32 {
	f := make([]float32, a.steps+2) // the last is not tried
	for s := range f {
		f[s] = a.rmin + float32(a.rdelta*float32(s)) + float32(a.nmax)
	}
	return f
}

// positiveFactors are what searchPositive divides by the largest element.
func positiveFactors(nmax int32) []float32 {
	var f []float32
	for is := -4; is <= 4; is++ {
		if is != 0 {
			f = append(f, float32(0.1*float32(is))+float32(nmax))
		}
	}
	return f
}

// encodeAffine encodes a K-quant with minima in lanes.
func (k *lanes) encodeAffine(f *affineK, bytes int, pack func(dst []byte, grid *affineGrid, L *[superBlock]uint8), block func(dst []byte, x, weights []float32)) encoder {
	plain, weighed, positive := f.plain.factors(), weighedAffine(f.plain.nmax).factors(), positiveFactors(f.top)
	round := roundAffine32AVX2
	if f.size == 16 {
		round = roundAffine16AVX2
	}
	n := superBlock / f.size
	return func(dst []byte, src []float32, cols int, weights []float32) {
		factors := plain
		if weights != nil {
			factors = weighed
		}
		fit := func(g *group) (odd uint32) {
			k.weighAffine(g, f, weights != nil)
			search := k.searchAffine
			if weights == nil && f.plain.absolute {
				search = k.searchAffineAbsolute
			}
			for j := 0; j < n; j += 2 {
				at := j * f.size * k.n
				o := search(&g.scale[j*k.n], &g.scratch[0], &g.x[at], &g.w[at], &factors[0], len(factors)-1, f.size, float32(f.plain.nmax))
				odd |= o | o>>k.n
			}
			if weights != nil {
				k.searchPositive(&g.d[0], &g.levels[0], &g.scale[0], &g.sumw[0], &positive[0], n, float32(f.top))
				k.searchPositive(&g.dmin[0], &g.levels2[0], &g.minimum[0], &g.sumw[0], &positive[0], n, float32(f.top))
			} else {
				k.scaleTo(&g.d[0], &g.levels[0], &g.scale[0], n, float32(f.top))
				k.scaleTo(&g.dmin[0], &g.levels2[0], &g.minimum[0], n, float32(f.top))
			}
			return odd
		}
		finish := func(g *group, l int, dst []byte, x []float32) {
			grid := &g.grid
			for j := range n {
				grid.ls[j], grid.lm[j] = uint8(g.levels[j*k.n+l]), uint8(g.levels2[j*k.n+l])
			}
			grid.set(g.d[l], g.dmin[l], n)
			for j, s := range grid.scale[:n] {
				if s == 0 { // the codes of the search stay
					inverse, from := g.inverse[j*k.n+l], g.from[j*k.n+l]
					L := g.codes[j*f.size:]
					for i, v := range x[j*f.size : j*f.size+f.size] {
						L[i] = uint8(step(float32(inverse*(v-from)), stepOfZero, uint32(f.plain.nmax)) - stepOfZero)
					}
				}
			}
			round(&g.codes[0], &x[0], &grid.scale[0], &grid.minimum[0], n, f.plain.nmax)
			pack(dst, grid, &g.codes)
		}
		k.eachGroup(dst, src, cols, weights, superBlock, bytes, fit, finish, block)
	}
}

// weighAffine sets the weights of elements.
func (k *lanes) weighAffine(g *group, f *affineK, weighed bool) {
	switch {
	case weighed:
		k.weigh(g, f.squares)
	case f.average:
		k.weighPlain(&g.w[0], &g.x[0], superBlock/32)
	default:
		k.magnitudes(&g.w[0], &g.x[0], superBlock)
	}
}

// weigh turns the columns' weights into those of elements; the mean square of a super-block counts so many times.
func (k *lanes) weigh(g *group, squares float32) {
	clear(g.sigma2[:])
	k.squares(&g.sigma2[0], &g.x[0], superBlock)
	for l, s := range g.sigma2 {
		g.sigma2[l] = squares * s / superBlock
	}
	k.weighLanes(&g.w[0], &g.x[0], &g.sigma2[0], superBlock)
}
