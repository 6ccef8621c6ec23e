//go:build amd64 && gc && !noasm && !purego

package kernel

import "unsafe"

var attentionAMX = attentionBF16{
	pairRow: func(words []int16, row []float32) {
		n := len(row) / 32
		_ = words[(n-1)*512+31]
		pairRowAVX512(&words[0], &row[0], n)
	},
	pairRows: func(words []int16, rows []float32, n, cols int) {
		_, _ = words[n*cols-1], rows[n*cols-1]
		for i := 0; i < n; i += 32 {
			pairRowsAVX512(&words[16*i], 2*16*uintptr(n), &rows[i*cols], 4*uintptr(cols), cols/16)
		}
	},
	weighBF16: func(words []int16, scores, tops, sums []float32, stride int) {
		n := len(tops)
		_, _, _ = words[512+(n-1)*32+31], scores[n*blockKeys-1], sums[(n-1)*stride+laneCount-1]
		weighBF16AVX512(&words[0], &scores[0], &tops[0], &sums[0], 4*uintptr(stride), n)
	},
	productBF16: func(p *productBF16) { productBF16AMX((*byte)(unsafe.Pointer(p))) },
}

// productBF16AMX computes a productBF16.
//
//go:noescape
func productBF16AMX(a *byte)
