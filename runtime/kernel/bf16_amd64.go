//go:build amd64 && gc && !noasm && !purego

package kernel

import "unsafe"

//go:noescape
func tiles22AMX(a *byte)

//go:noescape
func tiles21AMX(a *byte)

//go:noescape
func tiles12AMX(a *byte)

//go:noescape
func tiles11AMX(a *byte)

// tilesBF16AMX adds the products of one or two panels with up to 16 tokens or up to 32.
func tilesBF16AMX(t *bf16Args, panels, tokens int) {
	a := (*byte)(unsafe.Pointer(t))
	switch {
	case panels == 2 && tokens == 2:
		tiles22AMX(a)
	case tokens == 2:
		tiles21AMX(a)
	case panels == 2:
		tiles12AMX(a)
	default:
		tiles11AMX(a)
	}
}

func toBF16AVX512(words []int16, codes []byte, d, min []float32, blocks, subs, offset int) {
	if blocks == 0 {
		return
	}
	_, _, _ = words[512*blocks-1], codes[512*blocks-1], d[blocks*subs*panelRows-1]
	var m *float32
	if min != nil {
		_ = min[blocks*subs*panelRows-1]
		m = &min[0]
	}
	if subs == 2 {
		toBF16Sub16AVX512(&words[0], &codes[0], &d[0], m, blocks, float32(offset))
	} else {
		toBF16Sub32AVX512(&words[0], &codes[0], &d[0], m, blocks, float32(offset))
	}
}

func roundBF16Row(words []int16, row []float32) {
	if n := len(row) / blockCols; n > 0 {
		_ = words[(n-1)*16*blockCols+blockCols-1]
		roundBF16AVX512(&words[0], &row[0], n)
	}
}

func transposeBlocks(dst, src []int16, blocks int) {
	if blocks > 0 {
		_, _ = dst[512*blocks-1], src[512*blocks-1]
		transposeAVX512(&dst[0], &src[0], blocks)
	}
}
