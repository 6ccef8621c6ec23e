package export

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// mlcGroup is how many weights share a scale.
const mlcGroup = 32

// q4f16 is MLC's q4f16_1 (python/mlc_llm/quantization/group_quantization.py): codes of 4 bits from 0 to 14 that mean -7 to 7,
// eight in a word of 32 bits with the first lowest, and an F16 scale for 32 weights, the largest of them by 7. Rows that 32 does
// not divide are filled up with codes of 0. MLC computes with 16-bit floats, which rounds after each step: weights, scale,
// quotient and sum; the code is the nearest, of two the even one. Groups of zeros have codes of 0, as MLC makes them on a CPU.
type q4f16 struct{}

func (q4f16) encode(row []float32, _ gguf.Type) (codes, scales []byte, err error) {
	half, _ := codec.For(gguf.F16)
	groups := (len(row) + mlcGroup - 1) / mlcGroup
	raw := make([]byte, 2*len(row))
	round := func(x []float32) {
		half.Encode(raw[:2*len(x)], x, len(x), nil)
		half.Decode(x, raw[:2*len(x)])
	}
	w := make([]float32, len(row))
	copy(w, row)
	round(w)
	if amax := codec.Largest(w); !(amax <= math.MaxFloat32) {
		return nil, nil, fmt.Errorf("%w: a row has values beyond 65504, the most that F16 holds, which is all that MLC's q4f16_1 and q0f16 know", gguf.ErrInput)
	}
	scales = make([]byte, 2*groups)
	for g := range groups {
		group := w[g*mlcGroup : min((g+1)*mlcGroup, len(w))]
		h := codec.F32ToF16(codec.Largest(group) / 7)
		binary.LittleEndian.PutUint16(scales[2*g:], h)
		scale := codec.F16ToF32(h)
		for i := range group {
			group[i] /= scale
		}
	}
	round(w)
	for i := range w {
		w[i] += 7
	}
	round(w)
	codes = make([]byte, groups*mlcGroup/2)
	for i, x := range w {
		if x > 0 { // what is no number stays 0
			codes[i/2] |= byte(min(math.RoundToEven(float64(x)), 14)) << (4 * (i % 2))
		}
	}
	return codes, scales, nil
}
