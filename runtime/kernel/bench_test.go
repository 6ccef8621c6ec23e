package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/carat-llm/carat/gguf"
)

// BenchmarkMatMul reports multiply-adds a second on one thread, for one token and for a batch.
func BenchmarkMatMul(b *testing.B) {
	const rows, cols = 512, 1024
	r := rand.New(rand.NewPCG(1, 1))
	for _, typ := range []gguf.Type{gguf.F32, gguf.F16, gguf.BF16, gguf.Q8_0, gguf.Q4_0, gguf.Q4_K, gguf.Q6_K} {
		w, err := NewMatrix(typ, rows, cols, make([]byte, rows*typ.RowBytes(cols)))
		if err != nil {
			b.Fatal(err)
		}
		for _, n := range []int{1, 66} {
			b.Run(fmt.Sprintf("%s/%d", typ, n), func(b *testing.B) {
				x, dst, p := random(r, n*cols), make([]float32, n*rows), NewPool(1)
				for b.Loop() {
					p.MatMul(dst, w, x, n)
				}
				b.ReportMetric(float64(rows*cols*n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
			})
		}
	}
}
