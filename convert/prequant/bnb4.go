package prequant

import (
	"encoding/json"
	"math"

	"github.com/carat-llm/carat/convert/safetensors"
)

// bnb4 are nf4 and fp4 of bitsandbytes: codes of 4 bits, two to a byte with the first in the high half, number an entry of
// quant_map, which is scaled by absmax of its block. Blocks run through the whole weight, whatever its rows. The scales may be
// quantized themselves: then they are an entry of nested_quant_map, scaled by nested_absmax, plus an offset. quant_state
// is a JSON object as a tensor of bytes. The codes may lie in a tensor of any type (bnb_4bit_quant_storage).
var bnb4 = layout{needed: []string{".absmax", ".quant_map", ".quant_state.bitsandbytes__nf4|.quant_state.bitsandbytes__fp4"},
	optional: []string{".nested_absmax", ".nested_quant_map"}, open: openBNB4}

// quantState is what quant_state says.
type quantState struct {
	Shape           []int64 `json:"shape"`
	BlockSize       int64   `json:"blocksize"`
	NestedBlockSize int64   `json:"nested_blocksize"`
	NestedOffset    float64 `json:"nested_offset"`
}

// maxState is more than any state has.
const maxState = 1 << 16

func openBNB4(w *quantized) (*Tensor, error) {
	stateTensor := w.parts[".quant_state.bitsandbytes__nf4"]
	if err := w.want(stateTensor, nil, "U8"); err != nil {
		return nil, err
	}
	b, err := small(stateTensor, maxState)
	if err != nil {
		return nil, err
	}
	var s quantState
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, w.wrong(stateTensor, "is not a JSON object: %v", err)
	}
	elements := int64(1)
	for _, d := range s.Shape {
		if d < 1 || d > math.MaxInt32 || elements > math.MaxInt64/16/d {
			return nil, w.wrong(stateTensor, "has the shape %v, expected numbers above 0", s.Shape)
		}
		elements *= d
	}
	if len(s.Shape) < 2 || s.BlockSize < 1 {
		return nil, w.wrong(stateTensor, "has the shape %v and the block size %d, expected two dimensions and a number above 0", s.Shape, s.BlockSize)
	}
	if w.codes.Size() != (elements+1)/2 {
		return nil, w.wrong(w.codes, "has %d bytes, expected %d of the shape %v", w.codes.Size(), (elements+1)/2, s.Shape)
	}
	quantMap, err := w.all(w.parts[".quant_map"], 16)
	if err != nil {
		return nil, err
	}
	absmax, err := w.absmax(s, (elements-1)/s.BlockSize+1)
	if err != nil {
		return nil, err
	}
	cols, codes := s.Shape[len(s.Shape)-1], lines{w.codes, 1}
	return w.decoded(s.Shape, func(dst []float32, first int64) error {
		begin, end := first*cols, first*cols+int64(len(dst))
		b, err := codes.get(begin/2, (end+1)/2-begin/2)
		if err != nil {
			return err
		}
		block := begin / s.BlockSize
		scales := make([]float32, (end-1)/s.BlockSize-block+1)
		if err := absmax(scales, block); err != nil {
			return err
		}
		for i := range dst {
			e := begin + int64(i)
			q := b[e/2-begin/2] >> (4 * (1 - e%2)) & 15
			dst[i] = float32(quantMap[q] * scales[e/s.BlockSize-block])
		}
		return nil
	}), nil
}

// absmax makes a function that reads the scales of blocks first and up, of so many.
func (w *quantized) absmax(s quantState, blocks int64) (func(dst []float32, first int64) error, error) {
	t, nested := w.parts[".absmax"], w.parts[".nested_absmax"]
	if t.Elements() != blocks {
		return nil, w.wrong(t, "has %d scales, expected %d of blocks of %d", t.Elements(), blocks, s.BlockSize)
	}
	if nested == nil {
		f, err := w.floats(t)
		if err != nil {
			return nil, err
		}
		return f.fill, w.want(t, nil, "F32")
	}
	return w.nestedAbsmax(t, nested, s)
}

func (w *quantized) nestedAbsmax(t, nested *safetensors.Tensor, s quantState) (func(dst []float32, first int64) error, error) {
	state := w.parts[".quant_state.bitsandbytes__nf4"]
	if err := w.want(t, nil, "U8"); err != nil {
		return nil, err
	}
	if s.NestedBlockSize < 1 {
		return nil, w.wrong(state, "has the nested_blocksize %d, expected a number above 0", s.NestedBlockSize)
	}
	if w.parts[".nested_quant_map"] == nil {
		return nil, w.wrong(nested, "stands there without its nested_quant_map")
	}
	values, err := w.all(w.parts[".nested_quant_map"], 256)
	if err != nil {
		return nil, err
	}
	if err := w.want(nested, nil, "F32"); err != nil {
		return nil, err
	}
	if n := (t.Elements()-1)/s.NestedBlockSize + 1; nested.Elements() != n {
		return nil, w.wrong(nested, "has %d scales, expected %d of blocks of %d", nested.Elements(), n, s.NestedBlockSize)
	}
	scales, err := w.floats(nested)
	if err != nil {
		return nil, err
	}
	codes, offset := &data{t: t}, float32(s.NestedOffset)
	return func(dst []float32, first int64) error {
		b, err := codes.bytes()
		if err != nil {
			return err
		}
		sb, err := scales.bytes()
		if err != nil {
			return err
		}
		for i := range dst {
			n := first + int64(i)
			dst[i] = float32(values[b[n]]*scales.at(sb[n/s.NestedBlockSize*4:])) + offset
		}
		return nil
	}, nil
}
