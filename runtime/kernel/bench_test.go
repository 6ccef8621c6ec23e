package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
	"github.com/carat-llm/carat/quantize/codec"
)

// BenchmarkDecode reports MB/s of float32 written, for every type: by the codec and, where they differ, by the
// tier in use. 16 rows of 1024 elements are what MatMul decodes at a time.
func BenchmarkDecode(b *testing.B) {
	const elements = 16 * 1024
	for _, typ := range fileTypes() {
		c, _ := codec.For(typ)
		dst, src := make([]float32, elements), blocks(rand.New(rand.NewPCG(1, 1)), typ, elements/typ.BlockSize())
		run := func(name string, decode func(dst []float32, src []byte)) {
			b.Run(typ.String()+"/"+name, func(b *testing.B) {
				b.SetBytes(4 * elements)
				for b.Loop() {
					decode(dst, src)
				}
			})
		}
		run("codec", c.Decode)
		if decode, ok := active().decode[typ]; ok {
			run(cpu.Current().String(), decode)
		}
	}
}

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
