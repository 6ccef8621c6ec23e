package eval

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestErrorsAreLlamaPerplexitys computes value ± error as llama-perplexity prints them, from the tokens.
func TestErrorsAreLlamaPerplexitys(t *testing.T) {
	obs := []observation{
		{nll: 2.5, ref: 2.25, kld: 0.125, top: 1, top5: 5},
		{nll: 0.5, ref: 0.625, kld: 0.0625, top: 1, top5: 4},
		{nll: 4, ref: 3.25, kld: 0.5, top: 0, top5: 2},
		{nll: 1, ref: 1, kld: 0.25, top: 1, top5: 4},
		{nll: 1.5, ref: 1.75, kld: 0, top: 0, top5: 3},
	}
	s := &Series{Paired: true, Chunks: []ChunkStats{{Tokens: 2, Bytes: 7}, {Tokens: 3, Bytes: 9}}}
	for i := range obs {
		s.Chunks[min(i/2, 1)].add(&obs[i], true)
	}
	n := float64(len(obs))
	of := func(f func(o observation) float64) (mean, err float64) {
		for _, o := range obs {
			mean += f(o) / n
		}
		var sq float64
		for _, o := range obs {
			sq += (f(o) - mean) * (f(o) - mean) / n
		}
		return mean, math.Sqrt(sq / (n - 1))
	}
	deltaP := func(o observation) float64 { return math.Exp(-o.nll) - math.Exp(-o.ref) }
	m := s.Metrics(All)
	check := func(what string, value, err, gotValue, gotErr float64) {
		t.Helper()
		require.InDelta(t, value, gotValue, 1e-12, what)
		require.InDelta(t, err, gotErr, 1e-12, "error of %s", what)
	}
	nll, nllErr := of(func(o observation) float64 { return o.nll })
	check("perplexity", math.Exp(nll), math.Exp(nll)*nllErr, m.Perplexity.Value, m.Perplexity.StdErr)
	check("bits per byte", nll*n/16/math.Ln2, nllErr*n/16/math.Ln2, m.BitsPerByte.Value, m.BitsPerByte.StdErr)
	ref, refErr := of(func(o observation) float64 { return o.ref })
	check("reference", math.Exp(ref), math.Exp(ref)*refErr, m.Reference.Value, m.Reference.StdErr)

	// The ratio's error is that of the difference of logarithms, by their covariance.
	var cov float64
	for _, o := range obs {
		cov += (o.nll - nll) * (o.ref - ref) / n / (n - 1)
	}
	ratio := math.Exp(nll - ref)
	check("ratio", ratio, ratio*math.Sqrt(nllErr*nllErr+refErr*refErr-2*cov), m.Ratio.Value, m.Ratio.StdErr)
	require.InDelta(t, cov/(nllErr*refErr), m.Correlation, 1e-12)

	kld, kldErr := of(func(o observation) float64 { return o.kld })
	check("divergence", kld, kldErr, m.Divergence.Mean, m.Divergence.StdErr)
	mean, meanErr := of(deltaP)
	check("mean change of p", mean, meanErr, m.MeanDeltaP.Value, m.MeanDeltaP.StdErr)
	square, squareErr := of(func(o observation) float64 { return deltaP(o) * deltaP(o) })
	check("rms change of p", math.Sqrt(square), squareErr/(2*math.Sqrt(square)), m.DeltaP.Value, m.DeltaP.StdErr)
	check("same top", 3.0/5, math.Sqrt(0.6*0.4/4), m.SameTop.Value, m.SameTop.StdErr)
	require.InDelta(t, 18.0/25, m.TopFive.Value, 1e-12)

	// Percentiles lie between the values of rank p (n-1), counted from 0: sorted 0, 1/16, 1/8, 1/4, 1/2.
	require.Equal(t, []float64{0, 0.125, 0.5}, []float64{m.Divergence.Min, m.Divergence.Median, m.Divergence.Max})
	require.InDelta(t, 0.4, m.Divergence.P90, 1e-12) // rank 3.6
	require.InDelta(t, 0.45, m.Divergence.P95, 1e-12)
	require.InDeltaSlice(t, []float64{math.Exp(1.5), math.Exp(nll)}, m.Perplexity.Chunks, 1e-12, "running")
}
