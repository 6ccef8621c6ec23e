package prequant

import (
	"math"
	"slices"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/mmap"
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
	codes, scales := lines{w.codes, cols / 2}, lines{scale, blocks}
	// each calls f with the codes and scales of rows, numbered from 0.
	each := func(first, n int64, f func(row int64, q, scales []byte)) error {
		q, err := codes.get(first, n)
		if err != nil {
			return err
		}
		s, err := scales.get(first, n)
		if err != nil {
			return err
		}
		if i := slices.Index(s, 255); i >= 0 {
			return w.wrong(scale, "has the scale 255 in row %d, block %d, which is not a number", first+int64(i)/blocks, int64(i)%blocks)
		}
		for row := range n {
			f(row, q[row*codes.bytes:][:codes.bytes], s[row*blocks:][:blocks])
		}
		return nil
	}
	made := w.decoded(shape, func(dst []float32, first int64) error {
		return each(first, int64(len(dst))/cols, func(row int64, q, scales []byte) {
			d := dst[row*cols:][:cols]
			for i := range d {
				d[i] = float32(e2m1[q[i/2]>>(4*(i%2))&15] * float32(math.Ldexp(1, int(scales[i/32])-127)))
			}
		})
	})
	made.Turned = true
	rowBytes := blocks * 17
	made.Kept = safetensors.Made(w.name, w.codes.File, gguf.MXFP4, shape, &rows{rowBytes, func(dst []byte, first int64) error {
		return mmap.Guard(func() error {
			return each(first, int64(len(dst))/rowBytes, func(row int64, q, scales []byte) {
				d := dst[row*rowBytes:][:rowBytes]
				for i, s := range scales {
					d[17*i] = s
					halves(d[17*i+1:][:16], q[16*i:][:16])
				}
			})
		})
	}})
	return made, nil
}
