package kernel

// dot4Generic is the specification of tier.dot4: eight lanes a row, joined pairwise.
func dot4Generic(dst *[4]float32, w []float32, stride int, x []float32, k int) {
	for r := range dst {
		dst[r] += dotGeneric(w[r*stride:][:k], x[:k])
	}
}

// dotGeneric is the product of two vectors of one length, a multiple of 8. The products are rounded
// before they are added, so that the result is the same on processors that could fuse the two.
func dotGeneric(a, b []float32) float32 {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for len(a) >= 8 && len(b) >= 8 {
		s0 += float32(a[0] * b[0])
		s1 += float32(a[1] * b[1])
		s2 += float32(a[2] * b[2])
		s3 += float32(a[3] * b[3])
		s4 += float32(a[4] * b[4])
		s5 += float32(a[5] * b[5])
		s6 += float32(a[6] * b[6])
		s7 += float32(a[7] * b[7])
		a, b = a[8:], b[8:]
	}
	return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
}

// weightedSumGeneric is the specification of tier.weightedSum.
func weightedSumGeneric(dst, p, v []float32, stride int) {
	clear(dst)
	for j, pj := range p {
		row := v[j*stride:][:len(dst)]
		for i, x := range row {
			dst[i] += float32(pj * x)
		}
	}
}
