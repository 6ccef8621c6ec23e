//go:build amd64 && gc && !noasm && !purego

package kernel

func unpackAVX512(dst, planes []byte, blocks, bits int, table *[16]uint8) {
	if blocks == 0 {
		return
	}
	_, _ = dst[512*blocks-1], planes[vectorBytes*bits*blocks-1]
	d, p := &dst[0], &planes[0]
	switch {
	case bits == 1 && table != nil:
		unpack1TableAVX512(d, p, blocks, table)
	case bits == 2 && table == nil:
		unpack2AVX512(d, p, blocks)
	case bits == 3 && table == nil:
		unpack3AVX512(d, p, blocks)
	case bits == 3:
		unpack3TableAVX512(d, p, blocks, table)
	case bits == 4 && table == nil:
		unpack4AVX512(d, p, blocks)
	case bits == 4:
		unpack4TableAVX512(d, p, blocks, table)
	case bits == 5:
		unpack5AVX512(d, p, blocks)
	case bits == 6:
		unpack6AVX512(d, p, blocks)
	default:
		unpackGeneric(dst, planes, blocks, bits, table)
	}
}

func widenAVX512(words []int16, codes []byte, blocks, offset int, scales []byte, sub int) {
	if blocks == 0 {
		return
	}
	_, _ = words[512*blocks-1], codes[512*blocks-1]
	w, c := &words[0], &codes[0]
	if scales == nil {
		widenOffsetAVX512(w, c, blocks, offset)
		return
	}
	_ = scales[blocks*blockCols/sub*panelRows-1]
	if sub == 16 {
		widen16AVX512(w, c, blocks, offset, &scales[0])
	} else {
		widen32AVX512(w, c, blocks, offset, &scales[0])
	}
}

func halvesAVX512(dst []float32, src []byte, n int, bf16 bool, factor float32) {
	if n == 0 {
		return
	}
	_, _ = dst[n*panelRows-1], src[2*n*panelRows-1]
	if bf16 {
		halvesBF16AVX512(&dst[0], &src[0], n)
	} else {
		halvesF16AVX512(&dst[0], &src[0], n, factor)
	}
}

func subScalesAVX512(dst, d []float32, scales []byte, n, per int) {
	if n == 0 {
		return
	}
	_, _ = dst[n*panelRows-1], d[n/per*panelRows-1]
	if scales == nil && per == superCols/blockCols {
		repeat8AVX512(&dst[0], &d[0], n/per)
		return
	}
	_ = scales[n*panelRows-1]
	multiplyScalesAVX512(&dst[0], &d[0], &scales[0], n/per, per)
}

func subMinimaAVX512(dst, min []float32, minima []byte, n, per int) {
	if n == 0 {
		return
	}
	_, _, _ = dst[n*panelRows-1], min[n/per*panelRows-1], minima[n*panelRows-1]
	multiplyMinimaAVX512(&dst[0], &min[0], &minima[0], n/per, per)
}

func roundNarrowRow(bytes []int8, row, scales []float32, sums []int32) {
	if n := len(scales); n > 0 {
		_, _, _ = bytes[2*n*blockCols-1], row[n*blockCols-1], sums[2*n-1]
		roundNarrowAVX512(&bytes[0], &row[0], &scales[0], &sums[0], n)
	}
}

func roundWideRow(words []int16, row, scales []float32, sums []int32) {
	if n := len(scales); n > 0 {
		_, _, _ = words[n*blockCols-1], row[n*blockCols-1], sums[2*n-1]
		roundWideAVX512(&words[0], &row[0], &scales[0], &sums[0], n)
	}
}

func roundBytesRow(bytes []int8, row, scales []float32, sums []int32) {
	if n := len(scales); n > 0 {
		_, _, _ = bytes[n*blockCols-1], row[n*blockCols-1], sums[2*n-1]
		roundBytesAVX512(&bytes[0], &row[0], &scales[0], &sums[0], n)
	}
}
