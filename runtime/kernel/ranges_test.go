package kernel

import (
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

func TestOperationsAllocateNothing(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	x, y, z, w := make([]float32, 3*elementwise), make([]float32, 3*elementwise), make([]float32, 3*elementwise), make([]float32, 64)
	var m Multiplier
	narrow := matrixF32(t, 7, 13, make([]float32, 7*13)) // neither whole vectors nor whole tiles of rows
	q8, err := NewMatrix(gguf.Q8_0, 40, 96, make([]byte, 40*gguf.Q8_0.RowBytes(96)))
	require.NoError(t, err)
	cache, a := NewCache(2, 16, 16, 600, gguf.F32), Attention{Heads: 4, Scale: 1}
	for name, f := range map[string]func(){
		"floats": func() { m.MatMuls(p, x, 2, Product{y, narrow}, Product{y[100:], narrow}) }, "integers": func() { m.MatMuls(p, x, 2, Product{y, q8}) },
		"SwiGLU": func() { p.SwiGLU(x, y) }, "GeGLU": func() { p.GeGLU(x, y) }, "GELU": func() { p.GELU(x) },
		"Add":     func() { p.Add(x, y) },
		"AddBias": func() { p.AddBias(x, w) },
		"Attend":  func() { p.Attend(y, x, 1, 599, cache, a) },
		"RMSNorm": func() { p.RMSNorm(y, x, w, 1) }, "LayerNorm": func() { p.LayerNorm(y, x, w, w, 1) },
		"AddRMSNorm": func() { p.AddRMSNorm(z, x, y, w, 1) }, "AddLayerNorm": func() { p.AddLayerNorm(z, x, y, w, w, 1) },
	} {
		require.Zero(t, testing.AllocsPerRun(20, f), name)
	}
	require.GreaterOrEqual(t, m.Bytes(), int64(4*2*16+2*96), "padded rows and at least a byte for each activation")
}
