package kernel

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// rateTime is how long Rate multiplies.
const rateTime = 20 * time.Millisecond

// Rate measures, in a fraction of a second, how many bytes of weights of a type the pool multiplies a second with one row of
// activations: what decoding is made of. The matrix has about so many bytes, which should be more than caches hold if those of the
// model are. The fastest of several products counts.
func (p *Pool) Rate(t gguf.Type, bytes int64, compute Compute) (float64, error) {
	const cols, distinct = 2048, 16
	enc, _ := codec.For(t)
	if err := CheckMatrix(t, cols); err != nil {
		return 0, err
	}
	rowBytes := int(t.RowBytes(cols))
	some, x := make([]byte, distinct*rowBytes), make([]float32, distinct*cols)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range x {
		x[i] = float32(rnd.NormFloat64())
	}
	if enc.Encode == nil {
		return 0, fmt.Errorf("%w: carat cannot write type %s", gguf.ErrUnsupported, t)
	}
	enc.Encode(some, x, cols, nil)
	rows := max(int(bytes)/len(some), 1) * distinct
	data := make([]byte, 0, rows*rowBytes)
	for len(data) < cap(data) {
		data = append(data, some...)
	}
	w, err := NewMatrix(t, rows, cols, data)
	if err != nil {
		return 0, err
	}
	if err := Prepare(p, []Loading{{W: w}}); err != nil {
		return 0, err
	}
	m, dst := Multiplier{Compute: compute}, make([]float32, rows)
	var best, total time.Duration
	for pass := 0; pass < 4 || total < rateTime; pass++ {
		begin := time.Now()
		m.MatMuls(p, x[:cols], 1, Product{dst, w})
		d := max(time.Since(begin), 1)
		total += d
		if pass > 0 && (best == 0 || d < best) {
			best = d
		}
	}
	return float64(len(data)) / best.Seconds(), nil
}
