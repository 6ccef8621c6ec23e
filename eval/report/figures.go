package report

import (
	"fmt"
	"math"
	"strings"
	"unicode"

	"github.com/carat-llm/carat/eval"
	"github.com/carat-llm/carat/eval/latency"
)

// figure is one that tables list: its name in gates, its title for people, and where it is.
type figure struct {
	name, title string
	of          func(m *eval.Metrics) (v float64, ci *eval.Interval)
}

// plainFigures are there for every candidate, pairedFigures when there is a reference.
var (
	plainFigures = []figure{
		{"ppl", "perplexity", func(m *eval.Metrics) (float64, *eval.Interval) { return m.Perplexity.Value, m.Perplexity.CI }},
		{"bits_per_byte", "bits per byte", func(m *eval.Metrics) (float64, *eval.Interval) { return m.BitsPerByte.Value, m.BitsPerByte.CI }},
	}
	pairedFigures = []figure{
		{"ppl.reference", "perplexity, reference", func(m *eval.Metrics) (float64, *eval.Interval) { return m.Reference.Value, m.Reference.CI }},
		{"ppl.ratio", "perplexity ratio", func(m *eval.Metrics) (float64, *eval.Interval) { return m.Ratio.Value, m.Ratio.CI }},
		{"kld.mean", "KL divergence, mean", func(m *eval.Metrics) (float64, *eval.Interval) { return m.Divergence.Mean, m.Divergence.CI }},
		{"kld.p50", "KL divergence, median", func(m *eval.Metrics) (float64, *eval.Interval) { return m.Divergence.Median, nil }},
		{"kld.p90", "KL divergence, 90 %", func(m *eval.Metrics) (float64, *eval.Interval) { return m.Divergence.P90, nil }},
		{"kld.p95", "KL divergence, 95 %", func(m *eval.Metrics) (float64, *eval.Interval) { return m.Divergence.P95, m.Divergence.P95CI }},
		{"kld.p99", "KL divergence, 99 %", func(m *eval.Metrics) (float64, *eval.Interval) { return m.Divergence.P99, m.Divergence.P99CI }},
		{"kld.p99.9", "KL divergence, 99.9 %", func(m *eval.Metrics) (float64, *eval.Interval) { return m.Divergence.P999, m.Divergence.P999CI }},
		{"kld.max", "KL divergence, largest", func(m *eval.Metrics) (float64, *eval.Interval) { return m.Divergence.Max, nil }},
		{"same_top", "same top token", func(m *eval.Metrics) (float64, *eval.Interval) { return m.SameTop.Value, m.SameTop.CI }},
		{"top5", "top-5 overlap", func(m *eval.Metrics) (float64, *eval.Interval) { return m.TopFive.Value, m.TopFive.CI }},
		{"delta_p.rms", "RMS change of p", func(m *eval.Metrics) (float64, *eval.Interval) { return m.DeltaP.Value, m.DeltaP.CI }},
		{"delta_p.mean", "mean change of p", func(m *eval.Metrics) (float64, *eval.Interval) { return m.MeanDeltaP.Value, m.MeanDeltaP.CI }},
	}
)

// figuresOf lists what m has.
func figuresOf(m *eval.Metrics) []figure {
	if m.Comparison == nil {
		return plainFigures
	}
	return append(append([]figure{}, plainFigures...), pairedFigures...)
}

