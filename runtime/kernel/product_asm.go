//go:build (amd64 || arm64) && gc && !noasm && !purego

package kernel

// panel is assembly that computes product of so many rows and columns; strides are in bytes.
type panel struct {
	rows, cols int
	product    func(dst *float32, dstStride uintptr, a *float32, aStride uintptr, b *float32, bStride uintptr, n int, fresh bool)
}

// byPanels computes product panel by panel: the columns of some rows, then the next rows. Panels are the largest first; some
// have one row, and some 16 columns.
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
