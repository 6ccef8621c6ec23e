package figure

import (
	"math"
	"slices"
	"testing"

	"github.com/carat-llm/carat/eval/stats"
	"github.com/stretchr/testify/require"
)

// pair is two series over four chunks in two slices: the second diverges twice as much.
func pair() (a, b *Series) {
	a, b = &Series{Paired: true}, &Series{Paired: true}
	for i, k := range []float64{0.1, 0.3, 0.2, 0.4} {
		for f, s := range map[float64]*Series{1: a, 2: b} {
			c := ChunkStats{Slice: i % 2, Tokens: 10, Bytes: 40, NLL: 20 + f*k, RefNLL: 20, KLD: f * k, SameTop: 9, Top5: 45, DeltaP: -0.1, DeltaP2: f * f * k}
			for j := range 10 {
				c.KLDs = append(c.KLDs, float32(f*k*float64(j+1)/55))
			}
			s.Chunks = append(s.Chunks, c)
		}
	}
	return a, b
}

func TestFiguresByHand(t *testing.T) {
	a, _ := pair()
	for name, want := range map[string]float64{
		"ppl": math.Exp(81.0 / 40), "bits_per_byte": 81.0 / 160 / math.Ln2, "ppl.ratio": math.Exp(1.0 / 40), "kld.mean": 1.0 / 40,
		"kld.max": 0.4 * 10 / 55, "same_top": 0.9, "top5": 0.9, "delta_p.mean": -0.01, "delta_p.rms": math.Sqrt(1.0 / 40),
	} {
		l, err := a.Limits(name, All)
		require.NoError(t, err)
		require.InDelta(t, want, l.Estimate(), 1e-8, name)
	}
	mean, err := a.Limits("kld.mean", All)
	require.NoError(t, err)
	plain := stats.Ratio(perToken(a.Chunks, kld))
	require.Greater(t, mean.Upper(0.05), plain.Upper(0.05), "divergences are taken to be skewed when few chunks do not show it")
	require.Equal(t, plain.Lower(0.05), mean.Lower(0.05))
	l, err := a.Limits("kld.mean", 1)
	require.NoError(t, err)
	require.InDelta(t, 0.7/20, l.Estimate(), 1e-15, "chunks 2 and 4")
	var all []float64
	for _, c := range a.Chunks {
		for _, v := range c.KLDs {
			all = append(all, float64(v))
		}
	}
	slices.Sort(all)
	for name, p := range map[string]float64{"kld.p50": 0.5, "kld.p90": 0.9, "kld.p95": 0.95, "kld.p99": 0.99, "kld.p99.9": 0.999} {
		l, err := a.Limits(name, All)
		require.NoError(t, err)
		require.InDelta(t, stats.Percentile(all, p), l.Estimate(), 1e-12, name)
	}
	for _, bad := range []struct {
		name  string
		slice int
	}{{"kld.p42", All}, {"kld.mean", 7}} {
		_, err := a.Limits(bad.name, bad.slice)
		require.ErrorIs(t, err, ErrNoFigure)
	}
	_, err = (&Series{Chunks: a.Chunks}).Limits("kld.mean", All)
	require.ErrorIs(t, err, ErrNoFigure)
}

func TestRelativeByHand(t *testing.T) {
	a, b := pair()
	for name, want := range map[string]float64{
		"kld.mean": 1, "kld.p50": 1, "kld.p99": 1, "same_top": 0, "top5": 0, "delta_p.rms": 1,
		"ppl.ratio": math.Exp(1.0/40) - 1, "ppl": math.Exp(1.0/40) - 1, "bits_per_byte": 82.0/81 - 1,
	} {
		l, ok, err := Relative(name, b, a, All, true)
		require.NoError(t, err)
		require.True(t, ok, name)
		require.InDelta(t, want, l.Estimate(), 1e-7, name)
		u, ok, err := Relative(name, b, a, All, false)
		require.NoError(t, err)
		require.True(t, ok, name)
		require.InDelta(t, want, u.Estimate(), 1e-7, name)
		require.GreaterOrEqual(t, u.Upper(0.05), l.Upper(0.05)-1e-12, "%s: pairs are known better", name)
	}
	l, _, err := Relative("kld.mean", b, a, All, true)
	require.NoError(t, err)
	require.InDelta(t, 1, l.Upper(0.05), 1e-9, "every chunk is exactly twice as much")
	_, ok, err := Relative("kld.max", b, a, All, true)
	require.NoError(t, err)
	require.False(t, ok)
	same := &Series{Paired: true, Chunks: []ChunkStats{{Tokens: 1}, {Tokens: 1}}}
	_, ok, err = Relative("kld.mean", same, a, All, false)
	require.NoError(t, err)
	require.False(t, ok, "zero has no relative difference")
	_, _, err = Relative("kld.mean", &Series{Chunks: a.Chunks}, a, All, true)
	require.ErrorIs(t, err, ErrNoFigure)
}
