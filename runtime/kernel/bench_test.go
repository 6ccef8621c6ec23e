package kernel

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/carat-llm/carat/gguf"
)

// BenchmarkMatMul reports multiply-adds a second, and the bytes of weights read, on one thread, for one token and for
// batches. The weights are of a size that no cache holds.
func BenchmarkMatMul(b *testing.B) {
	const rows, cols = 8192, 4096
	r := rand.New(rand.NewPCG(1, 1))
	p := NewPool(1)
	for _, typ := range []gguf.Type{gguf.F16, gguf.BF16, gguf.F32, gguf.Q8_0, gguf.Q4_0, gguf.Q4_K, gguf.Q5_K, gguf.Q6_K, gguf.Q3_K, gguf.Q2_K, gguf.IQ4_XS, gguf.IQ2_XS} {
		// Not zeros: pages that nobody has written share a single one, which stays in the cache.
		w, err := NewMatrix(typ, rows, cols, bytes.Repeat([]byte{0x3c}, int(rows*typ.RowBytes(cols))))
		if err != nil {
			b.Fatal(err)
		}
		Prepare(p, []Loading{{W: w}})
		for _, compute := range []Compute{Exact, Fast} {
			for _, n := range []int{1, 2, 4, 8, 16, 64, 256} {
				b.Run(fmt.Sprintf("%s/%s/%d", typ, compute, n), func(b *testing.B) {
					x, dst := random(r, n*cols), make([]float32, n*rows)
					m := Multiplier{Compute: compute}
					b.SetBytes(int64(len(w.Data)))
					for b.Loop() {
						m.MatMuls(p, x, n, Product{dst, w})
					}
					b.ReportMetric(float64(rows*cols*n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
				})
			}
		}
	}
}
