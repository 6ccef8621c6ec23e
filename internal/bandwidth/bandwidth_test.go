package bandwidth

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/internal/cpu"
)

func TestXor(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, tier := range cpu.Available() {
		restore := cpu.Force(tier)
		require.Zero(t, xor(nil))
		for _, n := range []int{64, 128, 64 * 9} {
			words, want := make([]uint64, n), uint64(0)
			for i := range words {
				words[i] = r.Uint64()
				want ^= words[i]
			}
			require.Equal(t, want, xor(words), "%v %d", tier, n)
		}
		restore()
	}
}

func TestRead(t *testing.T) {
	for _, threads := range []int{1, 3} {
		rate := Read(threads, 1<<20)
		require.Positive(t, rate)
		require.False(t, math.IsInf(rate, 0))
	}
}

func TestSize(t *testing.T) {
	require.EqualValues(t, 128<<20, Size(5))
	require.LessOrEqual(t, Size(1<<40), int64(1<<30))
}

func BenchmarkXor(b *testing.B) {
	words := make([]uint64, 64<<20/8)
	for i := range words {
		words[i] = uint64(i)
	}
	for _, tier := range cpu.Available() {
		b.Run(tier.String(), func(b *testing.B) {
			defer cpu.Force(tier)()
			b.SetBytes(int64(8 * len(words)))
			for b.Loop() {
				xor(words)
			}
		})
	}
}
