package prequant

import (
	"math"
	"slices"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
)

// mxfp4 is as gpt-oss is published: experts x output x blocks of 16 bytes, which hold 32 floats of 4 bits with the first in
// the low half, and for each block a power of two. GGUF has the same blocks with the codes in another order. The matrices
// are output x input, where the same weights in BF16 are input x output.
var mxfp4 = layout{codes: "_blocks", needed: []string{"_scales"}, marked: true, open: openMXFP4}

func openMXFP4(w *quantized) (*Tensor, error) {
	shape, n := slices.Clone(w.codes.Shape), len(w.codes.Shape)
	if err := w.want(w.codes, nil, "U8"); err != nil {
		return nil, err
	}
	if n < 3 || slices.Contains(shape, 0) || shape[n-1] != 16 {
		return nil, w.wrong(w.codes, "has the shape %v, expected blocks of 16 bytes", shape)
	}
	scale, blocks := w.parts["_scales"], shape[n-2]
	if err := w.want(scale, shape[:n-1], "U8", safetensors.F8E8M0); err != nil {
		return nil, err
	}
	cols := 32 * blocks
	shape = append(shape[:n-2:n-2], cols)
	b := fp4Blocks{w: w, codes: lines{w.codes, cols / 2}, scales: lines{scale, blocks}, check: func(s byte, row, block int64) error {
		if s == 255 {
			return w.wrong(scale, "has the scale 255 in row %d, block %d, which is not a number", row, block)
		}
		return nil
	}}
	made := b.decoded(shape, func(s byte) float32 { return float32(math.Ldexp(1, int(s)-127)) })
	made.Turned = true
	made.Kept = b.kept(gguf.MXFP4, shape, func(dst, q, scales []byte) {
		for i, s := range scales {
			dst[17*i] = s
			halves(dst[17*i+1:][:16], q[16*i:][:16])
		}
	})
	return made, nil
}
