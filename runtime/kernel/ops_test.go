package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNorms(t *testing.T) {
	p := NewPool(2)
	x := []float32{1, 2, 3, 4, -2, 0, 2, 4}
	w, b := []float32{1, 2, 1, 0.5}, []float32{0, 1, 0, 0}
	got := make([]float32, 8)
	p.RMSNorm(got, x, w, 0)
	rms := math.Sqrt(7.5)
	requireClose(t, []float32{float32(1 / rms), float32(4 / rms), float32(3 / rms), float32(2 / rms)}, got[:4], 1e-6, "rms")
	p.LayerNorm(got, x, w, b, 0)
	sd := math.Sqrt(1.25)
	requireClose(t, []float32{float32(-1.5 / sd), float32(-1/sd + 1), float32(.5 / sd), float32(.75 / sd)}, got[:4], 1e-6, "layer")
}

func TestAddNorms(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	const rows, cols = 5, 83
	p, w := NewPool(2), random(r, cols)
	defer p.Close()
	for name, norms := range map[string]struct{ plain, added func(dst, x, y []float32) }{
		"RMSNorm": {func(dst, x, _ []float32) { p.RMSNorm(dst, x, w, 1e-6) },
			func(dst, x, y []float32) { p.AddRMSNorm(dst, x, y, w, 1e-6) }},
		"LayerNorm": {func(dst, x, _ []float32) { p.LayerNorm(dst, x, w, w, 1e-6) },
			func(dst, x, y []float32) { p.AddLayerNorm(dst, x, y, w, w, 1e-6) }},
	} {
		x, y, want, got := random(r, rows*cols), random(r, rows*cols), make([]float32, rows*cols), make([]float32, rows*cols)
		sum := append([]float32(nil), x...)
		p.Add(sum, y)
		norms.plain(want, sum, nil)
		norms.added(got, x, y)
		require.Equal(t, sum, x, name)
		require.Equal(t, want, got, name)
	}
}

func TestActivations(t *testing.T) {
	p := NewPool(1)
	x := []float32{-100, -1, 0, 1, 100}
	up := []float32{2, 2, 2, 2, 2}
	gate := append([]float32(nil), x...)
	p.SwiGLU(gate, up)
	requireClose(t, []float32{0, -0.5378828, 0, 1.4621172, 200}, gate, 1e-6, "swiglu")
	gate = append([]float32(nil), x...)
	p.GELU(gate)
	requireClose(t, []float32{0, -0.15880801, 0, 0.841192, 100}, gate, 1e-6, "gelu")
	s := []float32{1, 1, float32(math.Inf(-1)), 1}
	Softmax(s)
	requireClose(t, []float32{1. / 3, 1. / 3, 0, 1. / 3}, s, 1e-6, "softmax")
}

func TestRope(t *testing.T) {
	// One pair turned by one radian a position, in both pairings.
	for _, neox := range []bool{false, true} {
		table := Rope{Dims: 2, Base: 10000, Neox: neox}.Table(3)
		x := []float32{1, 0, 7}
		table.Apply(x, 2)
		requireClose(t, []float32{float32(math.Cos(2)), float32(math.Sin(2)), 7}, x, 1e-6, "turned")
	}
	f := Rope{Dims: 4, Base: 100, Factors: []float32{1, 2}, Scale: 0.5}.frequencies()
	require.InDeltaSlice(t, []float64{0.5, 0.1 / 2 * 0.5}, f, 1e-12)
	// YaRN leaves fast pairs alone and scales slow ones.
	f = Rope{Dims: 64, Base: 10000, Scale: 0.25, Yarn: &Yarn{OriginalContext: 4096, BetaFast: 32, BetaSlow: 1}}.frequencies()
	require.InDelta(t, 1, f[0], 1e-12)
	require.InDelta(t, math.Pow(10000, -62./64)/4, f[31], 1e-12)
}

func TestTop(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		x    []float32
		want []int
	}{
		{[]float32{1, 3, 2}, []int{1, 2}},
		{[]float32{2, 2, 2}, []int{0, 1}},
		{[]float32{-5, 1, 7, 1}, []int{2, 1, 3}},
		{[]float32{4}, []int{0}},
		{[]float32{nan, nan}, []int{0, 1}}, // no index is out of range, whatever the model computes
	} {
		got := make([]int, len(c.want))
		Top(got, c.x)
		require.Equal(t, c.want, got, "%v", c.x)
	}
}

func TestAddBias(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	x := []float32{1, 2, 3, 4, 5, 6}
	p.AddBias(x, []float32{10, 20, 30})
	require.Equal(t, []float32{11, 22, 33, 14, 25, 36}, x)
}

func TestAddScaledAndSigmoid(t *testing.T) {
	x := []float32{1, 2}
	AddScaled(x, []float32{4, -2}, 0.5)
	require.Equal(t, []float32{3, 1}, x)
	require.Equal(t, float32(0.5), Sigmoid(0))
	require.InDelta(t, 0.7310586, Sigmoid(1), 1e-7)
	require.Equal(t, float32(0), Sigmoid(-1000))
}
