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
	src             []byte
	dst             [][]byte // for each variant
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
	outs := grow(&b.dst, int64(len(c.variants)))
	for i, v := range c.variants {
		if v.Type != c.in.Type {
			grow(&outs[i], n*v.RowBytes())
		}
	}
	if err := b.fill(c, src, outs); err != nil {
		return 0, err
	}
	for i, v := range c.variants {
		out := outs[i]
		if v.Type == c.in.Type {
			out = src
		}
		for _, s := range v.slots {
			if err := s.file.WriteAt(s.index, out, c.row*v.RowBytes()); err != nil {
				return 0, err
			}
		}
	}
	return int64(len(src)), nil
}

// fill checks src and encodes it into outs, one for each variant that is not of the source's type: a few rows at a time,
// so that they are still in the nearest cache when they are encoded.
func (b *buffers) fill(c chunk, src []byte, outs [][]byte) error {
	dec, ok := codec.For(c.in.Type)
	if !ok || c.copied() && !c.in.Type.Quantized() && codec.Finite(c.in.Type, src) {
		return nil
	}
	for row := c.row; row < c.end; row += c.step {
		n := min(c.step, c.end-row)
		values := grow(&b.values, n*c.in.Cols())
		dec.Decode(values, src[(row-c.row)*c.in.RowBytes():][:n*c.in.RowBytes()])
		largest, err := check(c.variants[0].Target, values, row)
		if err != nil {
			return err
		}
		for i, v := range c.variants {
			if v.Type == c.in.Type {
				continue
			}
			if err := b.encode(outs[i][(row-c.row)*v.RowBytes():][:n*v.RowBytes()], v.Target, row, values, largest); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	// largeValue is where half-precision scales may begin to overflow: they reach 65504, and no format's scale
	// is more than twice its largest element.
	largeValue = 1 << 15
	// hugeValue is beyond what any scale can reach (65504*128*32 in Q6_K, less in the others). From there on
	// the sums in the encoders overflow too, and what they then give can be finite and wrong.
	hugeValue = 1 << 40
)

// encode fills out with values, which begin at row, in the type of t. Where the result could overflow, by large values or
// by weights that leave an encoder nothing to divide by, it is decoded again and checked.
func (b *buffers) encode(out []byte, t *Target, row int64, values []float32, largest float32) error {
	enc, _ := codec.For(t.Type) // there is one: the plan was checked
	weights := t.columnWeights(row)
	enc.Encode(out, values, int(t.Cols()), weights)
	if largest < largeValue && weights == nil {
		return nil
	}
	decoded := grow(&b.decoded, int64(len(values)))
	enc.Decode(decoded, out)
	if largest <= hugeValue && finite(codec.Largest(decoded)) {
		return nil
	}
	for i, v := range decoded {
		if x := values[i]; !finite(v) || t.Type.Quantized() && (x > hugeValue || x < -hugeValue) {
			return fmt.Errorf("%w: %s is %v: overflow: values up to %v do not fit %s; use BF16 or F32 for this tensor",
				gguf.ErrInput, t.place(row, i), x, largest, t.Type)
		}
	}
	return nil
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
