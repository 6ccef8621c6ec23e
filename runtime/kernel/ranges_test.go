package kernel

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOperationsAllocateNothing(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	x, y, z, w := make([]float32, 3*elementwise), make([]float32, 3*elementwise), make([]float32, 3*elementwise), make([]float32, 64)
	for name, f := range map[string]func(){
		"SwiGLU": func() { p.SwiGLU(x, y) }, "GeGLU": func() { p.GeGLU(x, y) }, "GELU": func() { p.GELU(x) },
		"Add":     func() { p.Add(x, y) },
		"RMSNorm": func() { p.RMSNorm(y, x, w, 1) }, "LayerNorm": func() { p.LayerNorm(y, x, w, w, 1) },
		"AddRMSNorm": func() { p.AddRMSNorm(z, x, y, w, 1) }, "AddLayerNorm": func() { p.AddLayerNorm(z, x, y, w, w, 1) },
	} {
		require.Zero(t, testing.AllocsPerRun(20, f), name)
	}
}
