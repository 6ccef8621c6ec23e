package figure

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestErrorsAreLlamaPerplexitys computes value ± error as llama-perplexity prints them, from the tokens.
func TestErrorsAreLlamaPerplexitys(t *testing.T) {
	obs := []Observation{
		{NLL: 2.5, RefNLL: 2.25, KLD: 0.125, SameTop: 1, Top5: 5},
		{NLL: 0.5, RefNLL: 0.625, KLD: 0.0625, SameTop: 1, Top5: 4},
		{NLL: 4, RefNLL: 3.25, KLD: 0.5, SameTop: 0, Top5: 2},
		{NLL: 1, RefNLL: 1, KLD: 0.25, SameTop: 1, Top5: 4},
		{NLL: 1.5, RefNLL: 1.75, KLD: 0, SameTop: 0, Top5: 3},
	}
	s := &Series{Paired: true, Chunks: []ChunkStats{{Tokens: 2, Bytes: 7}, {Tokens: 3, Bytes: 9}}}
	for i := range obs {
		s.Chunks[min(i/2, 1)].Add(&obs[i], true)
	}
	n := float64(len(obs))
	of := func(f func(o Observation) float64) (mean, err float64) {
		for _, o := range obs {
			mean += f(o) / n
		}
		var sq float64
		for _, o := range obs {
			sq += (f(o) - mean) * (f(o) - mean) / n
		}
		return mean, math.Sqrt(sq / (n - 1))
	}
	deltaP := func(o Observation) float64 { return math.Exp(-o.NLL) - math.Exp(-o.RefNLL) }
	m := s.Metrics(All)
	check := func(what string, value, err, gotValue, gotErr float64) {
		t.Helper()
		require.InDelta(t, value, gotValue, 1e-12, what)
		require.InDelta(t, err, gotErr, 1e-12, "error of %s", what)
	}
	nll, nllErr := of(func(o Observation) float64 { return o.NLL })
	check("perplexity", math.Exp(nll), math.Exp(nll)*nllErr, m.Perplexity.Value, m.Perplexity.StdErr)
	check("bits per byte", nll*n/16/math.Ln2, nllErr*n/16/math.Ln2, m.BitsPerByte.Value, m.BitsPerByte.StdErr)
	ref, refErr := of(func(o Observation) float64 { return o.RefNLL })
	check("reference", math.Exp(ref), math.Exp(ref)*refErr, m.Reference.Value, m.Reference.StdErr)

	// The ratio's error is that of the difference of logarithms, by their covariance.
	var cov float64
	for _, o := range obs {
		cov += (o.NLL - nll) * (o.RefNLL - ref) / n / (n - 1)
	}
	ratio := math.Exp(nll - ref)
	check("ratio", ratio, ratio*math.Sqrt(nllErr*nllErr+refErr*refErr-2*cov), m.Ratio.Value, m.Ratio.StdErr)
	require.InDelta(t, cov/(nllErr*refErr), m.Correlation, 1e-12)

	kld, kldErr := of(func(o Observation) float64 { return o.KLD })
	check("divergence", kld, kldErr, m.Divergence.Mean, m.Divergence.StdErr)
	mean, meanErr := of(deltaP)
	check("mean change of p", mean, meanErr, m.MeanDeltaP.Value, m.MeanDeltaP.StdErr)
	square, squareErr := of(func(o Observation) float64 { return deltaP(o) * deltaP(o) })
	check("rms change of p", math.Sqrt(square), squareErr/(2*math.Sqrt(square)), m.DeltaP.Value, m.DeltaP.StdErr)
	check("same top", 3.0/5, math.Sqrt(0.6*0.4/4), m.SameTop.Value, m.SameTop.StdErr)
	require.InDelta(t, 18.0/25, m.TopFive.Value, 1e-12)

	// Percentiles lie between the values of rank p (n-1), counted from 0: sorted 0, 1/16, 1/8, 1/4, 1/2.
	require.Equal(t, []float64{0, 0.125, 0.5}, []float64{m.Divergence.Min, m.Divergence.Median, m.Divergence.Max})
	require.InDelta(t, 0.4, m.Divergence.P90, 1e-12) // rank 3.6
	require.InDelta(t, 0.45, m.Divergence.P95, 1e-12)
	require.InDeltaSlice(t, []float64{math.Exp(1.5), math.Exp(nll)}, m.Perplexity.Chunks, 1e-12, "running")
}
