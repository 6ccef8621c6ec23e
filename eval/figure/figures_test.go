package figure

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// synthetic is a series of chunks whose divergences scatter about mean.
func synthetic(chunks, tokens int, mean float64, seed uint64) *Series {
	r := rand.New(rand.NewPCG(seed, 7))
	s := &Series{Paired: true}
	for i := range chunks {
		c := ChunkStats{Slice: i % 2, Tokens: tokens, Bytes: 4 * tokens}
		level := math.Exp(0.3 * r.NormFloat64())
		for range tokens {
			v := float64(float32(mean * level * r.ExpFloat64()))
			c.KLD += v
			c.KLD2 += v * v
			c.KLDs = append(c.KLDs, float32(v))
			x := r.ExpFloat64()
			c.NLL += x + v
			c.RefNLL += x
			if r.Float64() < 0.9 {
				c.SameTop++
			}
			c.DeltaP2 += v * v
		}
		s.Chunks = append(s.Chunks, c)
	}
	return s
}

func TestPercentilesAreThoseOfAllTokens(t *testing.T) {
	s := synthetic(9, 21, 0.1, 1)
	var all []float64
	for _, c := range s.Chunks {
		for _, v := range c.KLDs {
			all = append(all, float64(v))
		}
	}
	slices.Sort(all)
	at := func(p float64) float64 { // linear interpolation between the closest ranks
		x := p * float64(len(all)-1)
		i := int(x)
		return all[i] + (x-float64(i))*(all[min(i+1, len(all)-1)]-all[i])
	}
	for name, p := range map[string]float64{"kld.p50": 0.5, "kld.p90": 0.9, "kld.p95": 0.95, "kld.p99": 0.99, "kld.p99.9": 0.999, "kld.max": 1} {
		l, err := s.Limits(name, All)
		require.NoError(t, err)
		require.InDelta(t, at(p), l.Estimate(), 1e-9, name)
	}
	m := s.Metrics(All)
	require.InDelta(t, at(0.99), m.Divergence.P99, 1e-9)
	require.InDelta(t, all[0], m.Divergence.Min, 1e-9)
}

func TestEveryFigureOfEverySlice(t *testing.T) {
	s := synthetic(20, 30, 0.05, 2)
	for _, f := range Table {
		name := f.Name
		if !f.Bounded() {
			continue
		}
		for _, slice := range []int{All, 0, 1} {
			l, err := s.Limits(name, slice)
			require.NoError(t, err)
			require.LessOrEqual(t, l.Lower(0.05), l.Estimate()+1e-12, name)
			require.GreaterOrEqual(t, l.Upper(0.05), l.Estimate()-1e-12, name)
		}
	}
	_, err := s.Limits("kld", All)
	require.ErrorIs(t, err, ErrNoFigure)
	_, err = s.Limits("kld.mean", 2)
	require.ErrorIs(t, err, ErrNoFigure)
	s.Paired = false
	_, err = s.Limits("kld.mean", All)
	require.ErrorContains(t, err, "reference")
}

// Pairing takes out what chunks have in common.
func TestRelativePaired(t *testing.T) {
	a, b := synthetic(40, 50, 0.05, 3), synthetic(40, 50, 0.05, 3)
	for i := range b.Chunks {
		c := &b.Chunks[i]
		for k := range c.KLDs {
			c.KLDs[k] *= 1.25
		}
		c.NLL += 0.25 * c.KLD
		c.KLD *= 1.25
		c.KLD2 *= 1.25 * 1.25
		c.DeltaP2 *= 1.25 * 1.25
	}
	for _, name := range []string{"kld.mean", "kld.p99", "kld.p50", "delta_p.rms"} {
		l, ok, err := Relative(name, b, a, All, true)
		require.NoError(t, err)
		require.True(t, ok, name)
		require.InDelta(t, 0.25, l.Estimate(), 1e-6, name)
		require.Less(t, l.PAbove(0.1), 0.01, name)
		require.Less(t, l.PBelow(0.4), 0.01, name)
		loose, ok, err := Relative(name, b, a, All, false)
		require.NoError(t, err)
		require.True(t, ok, name)
		require.Greater(t, loose.Upper(0.05)-loose.Lower(0.05), 2*(l.Upper(0.05)-l.Lower(0.05)), name)
	}
	ppl, ok, err := Relative("ppl.ratio", b, a, All, true)
	require.NoError(t, err)
	require.True(t, ok)
	la, _ := a.Limits("ppl.ratio", All)
	lb, _ := b.Limits("ppl.ratio", All)
	require.InDelta(t, lb.Estimate()/la.Estimate()-1, ppl.Estimate(), 1e-9)
	_, ok, err = Relative("kld.max", b, a, All, true)
	require.NoError(t, err)
	require.False(t, ok)
}

func TestFloat32sInJSON(t *testing.T) {
	in := ChunkStats{KLDs: Float32s{0, 1.5, 3e-8}}
	b, err := json.Marshal(in)
	require.NoError(t, err)
	var out ChunkStats
	require.NoError(t, json.Unmarshal(b, &out))
	require.Equal(t, in, out)
	require.Error(t, json.Unmarshal([]byte(`{"klds": "AAAA"}`), &out))
	require.Error(t, json.Unmarshal([]byte(`{"klds": "?"}`), &out))
}
