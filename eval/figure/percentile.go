package figure

import "github.com/carat-llm/carat/eval/stats"

// percentiles are the figures that are percentiles of the tokens' divergences.
var percentiles = map[string]float64{
	"kld.p50": 0.5, "kld.p90": 0.9, "kld.p95": 0.95, "kld.p99": 0.99, "kld.p99.9": 0.999,
}

// divergences holds the divergences of all tokens.
func divergences(c []ChunkStats) *stats.Sample {
	values := make([][]float32, len(c))
	for i := range c {
		values[i] = c[i].KLDs
	}
	return stats.NewSample(values)
}

// percentileOf gives the named percentile with its limits over chunks.
func percentileOf(name string) func(c []ChunkStats) stats.Limits {
	return func(c []ChunkStats) stats.Limits { return stats.Quantile{Sample: divergences(c), P: percentiles[name]} }
}
