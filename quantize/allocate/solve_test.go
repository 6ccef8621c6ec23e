package allocate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// try is the least cost by trying everything.
func try(classes [][]Candidate, budget int64) float64 {
	if len(classes) == 0 {
		return 0
	}
	least := math.Inf(1)
	for _, c := range classes[0] {
		if c.Bytes <= budget {
			least = min(least, c.Cost+try(classes[1:], budget-c.Bytes))
		}
	}
	return least
}

func TestSolveIsExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		classes := make([][]Candidate, 1+rnd.IntN(6))
		var most int64
		for i := range classes {
			for range 1 + rnd.IntN(5) {
				classes[i] = append(classes[i], Candidate{32 * (1 + rnd.Int64N(40)), float64(rnd.IntN(20)) / 8})
			}
			most += 32 * 40
		}
		budget := rnd.Int64N(most)
		want := try(classes, budget)
		got, err := Solve(classes, budget)
		if math.IsInf(want, 1) {
			require.ErrorIs(t, err, ErrBudget)
			continue
		}
		require.NoError(t, err)
		require.InDelta(t, want, got.Cost, 1e-9)
		require.Equal(t, got.Cost, got.Bound)
		var bytes int64
		var cost float64
		for i, j := range got.Of {
			bytes, cost = bytes+classes[i][j].Bytes, cost+classes[i][j].Cost
		}
		require.Equal(t, got.Bytes, bytes)
		require.InDelta(t, got.Cost, cost, 1e-9)
		require.LessOrEqual(t, bytes, budget)
	}
}

// TestSolveLarge: as many tensors as a model has, with the shapes of one: the best choice is found, in no time.
func TestSolveLarge(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	bits := []int64{17, 18, 20, 22, 24, 34}
	var classes [][]Candidate
	var budget int64
	for range 60 {
		for _, elements := range []int64{4096 * 4096, 1024 * 4096, 1024 * 4096, 4096 * 4096, 14336 * 4096, 14336 * 4096, 14336 * 4096} {
			s := math.Exp(2 * rnd.NormFloat64())
			var c []Candidate
			for _, b := range bits {
				c = append(c, Candidate{elements / 32 * b, s * math.Exp2(-float64(b)/2)})
			}
			classes, budget = append(classes, c), budget+elements/32*21
		}
	}
	got, err := Solve(classes, budget)
	require.NoError(t, err)
	require.LessOrEqual(t, got.Bytes, budget)
	require.LessOrEqual(t, got.Cost, got.Bound*1.001)
	again, err := Solve(classes, budget)
	require.NoError(t, err)
	require.Equal(t, got, again)
}