// show formats a figure as its kind is read: shares in per cent, sizes in the unit a person would use.
func show(metric string, v float64) string {
	switch {
	case metric == "bytes" || strings.HasSuffix(metric, "_bytes") || strings.HasSuffix(metric, ".bytes"):
		return size(v)
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

// showRelative formats a difference: +3.1 %.
func showRelative(v float64) string {
	if v >= 2 {
		return fmt.Sprintf("x %.3g", 1+v) // "+1027 %" would have to be read twice
	}
	return fmt.Sprintf("%+.1f %%", 100*v)
}

func showInterval(metric string, ci *eval.Interval) string {
	if ci == nil {
		return ""
	}
	low, high := show(metric, ci.Low), show(metric, ci.High)
	if ci.Low < 0 {
		return low + " to " + high // a dash would look like a sign
	}
	return strings.TrimSuffix(low, " %") + " – " + high
}

func showRelativeInterval(ci *eval.Interval) string {
	if ci == nil {
		return ""
	}
	return showRelative(ci.Low) + " to " + showRelative(ci.High)
}

func nats(v float64) string {
	switch a := math.Abs(v); {
	case a != 0 && a < 1e-5:
		return fmt.Sprintf("%.2e", v)
	case a != 0 && a < 1e-3:
		return significant(v)
	case a < 1:
		return fmt.Sprintf("%.5f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// significant formats three significant digits without an exponent, trailing zeros kept.
func significant(v float64) string {
	if v == 0 || math.Abs(v) < 1e-6 || math.Abs(v) >= 1e6 {
		return fmt.Sprintf("%.3g", v)
	}
	return fmt.Sprintf("%.*f", max(0, 2-int(math.Floor(math.Log10(math.Abs(v))))), v)
}

func percent(v float64) string { return fmt.Sprintf("%.2f %%", 100*v) }

func rate(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

func size(n float64) string {
	switch a := math.Abs(n); {
	case a < 10_000:
		return fmt.Sprintf("%.0f B", n)
	case a < 1_000_000:
		return fmt.Sprintf("%.1f kB", n/1e3)
	case a < 10_000_000:
		return fmt.Sprintf("%.2f MB", n/1e6)
	case a < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", n/1e6)
	}
	return fmt.Sprintf("%.2f GB", n/1e9)
}

func duration(seconds float64) string {
	switch {
	case seconds == 0:
		return "–"
	case seconds < 1e-3:
		return fmt.Sprintf("%.0f µs", seconds*1e6)
	case seconds < 1:
		return fmt.Sprintf("%.1f ms", seconds*1e3)
	}
	return fmt.Sprintf("%.2f s", seconds)
}

func pValue(p float64) string {
	if p < 0.001 {
		return "< 0.001"
	}
	return fmt.Sprintf("%.3f", p)
}

// clean makes text from outside harmless to show: names come from files, and neither terminals nor XML take control
// characters; nor may text run backwards.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == '\r' {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0xFFFE || r == 0xFFFF {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// decoding is the test of decoding speed with an empty cache, and prefill that of the prompt; nil where there is none.
func decoding(l *latency.Result) *latency.Test { return testOf(l, "tg") }
func prefill(l *latency.Result) *latency.Test  { return testOf(l, "pp") }

func testOf(l *latency.Result, prefix string) *latency.Test {
	if l == nil {
		return nil
	}
	for i, t := range l.Tests {
		if strings.HasPrefix(t.Name, prefix) && !strings.Contains(t.Name, "+") && t.Depth == 0 && t.TokensPerSecond.Median > 0 {
			return &l.Tests[i]
		}
	}
	return nil
}

// paired says that the candidate was measured against a reference.
func (c *Candidate) paired() bool { return c.Metrics != nil && c.Metrics.Comparison != nil }

// focus is the candidate that the report is about: the gate's, the first one that is no control, or the first; nil
// when there is none.
func (r *Report) focus() *Candidate {
	if r.Gate != nil {
		if c := r.Candidate(r.Gate.Candidate); c != nil {
			return c
		}
	}
	for i := range r.Candidates {
		if r.Candidates[i].Role == "" {
			return &r.Candidates[i]
		}
	}
	if len(r.Candidates) > 0 {
		return &r.Candidates[0]
	}
	return nil
}

// any says that some candidate has it.
func (r *Report) any(has func(c *Candidate) bool) bool {
	for i := range r.Candidates {
		if has(&r.Candidates[i]) {
			return true
		}
	}
	return false
}

// scored is "1512 tokens scored in 24 chunks of 128".
func (r *Report) scored(c *Candidate) string {
	if c == nil || c.Metrics == nil {
		return "nothing was scored"
	}
	p := c.Metrics.Perplexity
	s := fmt.Sprintf("%d tokens scored in %s of %d", p.Tokens, count(len(p.Chunks), "chunk"), r.Protocol.Context)
	if r.Protocol.Stride > 0 {
		s += fmt.Sprintf(", every %d tokens", r.Protocol.Stride)
	}
	return s
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// about is "Q4_K_M, 81.6 MB, 4.850 bits per weight", as far as it is known.
func (m *Model) about() string {
	var s []string
	if m.FileType != "" {
		s = append(s, clean(m.FileType))
	}
	if m.Bytes > 0 {
		s = append(s, size(float64(m.Bytes)))
	}
	if m.BitsPerWeight > 0 {
		s = append(s, fmt.Sprintf("%.3f bits per weight", m.BitsPerWeight))
	}
	return strings.Join(s, ", ")
}
