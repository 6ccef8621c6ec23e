package imatrix

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStatistics(t *testing.T) {
	m := &Matrix{ChunkSize: 512, entries: map[string]entry{
		"blk.0.attn_q.weight":      {[]float64{2, 2, 4, 8}, []float64{2}},
		"blk.1.attn_q.weight":      {[]float64{0, 0, 8, 0}, []float64{2}},
		"blk.2.attn_q.weight":      {[]float64{1, 1}, []float64{1}}, // another width
		"blk.1.ffn_up_exps.weight": {[]float64{4, 4, 0, 0}, []float64{1, 0}},
		"output.weight":            {[]float64{5}, []float64{1}},
		"blk.1.none.weight":        {[]float64{0}, []float64{0}},
	}}
	got := m.Statistics()
	require.Len(t, got, 5, "a tensor without data has no statistics")
	require.Equal(t, Statistics{
		Tensor: "blk.0.attn_q.weight", Kind: "attn_q", Sum: 8, Min: 1, Max: 4, Mean: 2, StdDev: math.Sqrt(1.5),
		Active: 1, N: 4, Entropy: 1.75, EntropyNorm: 0.875, ZD: 0.25,
	}, got[0])
	require.Equal(t, Statistics{
		Tensor: "blk.1.attn_q.weight", Layer: 1, Kind: "attn_q", Sum: 4, Max: 4, Mean: 1, StdDev: math.Sqrt(3),
		Active: 0.25, N: 4, ZD: 0.25, CosSim: 4 * 8 / (math.Sqrt(88) * 8),
	}, got[1])
	require.Equal(t, []string{"attn_q", "attn_q", "attn_q", "ffn_up_exps", "output"}, kinds(got))
	require.Zero(t, got[2].CosSim)
	require.Equal(t, 2, got[3].N, "experts that saw nothing do not count")
	require.Equal(t, -1, got[4].Layer)

	layers := Layers(got)
	require.Len(t, layers, 3)
	require.Equal(t, LayerStatistics{Layer: 0, Sum: 8, ZD: 0.25}, layers[0])
	require.Equal(t, 1, layers[1].Layer)
	require.InDelta(t, (4*4+2*8)/6.0, layers[1].Sum, 1e-12)
}

func kinds(s []Statistics) (out []string) {
	for _, x := range s {
		out = append(out, x.Kind)
	}
	return out
}

func TestCoverage(t *testing.T) {
	require.Equal(t, []Coverage{
		{Tensor: "blk.0.attn_q.weight", Columns: 3, Experts: 1, Unused: []int{}, Silent: 1, Percent: 100 * 2 / 3.0},
		{Tensor: "blk.0.ffn_down_exps.weight", Columns: 2, Experts: 2, Unused: []int{1}, Percent: 50},
		{Tensor: "blk.1.ffn_down_exps.weight", Columns: 2, Experts: 2, Unused: []int{0, 1}},
	}, sample().Coverage())
}
