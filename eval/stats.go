package eval

import (
	"slices"

	"github.com/carat-llm/carat/eval/stats"
)

func percentile(v []float64, p float64) float64 { return stats.Percentile(v, p) }

func sorted(v []float64) []float64 {
	s := slices.Clone(v)
	slices.Sort(s)
	return s
}
