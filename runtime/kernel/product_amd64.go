//go:build amd64 && gc && !noasm && !purego

package kernel

// panel is assembly that computes product of so many rows and columns; strides are in bytes.
type panel struct {
	rows, cols int
	product    func(dst *float32, dstStride uintptr, a *float32, aStride uintptr, b *float32, bStride uintptr, n int, fresh bool)
}

// The panels of a tier, the largest first: some are one row, and some 16 columns.
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

// byPanels computes product panel by panel: the columns of some rows, then the next rows.
func byPanels(panels []panel, dst []float32, dstStride int, a []float32, aStride int, b []float32, bStride int, rows, cols, n int, fresh bool) {
	_, _, _ = dst[(rows-1)*dstStride+cols-1], a[(rows-1)*aStride+n-1], b[(n-1)*bStride+cols-1]
	for i := 0; i < rows; {
		for panels[0].rows > rows-i {
			panels = panels[1:]
		}
		k := 0
		for j := 0; j < cols; {
			for panels[k].cols > cols-j {
				k++
			}
			panels[k].product(&dst[i*dstStride+j], 4*uintptr(dstStride), &a[i*aStride], 4*uintptr(aStride),
				&b[j], 4*uintptr(bStride), n, fresh)
			j += panels[k].cols
		}
		i += panels[0].rows
	}
}
