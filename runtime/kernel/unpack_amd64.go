//go:build amd64 && gc && !noasm && !purego

package kernel

var unpackersAVX2 = unpackers{
	codes:       [9]func(dst, planes *byte, blocks int, table *[16]uint8){2: unpack2AVX2, 3: unpack3AVX2, 4: unpack4AVX2, 5: unpack5AVX2, 6: unpack6AVX2},
	lookUp:      [5]func(dst, planes *byte, blocks int, table *[16]uint8){1: unpack1TableAVX2, 3: unpack3TableAVX2, 4: unpack4TableAVX2},
	widenOffset: widenOffsetAVX2, widen16: widen16AVX2, widen32: widen32AVX2,
	halvesF16: halvesF16AVX2, halvesBF16: halvesBF16AVX2,
	multiplyScales: multiplyScalesAVX2, multiplyMinima: multiplyMinimaAVX2, repeat8: repeat8AVX2,
}

var unpackersAVX512 = unpackers{
	codes:       [9]func(dst, planes *byte, blocks int, table *[16]uint8){2: unpack2AVX512, 3: unpack3AVX512, 4: unpack4AVX512, 5: unpack5AVX512, 6: unpack6AVX512},
	lookUp:      [5]func(dst, planes *byte, blocks int, table *[16]uint8){1: unpack1TableAVX512, 3: unpack3TableAVX512, 4: unpack4TableAVX512},
	widenOffset: widenOffsetAVX512, widen16: widen16AVX512, widen32: widen32AVX512,
	halvesF16: halvesF16AVX512, halvesBF16: halvesBF16AVX512,
	multiplyScales: multiplyScalesAVX512, multiplyMinima: multiplyMinimaAVX512, repeat8: repeat8AVX512,
}
