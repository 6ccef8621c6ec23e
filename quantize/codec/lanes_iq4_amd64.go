//go:build amd64 && gc && !noasm && !purego

package codec

// fitIQ4 finds the scales of n sub-blocks of 32 in each lane.
func (k *iqLanes) fitIQ4(g *group, n int, weighed bool) (odd uint32) {
	if !weighed {
		k.square(&g.w[0], &g.x[0], 32*n)
	} else {
		clear(g.sigma2[:])
		k.squares(&g.sigma2[0], &g.x[0], 32*n)
		for l, s := range g.sigma2 {
			g.sigma2[l] = 2 * s / float32(32*n)
		}
		k.weighLanes(&g.w[0], &g.x[0], &g.sigma2[0], 32*n)
	}
	for j := range n {
		at := 32 * j * k.n
		k.searchIQ4(&g.scale[j*k.n], &g.x[at], &g.w[at], &iq4Nearest[0])
	}
	return 0
}

// packIQ4 stores the indices of sub-blocks of x.
func (k *iqLanes) packIQ4(dst []byte, x, inverses []float32) {
	if k.n == 16 {
		_, _ = dst[16*len(inverses)-1], x[32*len(inverses)-1]
		packIQ4AVX512(&dst[0], &x[0], &inverses[0], len(inverses))
		return
	}
	for j, id := range inverses {
		packIQ4(dst[16*j:], id, (*[32]float32)(x[32*j:]))
	}
}

func (k *iqLanes) encodeIQ4NL(dst []byte, src []float32, cols int, weights []float32) {
	fit := func(g *group) (odd uint32) { return k.fitIQ4(g, 1, weights != nil) }
	k.eachGroup(dst, src, cols, weights, 32, 18, fit, func(g *group, l int, dst []byte, x []float32) {
		d := g.scale[l]
		putF16(dst, d)
		k.packIQ4(dst[2:], x, []float32{inverse(d)})
	}, encodeIQ4NLBlock)
}

func (k *iqLanes) encodeIQ4XS(dst []byte, src []float32, cols int, weights []float32) {
	fit := func(g *group) (odd uint32) { return k.fitIQ4(g, 8, weights != nil) }
	k.eachGroup(dst, src, cols, weights, superBlock, 136, fit, func(g *group, l int, dst []byte, x []float32) {
		var scales, inverses [8]float32
		for j := range scales {
			scales[j] = g.scale[j*k.n+l]
		}
		storeIQ4XS(dst, &scales, &inverses)
		k.packIQ4(dst[8:], x, inverses[:])
	}, encodeIQ4XSBlock)
}
