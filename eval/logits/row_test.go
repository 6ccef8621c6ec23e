package logits

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// divergence is the full one, of softmax(q) from softmax(p).
func divergence(p, q []float32) (kld float64) {
	lseP, _ := LogSumExp(p)
	lseQ, _ := LogSumExp(q)
	for i, v := range p {
		if logP := float64(v) - lseP; !math.IsInf(logP, -1) {
			kld += math.Exp(logP) * (logP - (float64(q[i]) - lseQ))
		}
	}
	return kld
}

// kept is the row of p that a cache has.
func kept(p []float32, top int) Row {
	lse, _ := LogSumExp(p)
	return keep(p, lse, 0, min(top, len(p)))
}

// rounding is what float32 log-probabilities may make of a divergence.
const rounding = 1e-6

// TestBound: the full divergence lies between the figure and the figure with its bound, for candidates near and far.
func TestBound(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var gap, bounds float64
	for range 2000 {
		n := 2 + r.IntN(600)
		top := 1 + r.IntN(64)
		p := random(r, n, 0.1+5*r.Float64())
		q := slices.Clone(p)
		for noise, i := 2*r.Float64()*r.Float64(), 0; i < n; i++ {
			q[i] += float32(noise * r.NormFloat64())
		}
		if r.IntN(10) == 0 {
			q = random(r, n, 3) // has nothing to do with p
		}
		row := kept(p, top)
		lse, _ := LogSumExp(q)
		kld, bound := row.Divergence(q, lse)
		want := divergence(p, q)
		require.LessOrEqual(t, kld, want+rounding)
		require.LessOrEqual(t, want, kld+bound+rounding, "%d of %d", top, n)
		if n <= top {
			require.Zero(t, bound)
			require.InDelta(t, want, kld, rounding)
		}
		gap, bounds = gap+want-kld, bounds+bound
	}
	t.Logf("mean lack %.3g, mean bound %.3g nats", gap/2000, bounds/2000)
}

// TestBoundIsReached: no smaller bound would do. The tail's mass is where the candidate finds it least likely, at
// most as much in one place as the smallest kept.
func TestBoundIsReached(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		const n, top = 500, 20
		q := random(r, n, 3)
		lse, _ := LogSumExp(q)
		ids := r.Perm(n)
		tail := ids[top:]
		slices.SortFunc(tail, func(a, b int) int { return int(1e6 * (q[a] - q[b])) }) // the least likely first
		smallest := math.Exp(-3 - 4*r.Float64())
		share := 1 + 10*r.Float64() // of the smallest in the tail
		p := make([]float32, n)
		for i := range p {
			p[i] = float32(math.Inf(-1))
		}
		for _, id := range ids[:top] {
			p[id] = float32(math.Log(smallest))
		}
		p[ids[0]] = float32(math.Log(1 + smallest))
		for i := range tail {
			if left := share - float64(i); left > 0 {
				p[tail[i]] = float32(math.Log(min(left, 1) * smallest * (1 - 1e-6))) // not among the kept
			}
		}
		row := kept(p, top)
		kld, bound := row.Divergence(q, lse)
		want := divergence(p, q)
		require.LessOrEqual(t, want, kld+bound+rounding)
		require.InEpsilon(t, want, kld+bound, 0.005)
		require.Greater(t, bound, 10*rounding)
	}
}

// TestExact for small vocabularies, and for the reference itself.
func TestExact(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	p, q := random(r, 100, 3), random(r, 100, 3)
	lse, _ := LogSumExp(q)
	kld, bound := kept(p, 100).Divergence(q, lse)
	require.InDelta(t, divergence(p, q), kld, rounding)
	require.Zero(t, bound)
	lse, _ = LogSumExp(p)
	kld, bound = kept(p, 30).Divergence(p, lse)
	require.InDelta(t, 0, kld, rounding)
	require.Greater(t, bound, 0.0)
}

func TestDivergenceOfOddCandidates(t *testing.T) {
	inf := math.Inf(1)
	p := []float32{3, 2, 1, 0}
	for name, c := range map[string]struct {
		q    []float32
		is   float64
		with float64
	}{
		"none for a kept token":    {[]float32{0, float32(-inf), 0, 0}, inf, -1},
		"none for one of the tail": {[]float32{3, 2, 1, float32(-inf)}, 0.001, inf},
		"none for the tail":        {[]float32{3, 2, float32(-inf), float32(-inf)}, inf, 0},
		"NaN":                      {[]float32{3, 2, float32(math.NaN()), 0}, math.NaN(), math.NaN()},
	} {
		lse, _ := LogSumExp(c.q)
		kld, bound := kept(p, 2).Divergence(c.q, lse)
		if math.IsNaN(c.is) {
			require.True(t, math.IsNaN(kld), name)
			continue
		}
		if math.IsInf(c.is, 1) {
			require.Equal(t, c.is, kld, name)
		} else {
			require.Greater(t, kld, c.is, name)
		}
		if c.with >= 0 {
			require.Equal(t, c.with, bound, name)
		}
	}
}

// TestTinyTail: a tail of 1e-12 keeps its figures, which 1 minus the rest would not have.
func TestTinyTail(t *testing.T) {
	p, q := []float32{30, 1, 0, -1}, []float32{30, 2, -4, -8}
	lse, _ := LogSumExp(q)
	row := kept(p, 2)
	kld, bound := row.Divergence(q, lse)
	lseP, _ := LogSumExp(p)
	require.InEpsilon(t, math.Log(math.Exp(-lseP)+math.Exp(-1-lseP)), row.LogTail, 1e-12)
	require.InDelta(t, divergence(p, q), kld, bound+1e-15)
	require.Less(t, bound, 1e-11)
}

func TestLogSumExp(t *testing.T) {
	lse, top := LogSumExp([]float32{1000, 1001, 1001})
	require.InDelta(t, 1001+math.Log(2+math.Exp(-1)), lse, 1e-12)
	require.Equal(t, 1, top)
}

func BenchmarkDivergence(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	const vocab = 49152
	p := random(r, vocab, 3)
	lse, _ := LogSumExp(p)
	row := kept(p, DefaultTop)
	b.Run("Divergence", func(b *testing.B) {
		for b.Loop() {
			row.Divergence(p, lse)
		}
	})
	b.Run("LogSumExp", func(b *testing.B) {
		for b.Loop() {
			LogSumExp(p)
		}
	})
	b.Run("keep", func(b *testing.B) {
		for b.Loop() {
			keep(p, lse, 0, DefaultTop)
		}
	})
}
