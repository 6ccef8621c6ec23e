package quantize

import (
	"fmt"
	"math"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// buffers are a worker's, reused for every chunk.
type buffers struct {
	src, dst        []byte
	values, decoded []float32
}

// grow returns b with length n, allocated anew only when it is too small.
func grow[T any](b *[]T, n int64) []T {
	if int64(cap(*b)) < n {
		*b = make([]T, n)
	}
	*b = (*b)[:n]
	return *b
}

// convert reads, checks, encodes and writes a chunk; it returns the bytes read.
func (b *buffers) convert(c chunk) (int64, error) {
	n := c.end - c.row
	src := grow(&b.src, n*c.in.RowBytes())
	if err := c.src.ReadRows(src, c.row, n); err != nil {
		return 0, err
	}
	var values []float32
	var largest float32
	if dec, ok := codec.For(c.in.Type); ok {
		values = grow(&b.values, n*c.in.Cols())
		dec.Decode(values, src)
		var err error
		if largest, err = check(c.variants[0].Target, values, c.row); err != nil {
			return 0, err
		}
	}
	for _, v := range c.variants {
		out := src
		if v.Type != c.in.Type {
			var err error
			if out, err = b.encode(v.Target, c.row, values, largest); err != nil {
				return 0, err
			}
		}
		for _, s := range v.slots {
			if err := s.file.WriteAt(s.index, out, c.row*v.RowBytes()); err != nil {
				return 0, err
			}
		}
	}
	return int64(len(src)), nil
}

const (
	// largeValue is where half-precision scales may begin to overflow: they reach 65504, and no format's scale
	// is more than twice its largest element.
	largeValue = 1 << 15
	// hugeValue is beyond what any scale can reach (65504*128*32 in Q6_K, less in the others). From there on
	// the sums in the encoders overflow too, and what they then give can be finite and wrong.
	hugeValue = 1 << 40
)

// encode returns values, which begin at row, in the type of t. Where the result could overflow, by large values or
// by weights that leave an encoder nothing to divide by, it is decoded again and checked.
func (b *buffers) encode(t *Target, row int64, values []float32, largest float32) ([]byte, error) {
	n := int64(len(values)) / t.Cols()
	enc, _ := codec.For(t.Type) // there is one: the plan was checked
	out := grow(&b.dst, n*t.RowBytes())
	weights := t.columnWeights(row)
	enc.Encode(out, values, int(t.Cols()), weights)
	if largest < largeValue && weights == nil {
		return out, nil
	}
	decoded := grow(&b.decoded, n*t.Cols())
	enc.Decode(decoded, out)
	if largest <= hugeValue && finite(codec.Largest(decoded)) {
		return out, nil
	}
	for i, v := range decoded {
		if x := values[i]; !finite(v) || t.Type.Quantized() && (x > hugeValue || x < -hugeValue) {
			return nil, fmt.Errorf("%w: %s is %v: overflow: values up to %v do not fit %s; use BF16 or F32 for this tensor",
				gguf.ErrInput, t.place(row, i), x, largest, t.Type)
		}
	}
	return out, nil
}

// columnWeights are those of the expert that row belongs to.
func (t *Target) columnWeights(row int64) []float32 {
	if t.weights == nil {
		return nil
	}
	expert := int64(0)
	if len(t.Shape) > 2 {
		expert = row / t.Shape[1] % t.Shape[2]
	}
	return t.weights[expert*t.Cols():][:t.Cols()]
}

// check refuses NaN and infinities, which no model should carry on, and returns the largest magnitude.
func check(t *Target, values []float32, row int64) (largest float32, err error) {
	if largest = codec.Largest(values); finite(largest) {
		return largest, nil
	}
	i := slices.IndexFunc(values, func(v float32) bool { return !finite(v) })
	return 0, fmt.Errorf("%w: %s is %v: not finite; the model is broken or damaged", gguf.ErrInput, t.place(row, i), values[i])
}

func finite(v float32) bool { return v <= math.MaxFloat32 && v >= -math.MaxFloat32 }

// place names element i of a chunk that begins at row.
func (t *Target) place(row int64, i int) string {
	return fmt.Sprintf("tensor %s: row %d column %d", t.Name, row+int64(i)/t.Cols(), int64(i)%t.Cols())
}
