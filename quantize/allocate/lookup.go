package allocate

import (
	"fmt"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/round"
)

// lookups is on how many tokens of the text, as far apart as can be, losses of embeddings are measured.
const lookups = 256

// lookup measures embeddings that are only looked up: no layer multiplies with them, and the error of a token's row is what the
// layers get. A type's loss is the mean squared error of the rows that the text looks up, so that frequent tokens weigh more. ok is
// false if there are none, or another tensor of known is them.
func (m *measuring) lookup(known []Tensor) (t Tensor, ok bool, err error) {
	target, ok := m.targets[round.Embedding]
	if !ok || len(m.Tokens) == 0 || slices.ContainsFunc(known, func(t Tensor) bool { return t.Name == round.Embedding }) {
		return t, false, nil
	}
	t = Tensor{TensorInfo: target.Info(), Types: m.types[round.Embedding]}
	ids := slices.Concat(m.Tokens...)
	n, cols, read := min(lookups, len(ids)), int(t.Cols()), target.Matrix(0).Read
	x := make([]float32, n*cols)
	for i := range n {
		id := ids[i*len(ids)/n]
		if int64(id) >= t.Rows() {
			return t, false, fmt.Errorf("%w: tensor %s has %d rows, but the text has token %d", gguf.ErrInput, t.Name, t.Rows(), id)
		}
		if err := read(x[i*cols:][:cols], int(id), 1); err != nil {
			return t, false, err
		}
	}
	for _, typ := range t.Types {
		t.Losses = append(t.Losses, squaredError(x, cols, typ))
	}
	data, err := target.Encode(probed, m.Options)
	if err != nil {
		return t, false, err
	}
	d, err := m.probe.Divergence(-1, t.Name, probed, data)
	if err != nil {
		return t, false, fmt.Errorf("tensor %s: %w", t.Name, err)
	}
	if e := squaredError(x, cols, probed); e > 0 {
		t.Sensitivity = d / e
	}
	return t, true, nil
}

// squaredError is that of a row of x, in the mean, when the encoder of typ rounds it.
func squaredError(x []float32, cols int, typ gguf.Type) (sum float64) {
	c, _ := codec.For(typ) // of the pool
	encoded := make([]byte, len(x)/cols*int(typ.RowBytes(int64(cols))))
	c.Encode(encoded, x, cols, nil)
	y := make([]float32, len(x))
	c.Decode(y, encoded)
	for i, v := range x {
		e := float64(y[i]) - float64(v)
		sum += float64(e * e)
	}
	return sum / float64(len(x)/cols)
}
