package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// errorInUlps is the distance of got to want in units of want's last place.
func errorInUlps(got float32, want float64) float64 {
	_, e := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(e-24, -149))
}

func TestExpIsWithinOneUlp(t *testing.T) {
	worst := 0.0
	for u := uint32(0); u < 0x42b10000; u += 4001 { // 0..88.5
		for _, x := range []float32{math.Float32frombits(u), -math.Float32frombits(u)} {
			want := math.Exp(float64(x))
			if x > 88.376 || x < -87.6 {
				continue
			}
			worst = max(worst, errorInUlps(exp32(x), want))
		}
	}
	t.Logf("largest error: %.3f units in the last place", worst)
	require.Less(t, worst, 1.0)
}

func TestExpAtItsEnds(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct{ x, want float32 }{
		{0, 1}, {float32(math.Copysign(0, -1)), 1}, {0x1p-149, 1}, {-0x1p-30, 1}, {88.4, inf}, {100, inf}, {inf, inf},
		{-87.7, 0}, {-100, 0}, {-math.MaxFloat32, 0}, {-inf, 0},
	} {
		require.Equal(t, c.want, exp32(c.x), "exp(%g)", c.x)
	}
	require.True(t, math.IsNaN(float64(exp32(float32(math.NaN())))))
	require.Less(t, exp32(88.37), inf)
	require.Greater(t, exp32(-87.6), float32(0))
}

func TestActivationsMatchFloat64(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	for range 20000 {
		x := float32(r.NormFloat64() * 5)
		v := float64(x)
		require.InDelta(t, v/(1+math.Exp(-v)), silu(x), 2.5e-7*math.Abs(v), "silu(%g)", x)
		require.InDelta(t, 1/(1+math.Exp(-v)), Sigmoid(x), 1.5e-7, "sigmoid(%g)", x)
		y := math.Sqrt(2/math.Pi) * (v + 0.044715*v*v*v)
		require.InDelta(t, v*0.5*(1+math.Tanh(y)), gelu(x), 2.5e-7*math.Abs(v), "gelu(%g)", x)
	}
}
