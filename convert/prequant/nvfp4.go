package prequant

import (
	"slices"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/mmap"
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
	b := fp4Blocks{w: w, codes: lines{w.codes, cols / 2}, scales: lines{scale, cols / 16}, cols: cols}
	made := w.decoded(shape, func(dst []float32, first int64) error {
		return b.each(first, int64(len(dst))/cols, func(row int64, q, scales []byte) {
			d := dst[row*cols:][:cols]
			for i := range d {
				d[i] = float32(e2m1[q[i/2]>>(4*(i%2))&15] * float32(e4m3[scales[i/16]]*weightScale))
			}
		})
	})
	if cols%64 != 0 {
		return made, nil
	}
	rowBytes := cols / 64 * 36
	made.Kept = safetensors.Made(w.name, w.codes.File, gguf.NVFP4, shape, &rows{rowBytes, func(dst []byte, first int64) error {
		return mmap.Guard(func() error {
			return b.each(first, int64(len(dst))/rowBytes, func(row int64, q, scales []byte) {
				d := dst[row*rowBytes:][:rowBytes]
				for ; len(d) > 0; d, q, scales = d[36:], q[32:], scales[4:] {
					for s := range 4 {
						d[s] = scales[s] & 0x7f
						halves(d[4+8*s:][:8], q[8*s:][:8])
					}
				}
			})
		})
	}})
	made.Scales = []Scale{{"scale", weightScale}, {"input_scale", inputScale}}
	return made, nil
}

// halves puts the first half of the codes of src, whose bytes hold two neighbours, in the low halves of dst, and the second
// in the high halves.
func halves(dst, src []byte) {
	for j := range dst {
		low, high := src[j/2]>>(4*(j%2))&15, src[(len(dst)+j)/2]>>(4*(j%2))&15
		dst[j] = low | high<<4
	}
}

// fp4Blocks are rows of codes and of their scales.
type fp4Blocks struct {
	w             *quantized
	codes, scales lines
	cols          int64
}

// each calls f with the codes and scales of rows, numbered from 0, after it checked the scales: GGUF's have no sign, and none
// is a number too many.
func (b *fp4Blocks) each(first, n int64, f func(row int64, q, scales []byte)) error {
	q, err := b.codes.get(first, n)
	if err != nil {
		return err
	}
	scales, err := b.scales.get(first, n)
	if err != nil {
		return err
	}
	for row := range n {
		s := scales[row*b.scales.bytes:][:b.scales.bytes]
		for i, x := range s {
			if x > 0x80 || x == 0x7f {
				return b.w.wrong(b.scales.t, "has the scale %v in row %d, block %d, expected a number of 0 or more", e4m3[x], first+row, i)
			}
		}
		f(row, q[row*b.codes.bytes:][:b.codes.bytes], s)
	}
	return nil
}
