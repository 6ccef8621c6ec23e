package codec

// affineK is a K-quant whose sub-blocks have a scale and a minimum: Q2_K, Q4_K, Q5_K. A super-block is encoded in three
// steps: fit finds its grid, round lays the elements on it, and the pack function of the format writes both.
type affineK struct {
	size  int    // of a sub-block
	plain affine // the search without weights
	// average says that without weights an element weighs its magnitude and the root of the sub-block's mean square, not
	// the magnitude alone.
	average bool
	squares float32 // with weights, the mean square of the super-block counts so many times beside an element's square
	top     int32   // the largest code of a scale and of a minimum
}

// affineGrid is the grid of a super-block: in sub-block j, x = scale[j]*q - minimum[j].
type affineGrid struct {
	d, dmin        uint16    // f16, and
	ls, lm         [16]uint8 // codes: these are stored
	scale, minimum [16]float32
}

// set rounds d and dmin to f16 and computes what the codes of n sub-blocks then mean.
func (g *affineGrid) set(d, dmin float32, n int) {
	g.d, g.dmin = F32ToF16(d), F32ToF16(dmin)
	d, dmin = F16ToF32(g.d), F16ToF32(g.dmin)
	for j := range n {
		g.scale[j], g.minimum[j] = float32(d*float32(g.ls[j])), float32(dmin*float32(g.lm[j]))
	}
}

// fit finds the grid of x. L becomes the codes on the grids before their rounding.
func (f *affineK) fit(g *affineGrid, x, weights []float32, L *[superBlock]uint8) {
	var scales, minima, sumw [16]float32
	var w [32]float32
	n := superBlock / f.size
	search, sigma2 := f.plain, float32(0)
	if weights != nil {
		search, sigma2 = weighedAffine(f.plain.nmax), f.squares*sumSquares(x)/superBlock
	}
	for j := range n {
		at := j * f.size
		sub, w := x[at:at+f.size], w[:f.size]
		switch {
		case weights != nil:
			weigh(w, sub, weights[at:at+f.size], sigma2)
			sumw[j] = sum(w)
		case f.average:
			average := sqrt(sumSquares(sub) / float32(f.size))
			for i, v := range sub {
				w[i] = average + abs(v)
			}
		default:
			for i, v := range sub {
				w[i] = abs(v)
			}
		}
		scales[j], minima[j] = searchAffine(search, sub, L[at:at+f.size], w)
	}
	if weights != nil {
		g.set(searchPositive(f.top, scales[:n], g.ls[:n], sumw[:n]), searchPositive(f.top, minima[:n], g.lm[:n], sumw[:n]), n)
	} else {
		g.set(scaleTo(f.top, scales[:n], g.ls[:n]), scaleTo(f.top, minima[:n], g.lm[:n]), n)
	}
}

// round finds the codes of x on the grid. Where a scale became 0, those of fit stay.
func (f *affineK) round(g *affineGrid, x []float32, L *[superBlock]uint8) {
	for j := range superBlock / f.size {
		at := j * f.size
		requantizeAffine(f.plain.nmax, g.scale[j], g.minimum[j], x[at:at+f.size], L[at:at+f.size])
	}
}

// scaleTo rounds the scales of sub-blocks to 0..nmax of their largest and returns the super-block's scale.
func scaleTo(nmax int32, scales []float32, L []uint8) float32 {
	var most float32
	for _, s := range scales {
		if s > most {
			most = s
		}
	}
	if most <= 0 {
		clear(L)
		return 0
	}
	iscale := float32(nmax) / most
	for j, s := range scales {
		L[j] = uint8(min(nmax, nearest(float32(iscale*s))))
	}
	return most / float32(nmax)
}

// requantizeAffine rounds x again with the scale and minimum as stored. A scale of 0 keeps what the search found.
func requantizeAffine(nmax int32, d, dm float32, x []float32, L []uint8) {
	if d == 0 {
		return
	}
	L = L[:len(x)]
	for i, v := range x {
		L[i] = uint8(clamp(nearest((v+dm)/d), 0, nmax))
	}
}
