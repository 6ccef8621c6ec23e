package prequant

import (
	"slices"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
)

// NVFP4: floats of 4 bits, two to a byte with the first in the low half, a float of 8 bits as the scale of every 16, and a
// float32 as the scale of the whole. GGUF has the same in blocks of 64, with the last scale beside the tensor.

// nvfp4 is as ModelOpt writes it.
var nvfp4 = layout{codes: ".weight", weight: ".weight", needed: []string{".weight_scale"}, optional: []string{".weight_scale_2", ".input_scale"},
	fits: isNVFP4, open: func(w *quantized) (*Tensor, error) {
		return openNVFP4(w, w.parts[".weight_scale_2"], w.parts[".input_scale"], func(v float32) float32 { return v })
	}}

// nvfp4Packed is as compressed-tensors writes it: the scales of the whole are stored as one by them.
var nvfp4Packed = layout{codes: ".weight_packed", weight: ".weight", needed: []string{".weight_scale"}, optional: []string{".weight_global_scale", ".input_global_scale"},
	fits: isNVFP4, open: func(w *quantized) (*Tensor, error) {
		return openNVFP4(w, w.parts[".weight_global_scale"], w.parts[".input_global_scale"], func(v float32) float32 { return 1 / v })
	}}

func isNVFP4(w *quantized) bool {
	s := w.parts[".weight_scale"]
	return w.codes.DType == "U8" && s != nil && s.DType == safetensors.F8E4M3
}

func openNVFP4(w *quantized, whole, input *safetensors.Tensor, factor func(float32) float32) (*Tensor, error) {
	shape, n := slices.Clone(w.codes.Shape), len(w.codes.Shape)
	if n < 2 || slices.Contains(shape, 0) || shape[n-1]%8 != 0 {
		return nil, w.wrong(w.codes, "has the shape %v, expected rows of whole blocks of 8 bytes", shape)
	}
	cols := 2 * shape[n-1]
	shape[n-1] = cols / 16
	scale := w.parts[".weight_scale"]
	if err := w.want(scale, shape, safetensors.F8E4M3); err != nil {
		return nil, err
	}
	shape[n-1] = cols
	weightScale, inputScale := float32(1), float32(1)
	for t, to := range map[*safetensors.Tensor]*float32{whole: &weightScale, input: &inputScale} {
		if t == nil {
			continue
		}
		v, err := w.one(t)
		if err != nil {
			return nil, err
		}
		if *to = factor(v); !(*to > 0) || *to-*to != 0 {
			return nil, w.wrong(t, "is %v, expected a number above 0", v)
		}
	}
	b := fp4Blocks{w: w, codes: lines{w.codes, cols / 2}, scales: lines{scale, cols / 16}, check: func(s byte, row, block int64) error {
		if s > 0x80 || s == 0x7f { // GGUF's have no sign, and none is a number too many
			return w.wrong(scale, "has the scale %v in row %d, block %d, expected a number of 0 or more", e4m3[s], row, block)
		}
		return nil
	}}
	made := b.decoded(shape, func(s byte) float32 { return float32(e4m3[s] * weightScale) })
	if cols%64 != 0 {
		return made, nil
	}
	made.Kept = b.kept(gguf.NVFP4, shape, func(dst, q, scales []byte) {
		for ; len(dst) > 0; dst, q, scales = dst[36:], q[32:], scales[4:] {
			for s := range 4 {
				dst[s] = scales[s] & 0x7f
				halves(dst[4+8*s:][:8], q[8*s:][:8])
			}
		}
	})
	made.Scales = []Scale{{"scale", weightScale}, {"input_scale", inputScale}}
	return made, nil
}
