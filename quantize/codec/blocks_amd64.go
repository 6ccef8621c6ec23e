//go:build amd64 && gc && !noasm && !purego

package codec

import "github.com/carat-llm/carat/gguf"

// blockKernel encodes n blocks without weights, or as many as come before one that only the generic code can.
type blockKernel = func(dst *uint8, x *float32, n int) (done int)

// encodeBlocks encodes with the kernel of t, which takes unit blocks at a time, and generic where that cannot.
func (k *lanes) encodeBlocks(t gguf.Type, unit int, generic encoder) encoder {
	size, bytes, kernel := unit*t.BlockSize(), unit*t.BlockBytes(), k.blocks[t]
	return func(dst []byte, src []float32, _ int, _ []float32) {
		for len(src) >= size {
			n := len(src) / size
			_ = dst[n*bytes-1]
			done := kernel(&dst[0], &src[0], n)
			dst, src = dst[done*bytes:], src[done*size:]
			if done < n {
				generic(dst, src[:size], size, nil)
				dst, src = dst[bytes:], src[size:]
			}
		}
		generic(dst, src, len(src), nil)
	}
}

// encodeQ4Q5 encodes Q4_0, Q4_1, Q5_0 or Q5_1. With weights scales are searched, of two blocks in each lane; pack stores
// what was found for lane l, weighed is the encoder of a block.
func (k *lanes) encodeQ4Q5(t gguf.Type, generic encoder, search func(g *group) (odd uint32), pack func(g *group, l int, dst []byte, x []float32),
	weighed func(dst []byte, x, weights []float32, sigma2 float32)) encoder {
	plain, bytes := k.encodeBlocks(t, 1, generic), t.BlockBytes()
	return func(dst []byte, src []float32, cols int, weights []float32) {
		if weights == nil {
			plain(dst, src, cols, nil)
			return
		}
		for len(src) > 0 {
			var sigma2 [maxLanes]float32
			rows := min(k.n, len(src)/cols)
			k.meanSquares(sigma2[:rows], src, cols)
			of := func(block int) float32 { return sigma2[min(block*32/cols, rows-1)] }
			n := 0
			k.eachVectors(2, dst, src[:rows*cols], cols, weights, 32, bytes, func(g *group) (odd uint32) {
				for l := range 2 * k.n {
					g.sigma2[l] = of(g.first + l)
				}
				for v := range 2 {
					k.weighLanes(&g.w[32*v*k.n], &g.x[32*v*k.n], &g.sigma2[v*k.n], 32)
				}
				return search(g)
			}, func(g *group, l int, dst []byte, x []float32) {
				n++
				pack(g, l, dst, x)
			}, func(dst []byte, x, weights []float32) {
				weighed(dst, x, weights, of(n))
				n++
			})
			dst, src = dst[rows*cols/32*bytes:], src[rows*cols:]
		}
	}
}

// meanSquares sets sigma2 to the mean squares of so many rows of src.
func (k *lanes) meanSquares(sigma2, src []float32, cols int) {
	if len(sigma2) < k.n {
		for r := range sigma2 {
			sigma2[r] = sumSquares(src[r*cols:r*cols+cols]) / float32(cols)
		}
		return
	}
	g := groups.Get().(*group)
	defer groups.Put(g)
	clear(g.sigma2[:])
	for c := 0; c < cols; c += superBlock {
		n := min(superBlock, cols-c)
		k.transpose(&g.x[0], &src[c], cols, n)
		k.squares(&g.sigma2[0], &g.x[0], n)
	}
	for r := range sigma2 {
		sigma2[r] = g.sigma2[r] / float32(cols)
	}
}

func (k *lanes) encodeSymmetric(t gguf.Type, nmax int32, generic encoder, pack func(dst []byte, d float32, L *[32]uint8), weighed func(dst []byte, x, weights []float32, sigma2 float32)) encoder {
	factors := symmetricFactors(nmax)
	return k.encodeQ4Q5(t, generic, func(g *group) (odd uint32) {
		for v := range 2 {
			at := 32 * v * k.n
			k.searchSymmetric(&g.scale[v*k.n], &g.inverse[v*k.n], &g.scratch[0], &g.x[at], &g.w[at], &factors[0], 32, float32(nmax))
		}
		return 0
	}, func(g *group, l int, dst []byte, x []float32) {
		L := (*[32]uint8)(g.codes[:])
		if inverse := g.inverse[l]; inverse == 0 {
			clear(L[:])
		} else {
			levelsSymmetric32AVX2(&L[0], &x[0], inverse, nmax)
		}
		pack(dst, g.scale[l], L)
	}, weighed)
}

func (k *lanes) encodeAffineBlocks(t gguf.Type, nmax int32, generic encoder, pack func(dst []byte, d, lo float32, L *[32]uint8), weighed func(dst []byte, x, weights []float32, sigma2 float32)) encoder {
	factors := weighedAffine(nmax).factors()
	return k.encodeQ4Q5(t, generic, func(g *group) (odd uint32) {
		return k.searchAffine(&g.scale[0], &g.scratch[0], &g.x[0], &g.w[0], &factors[0], len(factors)-1, 32, float32(nmax))
	}, func(g *group, l int, dst []byte, x []float32) {
		L := (*[32]uint8)(g.codes[:])
		levelsAffine32AVX2(&L[0], &x[0], g.inverse[l], g.from[l], nmax)
		pack(dst, g.scale[l], -g.minimum[l], L)
	}, weighed)
}
