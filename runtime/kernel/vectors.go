package kernel

// vectors are the operations of a tier on vectors of float32 of any length, the same bits on all tiers. A vector of results
// may be one of operands, in the same place. Sums are those of lanes. Vectors have the same length if not said otherwise.
type vectors struct {
	// add sets dst[i] += x[i].
	add func(dst, x []float32)
	// scale sets x[i] *= f.
	scale func(x []float32, f float32)
	// addScaled sets dst[i] += f*x[i], rounded once.
	addScaled func(dst, x []float32, f float32)

	// swiglu sets gate[i] = silu(gate[i]) * up[i].
	swiglu func(gate, up []float32)
	// geglu sets gate[i] = gelu(gate[i]) * up[i].
	geglu func(gate, up []float32)
	// gelu sets x[i] = gelu(x[i]).
	gelu func(x []float32)

	// squares is the sum of x[i]*x[i].
	squares func(x []float32) float32
	// addSquares is add, then squares of dst.
	addSquares func(dst, x []float32) float32
	// weighted sets dst[i] = x[i]*f*weight[i].
	weighted func(dst, x, weight []float32, f float32)
	// total is the sum of x[i].
	total func(x []float32) float32
	// deviations is the sum of the squares of x[i] - mean.
	deviations func(x []float32, mean float32) float32
	// centred sets dst[i] = (x[i]-mean)*f*weight[i].
	centred func(dst, x, weight []float32, mean, f float32)

	// peak is the largest element. NaN may count or not, and either zero be the larger.
	peak func(x []float32) float32
	// expSum sets x[i] = exp(x[i] - top) and is the sum of these.
	expSum func(x []float32, top float32) float32

	// exp sets x[i] = exp(x[i]).
	exp func(x []float32)

	// turnHalves turns each pair (a[i], b[i]) by the angle whose cosine and sine are cos[i] and sin[i]:
	// (a*cos - b*sin, b*cos + a*sin), the second product rounded before the other is added.
	turnHalves func(a, b, cos, sin []float32)
	// turnPairs is turnHalves of the pairs (x[2i], x[2i+1]).
	turnPairs func(x, cos, sin []float32)

	// product adds to rows x cols of dst, for each row i and column j, the products of a[i*aStride+l] and b[l*bStride+j] for
	// l < n, one after the other, each rounded once. With fresh, dst is as if it were 0. cols is a multiple of 16; rows, cols
	// and n are not 0.
	product func(dst []float32, dstStride int, a []float32, aStride int, b []float32, bStride int, rows, cols, n int, fresh bool)
	// peaks sets tops[r] to the largest of it and the 64 scores of row r, and factors[r] to tops[r] of before minus that.
	// See peak.
	peaks func(scores, tops, factors []float32)
	// weigh sets the 64 scores of row r to exp(score - tops[r]), and adds them to 16 sums of the row: to each four,
	// ((0 + 16) + (32 + 48)).
	weigh func(scores, tops, sums []float32, stride int)
	// scaleBytes sets dst[i] = bytes[i] * scales[i%64], for whole rows of 64.
	scaleBytes func(dst []float32, bytes []int8, scales []float32)
}

var vectorsGeneric = vectors{
	add: addGeneric, scale: scaleGeneric, addScaled: addScaledGeneric,
	swiglu: swigluGeneric, geglu: gegluGeneric, gelu: geluGeneric,
	squares: squaresGeneric, addSquares: addSquaresGeneric, weighted: weightedGeneric,
	total: totalGeneric, deviations: deviationsGeneric, centred: centredGeneric,
	peak: peakGeneric, expSum: expSumGeneric, exp: expGeneric,
	turnHalves: turnHalvesGeneric, turnPairs: turnPairsGeneric,
	product: productGeneric, peaks: peaksGeneric, weigh: weighGeneric, scaleBytes: scaleBytesGeneric,
}
