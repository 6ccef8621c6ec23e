package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/carat-llm/carat/internal/cpu"
	"github.com/stretchr/testify/require"
)

// canary stands around every buffer that a kernel writes to.
const canary = float32(-12345.5)

// guarded returns n canaries to be overwritten with a margin of canaries on both sides, and the check
// that the margins are whole.
func guarded(t *testing.T, n int) (buf []float32, check func()) {
	const margin = 16
	all := make([]float32, n+2*margin)
	for i := range all {
		all[i] = canary
	}
	return all[margin : margin+n : margin+n], func() {
		t.Helper()
		for i := range margin {
			require.Equal(t, canary, all[i], "written before the buffer")
			require.Equal(t, canary, all[margin+n+i], "written behind the buffer")
		}
	}
}

func random(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func requireClose(t *testing.T, want, got []float32, tolerance float64, msg string) {
	t.Helper()
	require.Len(t, got, len(want), msg)
	for i := range want {
		if d := math.Abs(float64(want[i]) - float64(got[i])); !(d <= tolerance*(1+math.Abs(float64(want[i])))) {
			require.Failf(t, "not close", "%s: element %d: want %g, got %g", msg, i, want[i], got[i])
		}
	}
}

// available are the implementations that this processor and binary have.
func available() []*tier {
	var out []*tier
	for _, t := range cpu.Available() {
		if !slices.Contains(out, tiers[t]) {
			out = append(out, tiers[t])
		}
	}
	return out
}

// everyTier runs f once for each tier this processor has.
func everyTier(t *testing.T, f func(t *testing.T, k *tier)) {
	for _, k := range available() {
		t.Run(k.id.String(), func(t *testing.T) { f(t, k) })
	}
}
