package kernel

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPlainActivations compares them with their definitions in float64.
func TestPlainActivations(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	gelu := func(x float64) float64 { return x * 0.5 * math.Erfc(-x/math.Sqrt2) }
	for name, c := range map[string]struct {
		f    func(x, y []float32)
		want func(x, y float64) float64
	}{
		"ReLU":        {func(x, _ []float32) { p.ReLU(x) }, func(x, _ float64) float64 { return max(0, x) }},
		"ReLUSquared": {func(x, _ []float32) { p.ReLUSquared(x) }, func(x, _ float64) float64 { return max(0, x) * max(0, x) }},
		"SiLU":        {func(x, _ []float32) { p.SiLU(x) }, func(x, _ float64) float64 { return x / (1 + math.Exp(-x)) }},
		"ExactGELU":   {func(x, _ []float32) { p.ExactGELU(x) }, func(x, _ float64) float64 { return gelu(x) }},
		"ExactGeGLU":  {p.ExactGeGLU, func(x, y float64) float64 { return gelu(x) * y }},
		"LimitedSwiGLU": {p.LimitedSwiGLU, func(x, y float64) float64 {
			x, y = min(7, x), max(-7, min(7, y))
			return (y + 1) * x / (1 + math.Exp(-1.702*x))
		}},
		"XIELU": {func(x, _ []float32) { XIELU(0.8, 1.1, 0.5, -1e-6)(p, x) }, func(x, _ float64) float64 {
			if x > 0 {
				return 0.8*x*x + 0.5*x
			}
			return 1.1*(math.Expm1(min(x, -1e-6))-x) + 0.5*x
		}},
		"Times":        {p.Times, func(x, y float64) float64 { return x * y }},
		"TimesSigmoid": {p.TimesSigmoid, func(x, y float64) float64 { return x / (1 + math.Exp(-y)) }},
	} {
		const n = 20001
		x, y, in := make([]float32, n), make([]float32, n), make([]float32, n)
		for i := range x {
			x[i], y[i] = float32(i-n/2)/1000, float32(i%77)/20-2
			in[i] = x[i]
		}
		c.f(x, y)
		for i, v := range in {
			want := c.want(float64(v), float64(y[i]))
			require.InDelta(t, want, x[i], 1e-6*math.Abs(want)+1e-7, "%s(%v, %v)", name, v, y[i])
		}
	}
}

func TestSoftplus(t *testing.T) {
	for x := float32(-60); x < 60; x += 0.37 {
		require.InEpsilon(t, math.Log1p(math.Exp(float64(x))), Softplus(x), 1e-6, "%v", x)
	}
}
