package allocate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// within are all choices that keep the limits, by trying everything: the least of what value says of them.
func within(classes [][]Candidate, l Limits, value func(Candidate) float64) float64 {
	least := math.Inf(1)
	var try func(i int, sum Candidate)
	try = func(i int, sum Candidate) {
		if l.Bytes > 0 && sum.Bytes > l.Bytes || l.Bytes <= 0 && sum.Cost > l.Cost || l.Time > 0 && sum.Time > l.Time {
			return
		}
		if i == len(classes) {
			least = min(least, value(sum))
			return
		}
		for _, c := range classes[i] {
			try(i+1, Candidate{sum.Bytes + c.Bytes, sum.Cost + c.Cost, sum.Time + c.Time})
		}
	}
	try(0, Candidate{})
	return least
}

func randomClasses(rnd *rand.Rand) (classes [][]Candidate) {
	classes = make([][]Candidate, 1+rnd.IntN(6))
	for i := range classes {
		for range 1 + rnd.IntN(5) {
			classes[i] = append(classes[i], Candidate{32 * (1 + rnd.Int64N(40)), float64(rnd.IntN(20)) / 8, float64(1+rnd.IntN(9)) / 16})
		}
	}
	return classes
}

// requireSums compares a choice's sums with those of what it chose.
func requireSums(t *testing.T, classes [][]Candidate, c Choice) {
	t.Helper()
	var sum Candidate
	for i, j := range c.Of {
		x := classes[i][j]
		sum = Candidate{sum.Bytes + x.Bytes, sum.Cost + x.Cost, sum.Time + x.Time}
	}
	require.Equal(t, sum, Candidate{c.Bytes, c.Cost, c.Time})
}

func TestSolveIsExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		classes := randomClasses(rnd)
		budget := 1 + rnd.Int64N(int64(len(classes))*32*40)
		want := within(classes, Limits{Bytes: budget}, func(c Candidate) float64 { return c.Cost })
		got, err := Solve(classes, budget)
		if math.IsInf(want, 1) {
			require.ErrorIs(t, err, ErrBudget)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, got.Cost)
		require.Equal(t, got.Cost, got.Bound)
		require.LessOrEqual(t, got.Bytes, budget)
		requireSums(t, classes, got)
	}
	_, err := Solve([][]Candidate{{{Bytes: 32}}}, -1)
	require.ErrorIs(t, err, ErrBudget)
}

// TestSmallestIsExact: the other way round, of costs whose sums are rounded.
func TestSmallestIsExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		classes := randomClasses(rnd)
		for i := range classes {
			for j := range classes[i] {
				classes[i][j].Cost /= 3
			}
		}
		l := Limits{Cost: rnd.Float64() * float64(len(classes))}
		want := within(classes, l, func(c Candidate) float64 { return float64(c.Bytes) })
		got, err := l.Solve(classes)
		if math.IsInf(want, 1) {
			require.ErrorIs(t, err, ErrCost)
			continue
		}
		require.NoError(t, err)
		require.EqualValues(t, want, got.Bytes)
		require.EqualValues(t, want, got.Bound)
		require.LessOrEqual(t, got.Cost, l.Cost)
		requireSums(t, classes, got)
	}
}

// TestLimitOfTime: it is kept, the bound holds, and what is lost against the best choice is little on average.
func TestLimitOfTime(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	var sum, best float64
	for i := range 300 {
		classes := randomClasses(rnd)
		l := Limits{Bytes: 1 + rnd.Int64N(int64(len(classes))*32*40), Time: float64(len(classes)) * (0.1 + 0.4*rnd.Float64())}
		value := func(c Candidate) float64 { return c.Cost }
		if i%2 == 1 {
			l.Bytes, l.Cost = 0, rnd.Float64()*float64(len(classes))*2
			value = func(c Candidate) float64 { return float64(c.Bytes) }
		}
		want := within(classes, l, value)
		got, err := l.Solve(classes)
		if math.IsInf(want, 1) {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		require.LessOrEqual(t, got.Time, l.Time)
		require.True(t, l.Bytes > 0 && got.Bytes <= l.Bytes || l.Bytes == 0 && got.Cost <= l.Cost)
		requireSums(t, classes, got)
		v := value(Candidate{Bytes: got.Bytes, Cost: got.Cost})
		require.GreaterOrEqual(t, v, want)
		require.LessOrEqual(t, got.Bound, want+1e-9)
		if want > 0 {
			sum, best = sum+v/want, best+1
		}
	}
	require.Greater(t, best, 100.0)
	require.Less(t, sum/best, 1.15)
	t.Logf("%.4f times the best", sum/best)
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
				c = append(c, Candidate{elements / 32 * b, s * math.Exp2(-float64(b)/2), 0})
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
