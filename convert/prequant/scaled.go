package prequant

import (
	"slices"

	"github.com/carat-llm/carat/convert/safetensors"
)

// scaled are weights of 8 bits, floats or integers, in their own shape, beside scales: one for the tensor, one for each row, or
// one for each block. The scale is a factor in spite of its name weight_scale_inv. Integers may have zero points in the
// shape of the scales.
var scaled = layout{needed: []string{"_scale|_scale_inv"}, optional: []string{"_zero_point"}, fits: isScaled,
	open: func(w *quantized) (*Tensor, error) { return openScaled(w, w.parts["_scale"]) }}

// scaledMistral is the same as Mistral names it.
var scaledMistral = layout{codes: "weight", weight: "weight", needed: []string{"qscale_weight"}, fits: isScaled,
	open: func(w *quantized) (*Tensor, error) { return openScaled(w, w.parts["qscale_weight"]) }}

func isScaled(w *quantized) bool { return codeValues[w.codes.DType] != nil }

func openScaled(w *quantized, scale *safetensors.Tensor) (*Tensor, error) {
	shape := w.codes.Shape
	if len(shape) < 2 || slices.Contains(shape, 0) {
		return nil, w.wrong(w.codes, "has the shape %v, expected two dimensions or more", shape)
	}
	block, err := w.config.block(w.module)
	if err != nil {
		return nil, err
	}
	g, err := w.grid(scale, block)
	if err != nil {
		return nil, err
	}
	scales, err := w.floats(scale)
	if err != nil {
		return nil, err
	}
	var zeros *data
	if z := w.parts["_zero_point"]; z != nil && w.codes.DType == "I8" {
		if err := w.want(z, scale.Shape, "I8"); err != nil {
			return nil, err
		}
		zeros = &data{t: z}
	}
	values, cols := codeValues[w.codes.DType], shape[len(shape)-1]
	codes, wide := lines{w.codes, cols}, g.block[len(shape)-1]
	return w.decoded(shape, func(dst []float32, first int64) error {
		b, err := codes.get(first, int64(len(dst))/cols)
		if err != nil {
			return err
		}
		sb, err := scales.bytes()
		if err != nil {
			return err
		}
		var zb []byte
		if zeros != nil {
			if zb, err = zeros.bytes(); err != nil {
				return err
			}
		}
		for ; len(dst) > 0; dst, b, first = dst[cols:], b[cols:], first+1 {
			at := g.row(first)
			for col := int64(0); col < cols; col += wide {
				n := at + col/wide*g.stride[len(shape)-1]
				s, zero := scales.at(sb[n*scales.width:]), float32(0)
				if zb != nil {
					zero = int8s[zb[n]]
				}
				part := dst[col:min(cols, col+wide)]
				for i, q := range b[col:][:len(part)] {
					part[i] = float32(float32(values[q]-zero) * s)
				}
			}
		}
		return nil
	}), nil
}

// grid says which scale an element has: along each dimension of the weight the size of the blocks that share one, and how far
// apart the scales of neighbouring blocks are.
type grid struct{ shape, block, stride []int64 }

// grid fits the shape of scales to the weight's. block are the sizes of blocks in the last dimensions, nil if the config names none.
func (w *quantized) grid(scale *safetensors.Tensor, block []int64) (*grid, error) {
	shape := w.codes.Shape
	g := &grid{shape, make([]int64, len(shape)), make([]int64, len(shape))}
	if len(scale.Shape) > len(shape) {
		return nil, w.wrong(scale, "has the shape %v, expected no more dimensions than the weight %v has", scale.Shape, shape)
	}
	stride := int64(1)
	for d := len(shape) - 1; d >= 0; d-- {
		n, size := int64(1), int64(0)
		if d < len(scale.Shape) {
			n = scale.Shape[d]
		}
		if i := d - (len(shape) - len(block)); i >= 0 && len(scale.Shape) == len(shape) {
			size = block[i]
		}
		switch {
		case n == 1:
			g.block[d] = shape[d]
		case size > 0 && n == (shape[d]+size-1)/size:
			g.block[d], g.stride[d] = size, stride
		case size == 0 && n == shape[d]:
			g.block[d], g.stride[d] = 1, stride
		case size > 0:
			return nil, w.wrong(scale, "has the shape %v, expected one scale for each block of %v of the weight %v", scale.Shape, block, shape)
		default:
			return nil, w.wrong(scale, "has the shape %v, expected one scale for the weight %v or for each of its rows", scale.Shape, shape)
		}
		stride *= n
	}
	return g, nil
}

// row is the number of the first scale of a row.
func (g *grid) row(r int64) (at int64) {
	for d := len(g.shape) - 2; d >= 0; d-- {
		at += r % g.shape[d] / g.block[d] * g.stride[d]
		r /= g.shape[d]
	}
	return at
}
