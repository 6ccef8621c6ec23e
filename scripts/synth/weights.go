package main

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// weights is a tensor whose rows are drawn when they are read: a matrix of F16 with variance 1/columns, so that
// activations keep their size from layer to layer, or the F32 row of a norm, near 1.
type weights struct {
	info  gguf.TensorInfo
	index uint64 // in the model
}

func (w *weights) Info() gguf.TensorInfo { return w.info }

// ReadRows implements gguf.Tensor.
func (w *weights) ReadRows(dst []byte, first, n int64) error {
	size, cols := w.info.RowBytes(), w.info.Cols()
	f16, _ := codec.For(gguf.F16)
	row := make([]float32, cols)
	for i := range n {
		out := dst[i*size : (i+1)*size]
		// A generator for each row: rows are the same in whatever order they are read.
		r := rand.NewPCG(w.index, uint64(first+i))
		if w.info.Type == gguf.F32 {
			draw(row, r, 0.05)
			for j, v := range row {
				binary.LittleEndian.PutUint32(out[4*j:], math.Float32bits(1+v))
			}
			continue
		}
		draw(row, r, 1/math.Sqrt(float64(cols)))
		f16.Encode(out, row, int(cols), nil)
	}
	return nil
}

// sigma is the standard deviation of a sum of eight numbers below 2^16: sqrt(8 (2^32 - 1) / 12).
const sigma = 53509.53

// draw fills row with numbers of nearly normal distribution and standard deviation deviation, within 4.9 deviations of
// 0. A sum of integers needs no logarithm, of which not all machines make the same; one product rounds.
func draw(row []float32, r *rand.PCG, deviation float64) {
	scale := float32(deviation / sigma)
	for i := range row {
		n := fold(r.Uint64()) + fold(r.Uint64()) - 4*math.MaxUint16
		row[i] = float32(float32(n) * scale)
	}
}

// fold adds the four quarters of x.
func fold(x uint64) int32 {
	const mask = 0xffff0000ffff
	x = x&mask + x>>16&mask
	return int32(x) + int32(x>>32)
}
