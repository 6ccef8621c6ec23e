package main

import (
	"testing"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/stretchr/testify/require"
)

// TestReadingShowsTheHonestError: chunks are what is independent, not tokens.
func TestReadingShowsTheHonestError(t *testing.T) {
	m := &buildMeasurement{evaluation: &evaluation{Metrics: &figure.Metrics{Comparison: &figure.Comparison{
		SameTop: figure.Estimate{Value: 0.934}, Ratio: figure.Estimate{Value: 1.0056, StdErr: 0.001, ClusteredStdErr: 0.0022},
	}}}}
	require.Equal(t, "The likeliest next token is the original's at 93.4 % of positions; perplexity is +0.56 % (±0.22).", m.reading())
	m.Ratio.ClusteredStdErr = 0 // a single chunk
	require.Equal(t, "The likeliest next token is the original's at 93.4 % of positions; perplexity is +0.56 %.", m.reading())
}
