package page

import (
	"fmt"
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/internal/table"
)

func (t *terminal) one(c *report.Candidate) {
	fmt.Fprintf(t.w, "%s  %s\n", t.paint(clean(c.Name), table.Bold), about(&c.Model))
	if c.Failure != "" {
		fmt.Fprintf(t.w, "%s: %s\n", t.paint("could not be measured", table.Red), why(c))
	}
	if c.Metrics != nil {
		if ref := t.r.Reference; ref != nil {
			fmt.Fprintf(t.w, "against %s  %s\n", clean(ref.Name), about(ref))
		}
		fmt.Fprintln(t.w, scored(t.r, c))
		fmt.Fprintln(t.w)
		t.metrics(c.Metrics)
		if len(c.Slices) > 0 {
			fmt.Fprintln(t.w)
			t.slices(c)
		}
		t.running(c)
	}
	t.tasks(c)
	t.latency(c)
	t.parity()
}

// metrics lists all figures. The standard error takes chunks as independent, as the interval does; llama-perplexity's, of
// tokens taken as independent, is in report.json.
func (t *terminal) metrics(m *figure.Metrics) {
	g := t.grid("lrrr")
	g.Row("", styled("value", table.Dim), styled("95 % interval", table.Dim), styled("std error", table.Dim))
	for _, f := range figure.Of(m) {
		v, ci := valueOf(f, m)
		g.Row(f.Title, show(f.Name, v), showInterval(f.Name, ci), stdErr(f, m))
	}
	g.Print(t.w)
	if m.Comparison != nil && m.Divergence.Bound > 0 {
		fmt.Fprintf(t.w, "the reference holds its likeliest tokens only: the mean divergence may be up to %s higher\n", figure.Nats(m.Divergence.Bound))
	}
}

// running draws the perplexity after each chunk, of each slice.
func (t *terminal) running(c *report.Candidate) {
	if len(c.Slices) < 2 {
		if line := sparkline(c.Metrics.Perplexity.Chunks, 40); line != "" {
			fmt.Fprintf(t.w, "running perplexity %s\n", line)
		}
		return
	}
	fmt.Fprintln(t.w)
	g := t.grid("ll")
	for _, s := range c.Slices {
		if s.Metrics != nil {
			g.Row("running perplexity of "+s.Name, sparkline(s.Metrics.Perplexity.Chunks, 40))
		}
	}
	g.Print(t.w)
}

// stdErr is a figure's standard error over chunks, "" where there is none.
func stdErr(f figure.Figure, m *figure.Metrics) string {
	v := f.Value(m).ClusteredStdErr
	if v == 0 {
		return ""
	}
	return f.Format(v)
}

func (t *terminal) slices(c *report.Candidate) {
	g := t.grid("lrrrrrll")
	if !c.Paired() {
		g.Align = "lrrrl"
		g.Row(styled("slice", table.Dim), styled("tokens", table.Dim), styled("perplexity", table.Dim), styled("95 % interval", table.Dim), "")
		for _, s := range c.Slices {
			p := s.Metrics.Perplexity
			g.Row(clean(s.Name), p.Tokens, show("ppl", p.Value), showInterval("ppl", p.CI), t.worst(c, s.Name))
		}
		g.Print(t.w)
		return
	}
	most := 0.0
	for _, s := range c.Slices {
		if s.Metrics.Comparison != nil {
			most = max(most, s.Metrics.Divergence.Mean)
		}
	}
	g.Row(styled("slice", table.Dim), styled("tokens", table.Dim), styled("perplexity", table.Dim), styled("same top", table.Dim), styled("KLD", table.Dim), styled("95 % interval", table.Dim), "", "")
	for _, s := range c.Slices {
		m := s.Metrics
		if m.Comparison == nil {
			continue
		}
		d := m.Divergence
		g.Row(clean(s.Name), m.Perplexity.Tokens, show("ppl", m.Perplexity.Value), figure.Percent(m.SameTop.Value), figure.Nats(d.Mean), showInterval("kld.mean", d.CI),
			styled(bar(d.Mean, most, 12), table.Dim), t.worst(c, s.Name))
	}
	g.Print(t.w)
}

func (t *terminal) worst(c *report.Candidate, slice string) table.Cell {
	if slice == c.WorstSlice {
		return styled("worst", table.Yellow)
	}
	return table.Cell{}
}

// parity is of the candidate that the report is about: others are not asked.
func (t *terminal) parity() {
	if s := inLlama(focus(t.r)); s != "" {
		fmt.Fprintln(t.w, "\n"+s)
	}
}

func (t *terminal) tasks(c *report.Candidate) {
	if len(c.Tasks) == 0 {
		return
	}
	fmt.Fprintln(t.w)
	g := t.grid("lrrrrl")
	g.Row(styled("task", table.Dim), styled("items", table.Dim), styled("accuracy", table.Dim), styled("95 % interval", table.Dim), styled("reference", table.Dim), styled("flips", table.Dim))
	for _, x := range c.Tasks {
		ref, flips := "", ""
		if x.Reference != nil {
			ref = figure.Percent(x.Reference.Value)
		}
		if f := x.Flips; f != nil {
			flips = fmt.Sprintf("%d lost, %d won, p %s", f.RightToWrong, f.WrongToRight, pValue(f.P))
		}
		g.Row(clean(x.Task), x.Items, figure.Percent(x.Score.Value), interval(figure.Percent, &figure.Interval{Low: x.Score.Low, High: x.Score.High}), ref, flips)
	}
	g.Print(t.w)
}

func (t *terminal) latency(c *report.Candidate) {
	l := c.Latency
	if l == nil {
		return
	}
	fmt.Fprintln(t.w)
	g := t.grid("lrrrrr")
	g.Row(styled("speed", table.Dim), styled("tokens/s", table.Dim), styled("min – max", table.Dim), styled("p50", table.Dim), styled("p95", table.Dim), styled("p99", table.Dim))
	for _, x := range l.Tests {
		q := x.InterToken
		if q == nil {
			q = x.FirstToken
		}
		p50, p95, p99 := "", "", ""
		if q != nil {
			p50, p95, p99 = duration(q.P50), duration(q.P95), duration(q.P99)
		}
		s := x.TokensPerSecond
		g.Row(clean(x.Name), figure.Rate(s.Median), figure.Rate(s.Min)+" – "+figure.Rate(s.Max), p50, p95, p99)
	}
	g.Print(t.w)
	fmt.Fprintln(t.w, latencyNote(c))
}

// latencyNote is "2 threads, peak memory 142.3 MB, loaded in 80.0 ms warm, 0.62 J/token, noise 1.7 %".
func latencyNote(c *report.Candidate) string {
	l := c.Latency
	s := []string{count(l.Threads, "thread")}
	if l.PeakMemory > 0 {
		s = append(s, "peak memory "+display.Bytes(l.PeakMemory))
	}
	if l.Load != nil {
		load := "first token after " + duration(l.Load.Warm) + " warm"
		if l.Load.Cold > 0 {
			load += ", " + duration(l.Load.Cold) + " cold"
		}
		s = append(s, load)
	}
	if e := l.Energy; e != nil {
		s = append(s, fmt.Sprintf("%.3g J/token, %.3g above idle", e.JoulesPerToken, e.IdleJoulesPerToken))
	}
	if n := l.Noise; n != nil {
		s = append(s, fmt.Sprintf("noise (A/A) %.1f %%", 100*n.Spread))
	}
	return strings.Join(s, "; ")
}
