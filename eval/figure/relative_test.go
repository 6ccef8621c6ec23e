package figure

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNoDivergenceIsNone: what float32 logits leave of no divergence is not compared, a real one with it is.
func TestNoDivergenceIsNone(t *testing.T) {
	of := func(kld float64) *Series {
		s := &Series{Paired: true}
		for i := range 8 {
			k := kld * (1 + float64(i)/10)
			s.Chunks = append(s.Chunks, ChunkStats{Tokens: 4, Bytes: 16, NLL: 8, RefNLL: 8, KLD: 4 * k, KLDs: []float32{float32(k), float32(k), float32(k), float32(k)}})
		}
		return s
	}
	for _, name := range []string{"kld.mean", "kld.p50", "kld.p99"} {
		for _, c := range [][2]float64{{1e-15, 1e-13}, {1e-10, 0}, {0, 0}, {-1e-14, 1e-12}} {
			l, ok, err := Relative(name, of(c[0]), of(c[1]), All, true)
			require.NoError(t, err)
			require.True(t, ok, "%s %v", name, c)
			require.Zero(t, l.Estimate())
			require.Zero(t, l.StdErr())
		}
		l, ok, err := Relative(name, of(0.1), of(1e-12), All, true)
		require.NoError(t, err)
		require.True(t, ok)
		require.Greater(t, l.Estimate(), 1e9)
	}
}
