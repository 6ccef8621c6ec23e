package round

import (
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/hessian"
	"github.com/carat-llm/carat/runtime/kernel"
)

// BenchmarkRows rounds rows of 1024 weights, with one sweep, on one core; a metric is the time for a million weights.
func BenchmarkRows(b *testing.B) {
	const count, cols = 64, 1024
	pool := kernel.NewPool(1)
	m := hessian.New(cols, pool.Product)
	if err := m.Add(activations(5, 1, 2*cols, cols)); err != nil {
		b.Fatal(err)
	}
	w := weights(1, count, cols)
	for _, typ := range []gguf.Type{gguf.Q3_K, gguf.IQ4_XS, gguf.IQ3_S, gguf.IQ3_XXS} {
		b.Run(typ.String(), func(b *testing.B) {
			f, err := m.Factor(0.1, group(typ))
			if err != nil {
				b.Fatal(err)
			}
			c, _ := codec.For(typ)
			encoded := make([]byte, count*int(typ.RowBytes(cols)))
			c.Encode(encoded, w, cols, nil)
			for b.Loop() {
				rows(encoded, w, typ, f, Options{Sweeps: 1, Product: pool.Product})
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N)/(count*cols)*1e6, "ms/Mweight")
		})
	}
}
