package gate

import (
	"strings"

	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/eval/stats"
)

// speed is never nil.
func (s *subject) speed() *bench.Result {
	if s.Latency == nil {
		return &bench.Result{}
	}
	return s.Latency
}

// noise is the spread of the A/A check; ok is false when there was none.
func (s *subject) noise() (spread float64, ok bool) {
	if n := s.speed().Noise; n != nil && n.Spread >= 0 {
		return n.Spread, true
	}
	return 0, false
}

// test is the first with a name such as pp512 and an empty cache, or else the first at any depth.
func (s *subject) test(prefix string) *bench.Test {
	var found *bench.Test
	for i := range s.speed().Tests {
		t := &s.speed().Tests[i]
		if strings.HasPrefix(t.Name, prefix) && !strings.Contains(t.Name, "+") && (found == nil || found.Depth > 0 && t.Depth == 0) {
			found = t
		}
	}
	return found
}

// rate is the median of the repetitions' tokens per second, with the exact limits of order statistics.
func rate(prefix string) func(s *subject) (stats.Limits, error) {
	return func(s *subject) (stats.Limits, error) {
		t := s.test(prefix)
		if t == nil || len(t.Samples) == 0 {
			return nil, errNotMeasured
		}
		return stats.Quantile{Sample: repetitions(t.Samples), P: 0.5}, nil
	}
}

func repetitions(v []float64) *stats.Sample {
	c := make([][]float32, len(v))
	for i, x := range v {
		c[i] = []float32{float32(x)}
	}
	return stats.NewSample(c)
}

func p50(q *bench.Quantiles) float64 { return q.P50 }
func p95(q *bench.Quantiles) float64 { return q.P95 }
func p99(q *bench.Quantiles) float64 { return q.P99 }

func moment(prefix string, of func(*bench.Test) *bench.Quantiles, p func(*bench.Quantiles) float64) func(*subject) (stats.Limits, error) {
	return around(func(s *subject) (float64, bool) {
		if t := s.test(prefix); t != nil && of(t) != nil {
			return p(of(t)), p(of(t)) > 0
		}
		return 0, false
	})
}

// around is a time that was measured without repetitions to tell its error from: it is known to the machine's noise.
func around(value func(s *subject) (float64, bool)) func(*subject) (stats.Limits, error) {
	return func(s *subject) (stats.Limits, error) {
		v, ok := value(s)
		if !ok {
			return nil, errNotMeasured
		}
		spread, _ := s.noise() // without it there is no judgement
		return band{v, v * spread}, nil
	}
}

// band is a value that is certain to a reach.
type band struct{ value, reach float64 }

func (b band) Estimate() float64     { return b.value }
func (b band) StdErr() float64       { return b.reach / 2 }
func (b band) Lower(float64) float64 { return b.value - b.reach }
func (b band) Upper(float64) float64 { return b.value + b.reach }
func (b band) PBelow(bound float64) float64 {
	return stats.Exact(b.value + b.reach).PBelow(bound)
}
func (b band) PAbove(bound float64) float64 {
	return stats.Exact(b.value - b.reach).PAbove(bound)
}
