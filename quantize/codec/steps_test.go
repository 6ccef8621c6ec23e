package codec

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRoundSteps compares what this processor runs with the generic code, levels beyond the end included.
func TestRoundSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		n := 8 * (1 + r.IntN(4))
		x, want, got := make([]float32, n), make([]float32, n+8), make([]float32, n+8)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		for i := range want {
			want[i] = math.Float32frombits(stepOfZero + r.Uint32N(3))
			got[i] = want[i]
		}
		iscale, lo := float32(r.NormFloat64()*4), -abs(float32(r.NormFloat64()))
		span := uint32([]int{3, 15, 31}[r.IntN(3)])
		require.Equal(t, stepsGeneric(want, x, iscale, lo, span), roundSteps(got, x, iscale, lo, span))
		require.Equal(t, want, got)
		require.False(t, roundSteps(got, x, iscale, lo, span), "nothing changes the second time")
	}
}
