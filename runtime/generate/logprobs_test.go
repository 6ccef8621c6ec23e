package generate

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLogProbs(t *testing.T) {
	logits := []float32{1, 3, 2, 3, float32(math.Inf(-1))}
	total := math.Log(math.E + 2*math.Exp(3) + math.Exp(2))
	of, best := LogProbs(logits, 2, 3)
	require.InDelta(t, 2-total, of, 1e-12)
	require.Equal(t, []int32{1, 3, 2}, []int32{best[0].ID, best[1].ID, best[2].ID}, "the first of equals is first")
	require.InDelta(t, 3-total, best[0].LogProb, 1e-12)
	_, best = LogProbs(logits, 0, 0)
	require.Empty(t, best)
	of, best = LogProbs(logits, 4, 20)
	require.Len(t, best, 5)
	require.True(t, math.IsInf(of, -1))
}
