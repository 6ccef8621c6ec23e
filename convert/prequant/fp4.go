package prequant

import (
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
)

// fp4Blocks are rows of floats of 4 bits, two to a byte with the first in the low half, and of the scales of their blocks, a
// byte each.
type fp4Blocks struct {
	w             *quantized
	codes, scales lines
	// check refuses scales that are no factors.
	check func(scale byte, row, block int64) error
}

// each calls f with the codes and scales of rows, numbered from 0, after it checked the scales.
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
			if err := b.check(x, first+row, int64(i)); err != nil {
				return err
			}
		}
		f(row, q[row*b.codes.bytes:][:b.codes.bytes], s)
	}
	return nil
}

// decoded is the weight as float32. factor is what a block is multiplied with.
func (b *fp4Blocks) decoded(shape []int64, factor func(scale byte) float32) *Tensor {
	cols, each := 2*b.codes.bytes, b.codes.bytes/b.scales.bytes // bytes of codes in a block
	return b.w.decoded(shape, func(dst []float32, first int64) error {
		return b.each(first, int64(len(dst))/cols, func(row int64, q, scales []byte) {
			d := dst[row*cols:][:cols]
			for _, s := range scales {
				f := factor(s)
				for i, x := range q[:each] {
					d[2*i], d[2*i+1] = float32(e2m1[x&15]*f), float32(e2m1[x>>4]*f)
				}
				d, q = d[2*each:], q[each:]
			}
		})
	})
}

// kept is the weight as blocks of typ. put makes a row of them.
func (b *fp4Blocks) kept(typ gguf.Type, shape []int64, put func(dst, q, scales []byte)) *safetensors.Tensor {
	rowBytes := typ.RowBytes(shape[len(shape)-1])
	return b.w.made(typ, shape, func(dst []byte, first int64) error {
		return b.each(first, int64(len(dst))/rowBytes, func(row int64, q, scales []byte) {
			put(dst[row*rowBytes:][:rowBytes], q, scales)
		})
	})
}

// halves puts the first half of the codes of src, whose bytes hold two neighbours, in the low halves of dst, and the second
// in the high halves.
func halves(dst, src []byte) {
	for j := range dst {
		low, high := src[j/2]>>(4*(j%2))&15, src[(len(dst)+j)/2]>>(4*(j%2))&15
		dst[j] = low | high<<4
	}
}
