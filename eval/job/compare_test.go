package job

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

// candidateOf has a mean divergence of about kld over 40 chunks, with chunks that are hard for all in common.
func candidateOf(name, role string, bits, kld float64) report.Candidate {
	common, own := rand.New(rand.NewPCG(1, 1)), rand.New(rand.NewPCG(2, uint64(1e6*kld)))
	s := &figure.Series{Paired: true}
	for range 40 {
		hard := math.Exp(common.NormFloat64() / 2)
		k := 32 * kld * hard * (1 + 0.02*own.NormFloat64())
		nll := 32 * (3 + 0.3*hard)
		c := figure.ChunkStats{Tokens: 32, Bytes: 128, NLL: nll + k, NLL2: (nll + k) * (nll + k) / 32, RefNLL: nll, RefNLL2: nll * nll / 32, Cross: nll * (nll + k) / 32,
			KLD: k, KLD2: k * k / 16, SameTop: 30, Top5: 150}
		for range 32 {
			c.KLDs = append(c.KLDs, float32(k/32))
		}
		s.Chunks = append(s.Chunks, c)
	}
	c := report.Candidate{Model: report.Model{Name: name, Bytes: int64(1e6 * bits), BitsPerWeight: bits}, Role: role}
	c.Fill(s, []report.Data{{Name: "text"}})
	return c
}

func TestCompare(t *testing.T) {
	r := &report.Report{Candidates: []report.Candidate{
		candidateOf("good", "", 4.5, 0.05), candidateOf("bad", "", 4.6, 0.08), candidateOf("same", "", 4.7, 0.05001),
		{Model: report.Model{Name: "broken", Bytes: 1}, Failure: "no"},
	}}
	Compare(r)
	better := map[string]string{}
	for _, c := range r.Comparisons {
		require.NotEqual(t, "broken", c.B)
		require.GreaterOrEqual(t, c.PAdjusted, c.P)
		if c.Metric == "kld.mean" {
			better[c.A+" "+c.B] = c.Better
			require.NotNil(t, c.CI)
			require.Less(t, c.CI.Low, c.Relative)
			require.Greater(t, c.CI.High, c.Relative)
		}
	}
	require.Equal(t, map[string]string{"good bad": "a", "good same": "", "bad same": "b"}, better)
	n := len(r.Comparisons)
	Compare(r)
	require.Len(t, r.Comparisons, n, "twice is once")
}

func TestFront(t *testing.T) {
	c := []report.Candidate{
		candidateOf("small", "", 3, 0.2), candidateOf("large", "", 6, 0.01), candidateOf("beaten", "", 5, 0.3), candidateOf("control", report.Control, 2, 0.001),
	}
	front(c, false)
	require.Equal(t, []bool{true, true, false, false}, []bool{c[0].Pareto, c[1].Pareto, c[2].Pareto, c[3].Pareto}, "a control is not in the race")

	c = []report.Candidate{candidateOf("exact", "", 8, 1e-12), candidateOf("larger", "", 16, 1e-15)}
	front(c, false)
	require.Equal(t, []bool{true, false}, []bool{c[0].Pareto, c[1].Pareto}, "what is rounding is no quality to pay for")
}

func TestEffectiveBits(t *testing.T) {
	ladder := []report.Candidate{
		candidateOf("c6", report.Control, 6, 0.01), candidateOf("c4", report.Control, 4, 0.16), candidateOf("c5", report.Control, 5, 0.04),
	}
	of := func(kld float64, ladder ...report.Candidate) *float64 {
		c := append([]report.Candidate{candidateOf("x", "", 4.2, kld)}, ladder...)
		effectiveBits(c)
		for _, l := range c[1:] {
			require.Nil(t, l.EffectiveBits, "controls have their bits")
		}
		return c[0].EffectiveBits
	}
	require.InDelta(t, 4.5, *of(0.08, ladder...), 0.05, "half of the way, in logarithms")
	require.InDelta(t, 5.25, *of(0.04/math.Sqrt2, ladder...), 0.05)
	require.InDelta(t, 5, *of(0.04, ladder...), 1e-9, "on a rung")
	require.Nil(t, of(0.005, ladder...), "better than the best control")
	require.Nil(t, of(0.3, ladder...), "worse than the worst")
	require.Nil(t, of(0.08, ladder[0]), "one control is no ladder")
	require.Nil(t, of(0.08))
}
