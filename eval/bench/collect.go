package bench

import (
	"slices"

	"github.com/carat-llm/carat/eval/stats"
)

// collector gathers the repetitions of one test.
type collector struct {
	spec                  Spec
	rates, first, between []float64
}

func (c *collector) add(r run) {
	c.rates = append(c.rates, rate(c.spec.Tokens(), r.total))
	if c.spec.Prompt > 0 {
		c.first = append(c.first, r.prompt)
	}
	c.between = append(c.between, r.steps...)
}

// test sums up; weightBytes are read for every decoded token.
func (c *collector) test(weightBytes int64) Test {
	t := Test{Name: c.spec.Name(), Tokens: c.spec.Tokens(), Depth: c.spec.Depth, Batch: c.spec.Batch, TokensPerSecond: spread(c.rates),
		FirstToken: quantiles(c.first), InterToken: quantiles(c.between), Samples: c.rates}
	if c.spec.Prompt == 0 {
		t.BytesPerSecond = t.TokensPerSecond.Median * float64(weightBytes)
	}
	return t
}

// shortest is the least time that is taken for one: clocks that did not move must not give infinite rates, which
// JSON cannot hold.
const shortest = 1e-9

func rate(tokens int, seconds float64) float64 { return float64(tokens) / max(seconds, shortest) }

func spread(v []float64) Spread {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return Spread{}
	}
	return Spread{stats.Percentile(s, 0.5), s[0], s[len(s)-1]}
}

// quantiles are nil without values.
func quantiles(v []float64) *Quantiles {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return nil
	}
	return &Quantiles{stats.Percentile(s, 0.5), stats.Percentile(s, 0.95), stats.Percentile(s, 0.99), s[len(s)-1]}
}
