//go:build gc && !noasm && !purego

package kernel

import "math"

// The assembly takes whole blocks of lanes; what is left of a vector is computed here as the generic tier does.

var vectorsNEON = vectors{
	add: addVector, scale: scaleVector, addScaled: addScaledVector,
	swiglu: swigluVector, geglu: gegluVector, gelu: geluVector,
	squares: squaresVector, addSquares: addSquaresVector, weighted: weightedVector,
	total: totalVector, deviations: deviationsVector, centred: centredVector,
	peak: peakVector, expSum: expSumVector, exp: expVector,
	turnHalves: turnHalvesVector, turnPairs: turnPairsVector,
	product: productNEON, peaks: peaksRows, weigh: weighRows, scaleBytes: scaleBytesRows,
}

// whole is the number of x's elements that are in whole blocks.
func whole(x []float32) int { return len(x) &^ (laneCount - 1) }

func addVector(dst, x []float32) {
	n := whole(dst)
	if n > 0 {
		_ = x[n-1]
		addNEON(&dst[0], &x[0], n/laneCount)
	}
	addGeneric(dst[n:], x[n:])
}

func scaleVector(x []float32, f float32) {
	n := whole(x)
	if n > 0 {
		scaleNEON(&x[0], n/laneCount, f)
	}
	scaleGeneric(x[n:], f)
}

func addScaledVector(dst, x []float32, f float32) {
	n := whole(x)
	if n > 0 {
		_ = dst[n-1]
		addScaledNEON(&dst[0], &x[0], n/laneCount, f)
	}
	addScaledGeneric(dst[n:], x[n:], f)
}

func swigluVector(gate, up []float32) {
	n := whole(gate)
	if n > 0 {
		_ = up[n-1]
		swigluNEON(&gate[0], &up[0], n/laneCount)
	}
	swigluGeneric(gate[n:], up[n:])
}

func gegluVector(gate, up []float32) {
	n := whole(gate)
	if n > 0 {
		_ = up[n-1]
		gegluNEON(&gate[0], &up[0], n/laneCount)
	}
	gegluGeneric(gate[n:], up[n:])
}

func geluVector(x []float32) {
	n := whole(x)
	if n > 0 {
		geluNEON(&x[0], n/laneCount)
	}
	geluGeneric(x[n:])
}

func squaresVector(x []float32) float32 {
	var sums lanes
	n := whole(x)
	if n > 0 {
		squaresNEON(&x[0], &sums[0], n/laneCount)
	}
	for i, v := range x[n:] {
		sums[i] = fma32(v, v, sums[i])
	}
	return sums.join()
}

func addSquaresVector(dst, x []float32) float32 {
	var sums lanes
	n := whole(dst)
	if n > 0 {
		_ = x[n-1]
		addSquaresNEON(&dst[0], &x[0], &sums[0], n/laneCount)
	}
	addGeneric(dst[n:], x[n:])
	for i, v := range dst[n:] {
		sums[i] = fma32(v, v, sums[i])
	}
	return sums.join()
}

func weightedVector(dst, x, weight []float32, f float32) {
	n := whole(x)
	if n > 0 {
		_, _ = dst[n-1], weight[n-1]
		weightedNEON(&dst[0], &x[0], &weight[0], n/laneCount, f)
	}
	weightedGeneric(dst[n:], x[n:], weight[n:], f)
}

func totalVector(x []float32) float32 {
	var sums lanes
	n := whole(x)
	if n > 0 {
		totalNEON(&x[0], &sums[0], n/laneCount)
	}
	for i, v := range x[n:] {
		sums[i] += v
	}
	return sums.join()
}

func deviationsVector(x []float32, mean float32) float32 {
	var sums lanes
	n := whole(x)
	if n > 0 {
		deviationsNEON(&x[0], &sums[0], n/laneCount, mean)
	}
	for i, v := range x[n:] {
		sums[i] = fma32(v-mean, v-mean, sums[i])
	}
	return sums.join()
}

func centredVector(dst, x, weight []float32, mean, f float32) {
	n := whole(x)
	if n > 0 {
		_, _ = dst[n-1], weight[n-1]
		centredNEON(&dst[0], &x[0], &weight[0], n/laneCount, mean, f)
	}
	centredGeneric(dst[n:], x[n:], weight[n:], mean, f)
}

func peakVector(x []float32) float32 {
	top, n := float32(math.Inf(-1)), whole(x)
	if n > 0 {
		peakNEON(&x[0], &top, n/laneCount)
	}
	return max(top, peakGeneric(x[n:]))
}

func expSumVector(x []float32, top float32) float32 {
	var sums lanes
	n := whole(x)
	if n > 0 {
		expSumNEON(&x[0], &sums[0], n/laneCount, top)
	}
	for i, v := range x[n:] {
		x[n+i] = exp32(v - top)
		sums[i] += x[n+i]
	}
	return sums.join()
}

// expVector puts what is left in a block of its own: attention has vectors of a few elements.
func expVector(x []float32) {
	n := whole(x)
	if n > 0 {
		expNEON(&x[0], n/laneCount)
	}
	if n < len(x) {
		var rest lanes
		copy(rest[:], x[n:])
		expNEON(&rest[0], 1)
		copy(x[n:], rest[:])
	}
}

func turnHalvesVector(a, b, cos, sin []float32) {
	n := whole(cos)
	if n > 0 {
		_, _, _ = a[n-1], b[n-1], sin[n-1]
		turnHalvesNEON(&a[0], &b[0], &cos[0], &sin[0], n/laneCount)
	}
	turnHalvesGeneric(a[n:], b[n:], cos[n:], sin[n:])
}

func turnPairsVector(x, cos, sin []float32) {
	n := whole(cos)
	if n > 0 {
		_, _ = x[2*n-1], sin[n-1]
		turnPairsNEON(&x[0], &cos[0], &sin[0], n/laneCount)
	}
	turnPairsGeneric(x[2*n:], cos[n:], sin[n:])
}

// panelsNEON are the panels of products, see byPanels.
var panelsNEON = []panel{{4, 16, product4x16NEON}, {1, 64, product1x64NEON}, {1, 16, product1x16NEON}}

func productNEON(dst []float32, dstStride int, a []float32, aStride int, b []float32, bStride int, rows, cols, n int, fresh bool) {
	byPanels(panelsNEON, dst, dstStride, a, aStride, b, bStride, rows, cols, n, fresh)
}

func peaksRows(scores, tops, factors []float32) {
	if n := len(tops); n > 0 {
		_, _ = scores[n*blockKeys-1], factors[n-1]
		peaksNEON(&scores[0], &tops[0], &factors[0], n)
	}
}

func weighRows(scores, tops, sums []float32, stride int) {
	if n := len(tops); n > 0 {
		_, _ = scores[n*blockKeys-1], sums[(n-1)*stride+laneCount-1]
		weighNEON(&scores[0], &tops[0], &sums[0], uintptr(stride)*4, n)
	}
}

func scaleBytesRows(dst []float32, bytes []int8, scales []float32) {
	if n := len(dst) / blockKeys; n > 0 {
		_, _ = bytes[n*blockKeys-1], scales[blockKeys-1]
		scaleBytesNEON(&dst[0], &bytes[0], &scales[0], n)
	}
}
