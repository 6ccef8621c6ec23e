package page

import (
	"fmt"
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/internal/display"
)

// figure is one that tables list: its name in gates, its title for people, and where it is.
type shown struct {
	name, title string
	of          func(m *figure.Metrics) (v float64, ci *figure.Interval)
}

// plainFigures are there for every candidate, pairedFigures when there is a reference.
var (
	plainFigures = []shown{
		{"ppl", "perplexity", func(m *figure.Metrics) (float64, *figure.Interval) { return m.Perplexity.Value, m.Perplexity.CI }},
		{"bits_per_byte", "bits per byte", func(m *figure.Metrics) (float64, *figure.Interval) { return m.BitsPerByte.Value, m.BitsPerByte.CI }},
	}
	pairedFigures = []shown{
		{"ppl.reference", "perplexity, reference", func(m *figure.Metrics) (float64, *figure.Interval) { return m.Reference.Value, m.Reference.CI }},
		{"ppl.ratio", "perplexity ratio", func(m *figure.Metrics) (float64, *figure.Interval) { return m.Ratio.Value, m.Ratio.CI }},
		{"kld.mean", "KL divergence, mean", func(m *figure.Metrics) (float64, *figure.Interval) { return m.Divergence.Mean, m.Divergence.CI }},
		{"kld.p50", "KL divergence, median", func(m *figure.Metrics) (float64, *figure.Interval) { return m.Divergence.Median, nil }},
		{"kld.p90", "KL divergence, 90 %", func(m *figure.Metrics) (float64, *figure.Interval) { return m.Divergence.P90, nil }},
		{"kld.p95", "KL divergence, 95 %", func(m *figure.Metrics) (float64, *figure.Interval) { return m.Divergence.P95, m.Divergence.P95CI }},
		{"kld.p99", "KL divergence, 99 %", func(m *figure.Metrics) (float64, *figure.Interval) { return m.Divergence.P99, m.Divergence.P99CI }},
		{"kld.p99.9", "KL divergence, 99.9 %", func(m *figure.Metrics) (float64, *figure.Interval) { return m.Divergence.P999, m.Divergence.P999CI }},
		{"kld.max", "KL divergence, largest", func(m *figure.Metrics) (float64, *figure.Interval) { return m.Divergence.Max, nil }},
		{"same_top", "same top token", func(m *figure.Metrics) (float64, *figure.Interval) { return m.SameTop.Value, m.SameTop.CI }},
		{"top5", "top-5 overlap", func(m *figure.Metrics) (float64, *figure.Interval) { return m.TopFive.Value, m.TopFive.CI }},
		{"delta_p.rms", "RMS change of p", func(m *figure.Metrics) (float64, *figure.Interval) { return m.DeltaP.Value, m.DeltaP.CI }},
		{"delta_p.mean", "mean change of p", func(m *figure.Metrics) (float64, *figure.Interval) { return m.MeanDeltaP.Value, m.MeanDeltaP.CI }},
	}
)

// figuresOf lists what m has.
func figuresOf(m *figure.Metrics) []shown {
	if m.Comparison == nil {
		return plainFigures
	}
	return append(append([]shown{}, plainFigures...), pairedFigures...)
}

// show formats a figure as its kind is read: shares in per cent, sizes in the unit a person would use.
func show(metric string, v float64) string {
	switch {
	case metric == "bytes" || strings.HasSuffix(metric, "_bytes") || strings.HasSuffix(metric, ".bytes"):
		return display.Bytes(v)
	case metric == "ppl.ratio":
		return fmt.Sprintf("%.5f", v)
	case strings.HasPrefix(metric, "ppl"), metric == "bits_per_byte":
		return fmt.Sprintf("%.4f", v)
	case strings.HasPrefix(metric, "kld"):
		return nats(v)
	case metric == "same_top", metric == "top5", strings.HasPrefix(metric, "delta_p"), strings.HasPrefix(metric, "task"):
		return percent(v)
	case metric == "bpw":
		return fmt.Sprintf("%.3f", v)
	case strings.HasSuffix(metric, "tok_s"):
		return rate(v)
	}
	return fmt.Sprintf("%.4g", v)
}

func showInterval(metric string, ci *figure.Interval) string {
	if ci == nil {
		return ""
	}
	low, high := show(metric, ci.Low), show(metric, ci.High)
	if ci.Low < 0 {
		return low + " to " + high // a dash would look like a sign
	}
	return strings.TrimSuffix(low, " %") + " – " + high
}
