package kernel

// productGeneric is the specification of vectors.product.
func productGeneric(dst []float32, dstStride int, a []float32, aStride int, b []float32, bStride int, rows, cols, n int, fresh bool) {
	for i := range rows {
		out := dst[i*dstStride:][:cols]
		if fresh {
			clear(out)
		}
		for l, x := range a[i*aStride:][:n] {
			for j, y := range b[l*bStride:][:cols] {
				out[j] = fma32(x, y, out[j])
			}
		}
	}
}

// peaksGeneric is the specification of vectors.peaks.
func peaksGeneric(scores, tops, factors []float32) {
	for r, old := range tops {
		tops[r] = max(old, peakGeneric(scores[r*blockKeys:][:blockKeys]))
		factors[r] = old - tops[r]
	}
}

// weighGeneric is the specification of vectors.weigh.
func weighGeneric(scores, tops, sums []float32, stride int) {
	for r, top := range tops {
		p, sums := scores[r*blockKeys:][:blockKeys], sums[r*stride:][:laneCount]
		for j, s := range p {
			p[j] = exp32(s - top)
		}
		for i := range sums {
			sums[i] += (p[i] + p[i+16]) + (p[i+32] + p[i+48])
		}
	}
}
