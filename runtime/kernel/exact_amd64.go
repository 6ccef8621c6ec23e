//go:build amd64 && gc && !noasm && !purego

package kernel

import "unsafe"

// tileExactAMX sets the rest of e, and computes.
func tileExactAMX(t *tile, e *exactArgs) {
	form := t.narrowForm()
	_ = t.codes[512*t.blocks-1]
	e.acc, e.codes, e.d, e.x, e.xs, e.init, e.blocks = &t.acc[0], &t.codes[0], &t.d[0], &t.x[0], &t.xs[0], &t.init[0], t.blocks
	e.min, e.xsum, e.scales = nil, nil, nil
	if t.minima > 0 {
		_ = t.min[t.blocks*t.minima*panelRows-1]
		e.min, e.xsum = &t.min[0], &t.xsum[0]
	}
	if t.scales != nil {
		e.scales = &t.scales[0]
	}
	e.config = exactConfig
	exactKernels[form]((*byte)(unsafe.Pointer(e)))
}

// exactConfig are the tiles: two of sums, two of activations, one of codes.
var exactConfig = tileConfig{
	palette:     1,
	rows:        [16]uint8{16, 16, 16, 16, blockCols / 4},
	columnBytes: [16]uint16{64, 64, blockCols, blockCols, 64},
}
