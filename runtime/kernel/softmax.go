package kernel

import (
	"math"
	"slices"
)

// Softmax replaces x by exp(x - max(x)) divided by the sum of these. When no element is finite, all are NaN then.
func Softmax(x []float32) {
	k := active()
	k.scale(x, 1/k.expSum(x, k.peak(x)))
}

func peakGeneric(x []float32) float32 {
	top := float32(math.Inf(-1))
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	return top
}

func expSumGeneric(x []float32, top float32) float32 {
	var sums lanes
	for i, v := range x {
		x[i] = exp32(v - top)
		sums[i%len(sums)] += x[i]
	}
	return sums.join()
}

func expGeneric(x []float32) {
	for i, v := range x {
		x[i] = exp32(v)
	}
}

// Top fills dst with the indices of the len(dst) largest elements of x, largest first, the first of equals
// first. x must have as many elements.
func Top(dst []int, x []float32) {
	for n := range dst {
		best := -1
		for i, v := range x {
			if !slices.Contains(dst[:n], i) && (best < 0 || v > x[best]) {
				best = i
			}
		}
		dst[n] = best
	}
}
