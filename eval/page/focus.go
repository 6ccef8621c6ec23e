package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/display"
)

// decoding is the test of decoding speed with an empty cache; nil where there is none.
func decoding(l *bench.Result) *bench.Test {
	if l == nil {
		return nil
	}
	for i, t := range l.Tests {
		if strings.HasPrefix(t.Name, "tg") && !strings.Contains(t.Name, "+") && t.Depth == 0 && t.TokensPerSecond.Median > 0 {
			return &l.Tests[i]
		}
	}
	return nil
}

// focus is the candidate that the report is about: the gate's, or the best of those that are no controls, or the first;
// nil when there is none.
func focus(r *report.Report) *report.Candidate {
	if r.Gate != nil {
		if c := r.Candidate(r.Gate.Candidate); c != nil {
			return c
		}
	}
	var best *report.Candidate
	for i := range r.Candidates {
		if c := &r.Candidates[i]; best == nil || rankOf(c).less(rankOf(best)) {
			best = c
		}
	}
	return best
}

// rank says how good a candidate is, the least the best: measured ones before others and before controls, then the one
// nearest to the reference (without a reference that of the least perplexity, in bits per byte where texts were cut by
// bytes), then the smaller.
type rank struct {
	class int
	loss  float64
	bytes int64
}

func rankOf(c *report.Candidate) rank {
	k := rank{bytes: c.Bytes}
	if c.Role == report.Control {
		k.class += 2
	}
	switch {
	case c.Metrics == nil || c.Failure != "":
		k.class++
	case c.Metrics.Comparison != nil:
		k.loss = c.Metrics.Divergence.Mean
	default:
		k.loss = c.Metrics.BitsPerByte.Value
	}
	return k
}

func (k rank) less(o rank) bool {
	return cmp.Or(cmp.Compare(k.class, o.class), cmp.Compare(k.loss, o.loss), cmp.Compare(k.bytes, o.bytes)) < 0
}

// id is what links on a page call a candidate.
func idOf(r *report.Report, c *report.Candidate) string {
	for i := range r.Candidates {
		if c == &r.Candidates[i] {
			return fmt.Sprintf("c%d", i)
		}
	}
	return ""
}

// bySize lists the candidates as tables do: the smallest first, and last those whose size is not known.
func bySize(r *report.Report) []*report.Candidate {
	out := make([]*report.Candidate, len(r.Candidates))
	for i := range r.Candidates {
		out[i] = &r.Candidates[i]
	}
	slices.SortStableFunc(out, func(a, b *report.Candidate) int {
		return cmp.Or(cmp.Compare(min(1, b.Bytes), min(1, a.Bytes)), cmp.Compare(a.Bytes, b.Bytes))
	})
	return out
}

// any says that some candidate has it.
func some(r *report.Report, has func(c *report.Candidate) bool) bool {
	for i := range r.Candidates {
		if has(&r.Candidates[i]) {
			return true
		}
	}
	return false
}

// scored is "1512 tokens scored in 24 chunks of 128".
func scored(r *report.Report, c *report.Candidate) string {
	if c == nil || c.Metrics == nil {
		return "nothing was scored"
	}
	if r.Protocol.SameBytes {
		return scoredBytes(r, c)
	}
	p := c.Metrics.Perplexity
	s := fmt.Sprintf("%d tokens scored in %s of %d", p.Tokens, count(len(p.Chunks), "chunk"), r.Protocol.Context)
	if r.Protocol.Stride > 0 {
		s += fmt.Sprintf(", every %d tokens", r.Protocol.Stride)
	}
	if !r.Protocol.Usual() {
		c := r.Protocol.Whole()
		s += fmt.Sprintf(", computed %s, cache %s", word(c.Compute), word(c.KVType))
	}
	if why := stopped(r, c); why != "" {
		s += "; stopped: " + why
	}
	return s
}

// word is s without anything that a page could take for more than a word.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, s)
}

// stopped says why the run ended before the text did, and "" when it did not; gates say so themselves.
func stopped(r *report.Report, c *report.Candidate) string {
	if r.Gate != nil {
		return ""
	}
	switch r.Protocol.Stopped {
	case report.StoppedByWidth:
		what := "perplexity"
		if c.Paired() {
			what = "divergence"
		}
		if r.Protocol.UntilWidth > 0 {
			return fmt.Sprintf("the %s was known to %.3g %%", what, 100*r.Protocol.UntilWidth)
		}
		return "the " + what + " was known well enough"
	case report.StoppedByTokens:
		return "by --max-tokens"
	}
	return ""
}

// frontText says what is so of candidates on the Pareto front.
func frontText(r *report.Report) string {
	s := "no other candidate is both smaller and nearer to the reference"
	if r.Reference == nil {
		s = "no other candidate is both smaller and better"
	}
	if some(r, func(c *report.Candidate) bool { return c.Role == report.Control }) {
		s += "; controls do not count"
	}
	return s
}

// why is the failure; the name that stands beside it does not begin it again.
func why(c *report.Candidate) string {
	return strings.TrimPrefix(clean(c.Failure), clean(c.Name)+": ")
}

// sizeText and bitsText are empty where the file could not be read.
func sizeText(m *report.Model) string {
	if m.Bytes == 0 {
		return ""
	}
	return display.Bytes(m.Bytes)
}

func bitsText(m *report.Model) string {
	if m.BitsPerWeight == 0 {
		return ""
	}
	return fmt.Sprintf("%.3f", m.BitsPerWeight)
}

// about is "Q4_K_M, 81.6 MB, 4.850 bits per weight", as far as it is known.
func about(m *report.Model) string {
	var s []string
	if m.FileType != "" {
		s = append(s, clean(m.FileType))
	}
	if m.Bytes > 0 {
		s = append(s, display.Bytes(m.Bytes))
	}
	if m.BitsPerWeight > 0 {
		s = append(s, fmt.Sprintf("%.3f bits per weight", m.BitsPerWeight))
	}
	return strings.Join(s, ", ")
}
