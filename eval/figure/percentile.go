package figure

import "github.com/carat-llm/carat/eval/stats"

// percentile is the figure that p of the tokens' divergences are below.
func percentile(name, title string, p float64, history bool, value func(d *Divergence) (float64, *Interval)) Figure {
	return Figure{
		Info: Info{Name: name, Title: title, Unit: "nats", Paired: true, History: history, Format: Nats},
		Value: func(m *Metrics) Estimate {
			v, ci := value(&m.Divergence)
			return Estimate{Value: v, CI: ci}
		},
		limits: func(c []ChunkStats) stats.Limits { return stats.Quantile{Sample: divergences(c), P: p} },
		relative: func(a, b []ChunkStats, paired bool) (stats.Limits, bool) {
			q := stats.QuantileQuotient{A: divergences(a), B: divergences(b), P: p, Paired: paired}
			x, y := q.A.Percentile(p), q.B.Percentile(p)
			switch {
			case x < NoDivergence && y < NoDivergence:
				return stats.Exact(0), true
			case !(x > 0) || !(y > 0):
				return nil, false
			}
			return stats.Scaled(q, 1, -1), true
		},
	}
}

// divergences holds the divergences of all tokens.
func divergences(c []ChunkStats) *stats.Sample {
	values := make([][]float32, len(c))
	for i := range c {
		values[i] = c[i].KLDs
	}
	return stats.NewSample(values)
}
