package page

import (
	"fmt"
	"math"
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/display"
)

type card struct{ Title, Value, Sub string }

func cards(c *report.Candidate, paired bool) []card {
	var out []card
	add := func(title, value, sub string) { out = append(out, card{title, value, sub}) }
	if m := c.Metrics; m != nil && m.Comparison != nil {
		d := m.Divergence
		sub := shortInterval(d.CI)
		if sub == "" {
			sub = "nats"
		}
		add("KL divergence", brief(d.Mean), sub)
		for _, s := range c.Slices {
			if s.Name == c.WorstSlice && s.Metrics.Comparison != nil {
				add("Worst slice", brief(s.Metrics.Divergence.Mean), clean(s.Name))
			}
		}
		add("99th percentile", brief(d.P99), shortInterval(d.P99CI))
		add("Same top token", fmt.Sprintf("%.1f %%", 100*m.SameTop.Value), shortPercent(m.SameTop.CI))
		add("Perplexity", fmt.Sprintf("%.3f", m.Perplexity.Value), fmt.Sprintf("%.4f × the reference", m.Ratio.Value))
	} else if m != nil {
		add("Perplexity", fmt.Sprintf("%.3f", m.Perplexity.Value), shortInterval(m.Perplexity.CI))
		add("Bits per byte", fmt.Sprintf("%.4f", m.BitsPerByte.Value), shortInterval(m.BitsPerByte.CI))
	}
	if c.Bytes > 0 {
		sub := fmt.Sprintf("%.2f bits per weight", c.BitsPerWeight)
		if c.EffectiveBits != nil {
			sub += fmt.Sprintf(", as good as %.2f", *c.EffectiveBits)
		}
		add("Size", display.Bytes(c.Bytes), sub)
	}
	if d := decoding(c.Latency); d != nil {
		sub := "tokens/s"
		if d.InterToken != nil {
			sub += ", 95 % within " + duration(d.InterToken.P95)
		}
		add("Decoding", figure.Rate(d.TokensPerSecond.Median), sub)
	}
	return out
}

// shortInterval has three significant digits, for narrow places.
func shortInterval(ci *figure.Interval) string {
	if ci == nil {
		return ""
	}
	return brief(ci.Low) + " – " + brief(ci.High)
}

func shortPercent(ci *figure.Interval) string {
	if ci == nil {
		return ""
	}
	return fmt.Sprintf("%.1f – %.1f %%", 100*ci.Low, 100*ci.High)
}

// brief has three significant digits, and an exponent where there would be too many zeros for a card.
func brief(v float64) string {
	if a := math.Abs(v); a > 0 && a < 1e-4 {
		return strings.Replace(fmt.Sprintf("%.2e", v), "e-0", "e-", 1)
	}
	return figure.Significant(v)
}
