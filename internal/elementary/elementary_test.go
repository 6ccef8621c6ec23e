package elementary

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAgainstMath: the functions are those of package math but for the last bits.
func TestAgainstMath(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 20000 {
		x := r.NormFloat64() * math.Pow(10, float64(i%12-6))
		sin, cos := Sincos(x)
		wantSin, wantCos := math.Sincos(x)
		bound := 3e-16
		if math.Abs(x) > mostTurns {
			bound = 1e-16 * math.Abs(x)
		}
		require.InDelta(t, wantSin, sin, bound, "sin %v", x)
		require.InDelta(t, wantCos, cos, bound, "cos %v", x)
		if math.Abs(x) < 700 {
			require.InEpsilon(t, math.Exp(x), Exp(x), 5e-16, "exp %v", x)
		}
		if x != 0 {
			require.InDelta(t, math.Log(math.Abs(x)), Log(math.Abs(x)), 5e-16*max(1, math.Abs(math.Log(math.Abs(x)))), "log %v", x)
			require.InEpsilon(t, math.Tanh(x), Tanh(x), 1e-15, "tanh %v", x)
		}
	}
	for _, base := range []float64{1, 100, 1e4, 1e6, 5e8} {
		for i := range 200 {
			y := -float64(i) / 100
			require.InEpsilon(t, math.Pow(base, y), Pow(base, y), 1e-14, "%v ** %v", base, y)
		}
	}
}

func TestEnds(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, x := range []float64{0, 1, 2, 709, 710, -706, -710, inf, -inf} {
		require.InDelta(t, min(math.Exp(x), math.MaxFloat64), min(Exp(x), math.MaxFloat64), 1e-15*max(1, min(math.Exp(x), 1e300)), "exp %v", x)
	}
	require.True(t, math.IsInf(Exp(710), 1))
	require.Equal(t, math.Inf(-1), Log(0))
	require.Equal(t, inf, Log(inf))
	require.Equal(t, 0.0, Log(1))
	require.InDelta(t, -744.4400719213812, Log(5e-324), 1e-12)
	require.Equal(t, []float64{1, -1, 0, 1}, []float64{Tanh(inf), Tanh(-inf), Tanh(0), Tanh(1000)})
	sin, cos := Sincos(0)
	require.Equal(t, []float64{0, 1}, []float64{sin, cos})
	for _, v := range []float64{Exp(nan), Log(nan), Log(-1), Tanh(nan)} {
		require.True(t, math.IsNaN(v))
	}
	for _, x := range []float64{inf, -inf, nan} {
		sin, cos := Sincos(x)
		require.True(t, math.IsNaN(sin) && math.IsNaN(cos))
	}
}

// TestSameEverywhere holds the bits fixed, for other processors.
func TestSameEverywhere(t *testing.T) {
	r, sum := rand.New(rand.NewPCG(3, 4)), crc32.NewIEEE()
	for i := range 20000 {
		x := float64(int64(r.Uint64())>>11) * 0x1p-52 * float64(int64(1)<<(i%20)) // exact
		sin, cos := Sincos(x)
		require.NoError(t, binary.Write(sum, binary.LittleEndian, []float64{sin, cos, Exp(-x), Log(math.Abs(x)), Tanh(x), Pow(math.Abs(x), -0.37)}))
	}
	require.Equal(t, uint32(0xc14576b7), sum.Sum32())
}
