//go:build amd64 && gc && !noasm && !purego

package codec

import "math"

// symmetricFactors are what searchSymmetric divides by the largest element.
func symmetricFactors(nmax int32) (f [len(offsets)]float32) {
	for t, o := range offsets {
		f[t] = -(float32(nmax) + o)
	}
	return f
}

var factorsQ3K, factorsQ6K, factorsOfScalesQ3K = symmetricFactors(4), symmetricFactors(32), symmetricFactors(32)

// onesFirst lists for each byte the places of its ones and then those of its zeros.
var onesFirst = func() (t [256][8]uint32) {
	for b := range t {
		n := 0
		for _, one := range []int{1, 0} {
			for i := range 8 {
				if b>>i&1 == one {
					t[b][n] = uint32(i)
					n++
				}
			}
		}
	}
	return t
}()

// searchSubBlocks searches the scales of 16 sub-blocks of 16 with the weights in g.
func (k *lanes) searchSubBlocks(g *group, factors *float32, nmax float32) {
	for j := range 16 {
		at, v := 16*j*k.n, j*k.n
		k.searchSymmetric(&g.scale[v], &g.inverse[v], &g.scratch[0], &g.x[at], &g.w[at], factors, 16, nmax)
	}
}

// encodeQ6K encodes in lanes.
func (k *lanes) encodeQ6K(dst []byte, src []float32, cols int, weights []float32) {
	k.eachGroup(dst, src, cols, weights, superBlock, 210, func(g *group) (odd uint32) {
		if weights == nil {
			k.square(&g.w[0], &g.x[0], superBlock)
		}
		k.searchSubBlocks(g, &factorsQ6K[0], 32)
		k.scaleSigned(&g.d[0], &g.levels[0], &g.scale[0], 16, 128, tooSmall)
		return 0
	}, func(g *group, l int, dst []byte, x []float32) {
		grid := &g.symmetric
		k.setSymmetric(g, l, 0)
		if g.d[l] == 0 {
			clear(g.codes[:])
		} else {
			k.codesOfSearch(g, l, x, 32)
			roundSymmetric16AVX2(&g.codes[0], &x[0], &grid.scale[0], 16, 32)
		}
		packQ6K(dst, grid, &g.codes)
	}, encodeQ6KBlock)
}

// encodeQ3K encodes in lanes.
func (k *lanes) encodeQ3K(dst []byte, src []float32, cols int, weights []float32) {
	k.eachGroup(dst, src, cols, weights, superBlock, 110, func(g *group) (odd uint32) {
		if weights == nil {
			k.searchDescentQ3K(&g.scale[0], &g.descent[0], &g.x[0], &onesFirst[0], 16)
			k.scaleSigned(&g.d[0], &g.levels[0], &g.scale[0], 16, 32, math.SmallestNonzeroFloat32)
			return 0
		}
		k.weigh(g, 2)
		k.sums(&g.sumw[0], &g.w[0], 16, 16)
		k.searchSubBlocks(g, &factorsQ3K[0], 4)
		if !(Largest(g.scale[:16*k.n]) <= math.MaxFloat32) {
			return ^uint32(0) // sums overflowed
		}
		k.searchSymmetric(&g.d[0], &g.dmin[0], &g.scratch[0], &g.scale[0], &g.sumw[0], &factorsOfScalesQ3K[0], 16, 32)
		k.levelsSymmetric(&g.levels[0], &g.scale[0], &g.dmin[0], 16, 32)
		return 0
	}, func(g *group, l int, dst []byte, x []float32) {
		grid := &g.symmetric
		if weights == nil {
			k.setSymmetric(g, l, 0)
			if g.d[l] == 0 {
				for j := range grid.ls {
					grid.ls[j] = -32
				}
			}
			for j, s := range grid.scale {
				if s == 0 { // the codes of the search stay
					searchDescent(4, x[16*j:16*j+16], g.codes[16*j:16*j+16])
				}
			}
		} else {
			k.setSymmetric(g, l, 32)
			k.codesOfSearch(g, l, x, 4)
		}
		roundSymmetric16AVX2(&g.codes[0], &x[0], &grid.scale[0], 16, 4)
		packQ3K(dst, grid, &g.codes)
	}, encodeQ3KBlock)
}

// setSymmetric sets the grid of lane l, the levels of its scales being offset too large.
func (k *lanes) setSymmetric(g *group, l int, offset int8) {
	for j := range g.symmetric.ls {
		g.symmetric.ls[j] = int8(int32(g.levels[j*k.n+l]) - int32(offset))
	}
	g.symmetric.set(g.d[l])
}

// codesOfSearch sets codes of sub-blocks whose scale became 0 to those of searchSymmetric.
func (k *lanes) codesOfSearch(g *group, l int, x []float32, nmax int32) {
	for j, s := range g.symmetric.scale {
		if s != 0 {
			continue
		}
		inverse := g.inverse[j*k.n+l]
		for i, v := range x[16*j : 16*j+16] {
			var code int32
			if inverse != 0 {
				code = nmax + clamp(nearest(float32(inverse*v)), -nmax, nmax-1)
			}
			g.codes[16*j+i] = uint8(code)
		}
	}
}
