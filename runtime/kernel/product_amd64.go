//go:build amd64 && gc && !noasm && !purego

package kernel

// The panels of a tier, see byPanels.
var (
	panelsAVX2 = []panel{{4, 16, product4x16AVX2}, {2, 32, product2x32AVX2}, {2, 16, product2x16AVX2},
		{1, 64, product1x64AVX2}, {1, 32, product1x32AVX2}, {1, 16, product1x16AVX2}}
	panelsAVX512 = []panel{{4, 64, product4x64AVX512}, {4, 32, product4x32AVX512}, {4, 16, product4x16AVX512},
		{2, 64, product2x64AVX512}, {2, 32, product2x32AVX512}, {2, 16, product2x16AVX512},
		{1, 64, product1x64AVX512}, {1, 32, product1x32AVX512}, {1, 16, product1x16AVX512}}
)

func productAVX2(dst []float32, dstStride int, a []float32, aStride int, b []float32, bStride int, rows, cols, n int, fresh bool) {
	byPanels(panelsAVX2, dst, dstStride, a, aStride, b, bStride, rows, cols, n, fresh)
}

func productAVX512(dst []float32, dstStride int, a []float32, aStride int, b []float32, bStride int, rows, cols, n int, fresh bool) {
	byPanels(panelsAVX512, dst, dstStride, a, aStride, b, bStride, rows, cols, n, fresh)
}
