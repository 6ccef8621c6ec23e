package codec

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/carat-llm/carat/internal/cpu"
	"github.com/stretchr/testify/require"
)

// TestLargest puts the largest magnitude, or what is not finite, at every place of slices of every length.
func TestLargest(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for _, tier := range cpu.Available() {
		defer cpu.Force(tier)()
		r := rand.New(rand.NewPCG(1, 1))
		require.Zero(t, Largest(nil))
		for n := 1; n < 200; n++ {
			x := make([]float32, n)
			for i := range x {
				x[i] = r.Float32()*2 - 1
			}
			for i, was := range x {
				for v, want := range map[float32]float32{1.5: 1.5, -2: 2, inf: -inf} {
					x[i] = v
					require.Equal(t, want, Largest(x), "%v at %d of %d", v, i, n)
				}
				x[i] = nan
				require.True(t, math.IsNaN(float64(Largest(x))), "NaN at %d of %d", i, n)
				x[i] = was
			}
			require.Equal(t, largestGeneric(x), largestBits(x))
		}
	}
}

func BenchmarkLargest(b *testing.B) {
	x, _ := matrix(1, "gauss", 4, 4096)
	for _, tier := range cpu.Available() {
		b.Run(tier.String(), func(b *testing.B) {
			defer cpu.Force(tier)()
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				Largest(x)
			}
		})
	}
}
