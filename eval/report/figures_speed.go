package report

import (
	"strings"

	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/stats"
	"github.com/carat-llm/carat/internal/display"
)

var speedFigures = []Figure{
	{
		Info: figure.Info{Name: "peak_memory", Title: "peak memory", Unit: "bytes", History: true, Format: display.Bytes[float64]}, Kind: OfModel,
		value: known(func(s *Subject) (float64, bool) {
			return float64(s.Speed().PeakMemory), s.Speed().PeakMemory > 0
		}),
	},
	rate("decode.tok_s", "decoding speed", "tg"),
	rate("prefill.tok_s", "speed of reading the prompt", "pp"),
	latency("ttft.p50", "time to first token, median", "pp", true, func(t *bench.Test) *bench.Quantiles { return t.FirstToken }, p50),
	latency("ttft.p95", "time to first token, 95 %", "pp", false, func(t *bench.Test) *bench.Quantiles { return t.FirstToken }, p95),
	latency("itl.p50", "time between tokens, median", "tg", true, func(t *bench.Test) *bench.Quantiles { return t.InterToken }, p50),
	latency("itl.p95", "time between tokens, 95 %", "tg", true, func(t *bench.Test) *bench.Quantiles { return t.InterToken }, p95),
	latency("itl.p99", "time between tokens, 99 %", "tg", false, func(t *bench.Test) *bench.Quantiles { return t.InterToken }, p99),
	noisy(figure.Info{Name: "load.warm", Title: "time to load, warm", Unit: "s"}, func(s *Subject) (float64, bool) {
		if l := s.Speed().Load; l != nil {
			return l.Warm, l.Warm > 0
		}
		return 0, false
	}),
	noisy(figure.Info{Name: "energy.joules_per_token", Title: "energy per token", Unit: "J", History: true}, func(s *Subject) (float64, bool) {
		if e := s.Speed().Energy; e != nil {
			return e.JoulesPerToken, e.JoulesPerToken > 0
		}
		return 0, false
	}),
}

// Speed is never nil.
func (s *Subject) Speed() *bench.Result {
	if s.Latency == nil {
		return &bench.Result{}
	}
	return s.Latency
}

// Noise is the spread of the A/A check; ok is false when there was none.
func (s *Subject) Noise() (spread float64, ok bool) {
	if n := s.Speed().Noise; n != nil && n.Spread >= 0 {
		return n.Spread, true
	}
	return 0, false
}

// test is the first with a name such as pp512 and an empty cache, or else the first at any depth.
func (s *Subject) test(prefix string) *bench.Test {
	var found *bench.Test
	for i := range s.Speed().Tests {
		t := &s.Speed().Tests[i]
		if strings.HasPrefix(t.Name, prefix) && !strings.Contains(t.Name, "+") && (found == nil || found.Depth > 0 && t.Depth == 0) {
			found = t
		}
	}
	return found
}

// rate is the median of the repetitions' tokens per second, with the exact limits of order statistics.
func rate(name, title, prefix string) Figure {
	return Figure{
		Info: figure.Info{Name: name, Title: title, Unit: "tokens/s", Higher: true, History: true, Format: figure.Rate}, Kind: OfSpeed,
		value: known(func(s *Subject) (float64, bool) {
			if t := s.test(prefix); t != nil {
				return t.TokensPerSecond.Median, t.TokensPerSecond.Median > 0
			}
			return 0, false
		}),
		limits: func(s *Subject) (stats.Limits, error) {
			t := s.test(prefix)
			if t == nil || len(t.Samples) == 0 {
				return nil, ErrNotMeasured
			}
			c := make([][]float32, len(t.Samples))
			for i, x := range t.Samples {
				c[i] = []float32{float32(x)}
			}
			return stats.Quantile{Sample: stats.NewSample(c), P: 0.5}, nil
		},
	}
}

func p50(q *bench.Quantiles) float64 { return q.P50 }
func p95(q *bench.Quantiles) float64 { return q.P95 }
func p99(q *bench.Quantiles) float64 { return q.P99 }

// latency is a time of the test whose name begins so.
func latency(name, title, prefix string, history bool, of func(*bench.Test) *bench.Quantiles, p func(*bench.Quantiles) float64) Figure {
	return noisy(figure.Info{Name: name, Title: title, Unit: "s", History: history}, func(s *Subject) (float64, bool) {
		if t := s.test(prefix); t != nil && of(t) != nil {
			return p(of(t)), p(of(t)) > 0
		}
		return 0, false
	})
}

// noisy is a figure that was measured without repetitions to tell its error from: it is known to the machine's noise.
func noisy(info figure.Info, of func(s *Subject) (v float64, ok bool)) Figure {
	info.Format = figure.General
	value := known(of)
	return Figure{Info: info, Kind: OfSpeed, value: value, limits: func(s *Subject) (stats.Limits, error) {
		v, err := value(s)
		if err != nil {
			return nil, err
		}
		spread, _ := s.Noise() // without it there is no judgement
		return stats.Band{Value: v, Reach: v * spread}, nil
	}}
}
