package page

import (
	"fmt"
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/display"
)

func (m *markdown) candidates() {
	r := m.r
	if len(r.Candidates) == 0 {
		return
	}
	if len(r.Candidates) == 1 && r.Candidates[0].Metrics != nil {
		m.figures(&r.Candidates[0])
		return
	}
	paired := some(r, (*report.Candidate).Paired)
	effective := some(r, func(c *report.Candidate) bool { return c.EffectiveBits != nil })
	speed := some(r, func(c *report.Candidate) bool { return decoding(c.Latency) != nil })
	head, align := []string{"candidate", "size", "bits/weight"}, "lrr"
	add := func(titles ...string) {
		head = append(head, titles...)
		align += strings.Repeat("r", len(titles))
	}
	if effective {
		add("effective bits")
	}
	if paired {
		add("KL divergence", "95 % interval", "99 %", "same top", "ppl ratio")
	} else {
		add(likelihoodTitles(r)...)
	}
	if speed {
		add("tokens/s")
	}
	m.Table(align, head...)
	pareto := false
	for _, c := range bySize(r) {
		name := md(c.Name)
		switch {
		case c.Role == report.Control:
			name = "<sub>control</sub> " + name
		case c.Pareto:
			name, pareto = "**"+name+"** ◆", true
		}
		row := []string{name, sizeText(&c.Model), bitsText(&c.Model)}
		if effective {
			row = append(row, effectiveBits(c))
		}
		switch {
		case paired && c.Paired():
			d := c.Metrics.Divergence
			row = append(row, figure.Nats(d.Mean), showInterval("kld.mean", d.CI), figure.Nats(d.P99), figure.Percent(c.Metrics.SameTop.Value), show("ppl.ratio", c.Metrics.Ratio.Value))
		case !paired && c.Metrics != nil:
			row = append(row, likelihoodCells(r, c.Metrics)...)
		case c.Failure != "":
			row = append(row, "failed")
		}
		for len(row) < len(align) {
			row = append(row, "")
		}
		if d := decoding(c.Latency); d != nil {
			row[len(row)-1] = figure.Rate(d.TokensPerSecond.Median)
		}
		m.Row(row...)
	}
	m.Linef("")
	if pareto {
		m.Linef("◆ %s", frontText(r))
		m.Linef("")
	}
	m.failures()
}

func (m *markdown) failures() {
	any := false
	for i := range m.r.Candidates {
		if c := &m.r.Candidates[i]; c.Failure != "" {
			m.Linef("- ❌ %s could not be measured: %s", md(c.Name), md(why(c)))
			any = true
		}
	}
	if any {
		m.Linef("")
	}
}

func (m *markdown) figures(c *report.Candidate) {
	m.Linef("**%s** %s", md(c.Name), md(about(&c.Model)))
	m.Linef("")
	m.Table("lrr", "figure", "value", "95 % interval")
	for _, f := range figure.Of(c.Metrics) {
		v, ci := valueOf(f, c.Metrics)
		m.Row(f.Title, show(f.Name, v), showInterval(f.Name, ci))
	}
	m.Linef("")
}

func (m *markdown) parity() {
	if c := focus(m.r); c != nil && c.Parity != nil {
		m.Linef("%s\n", md(upperFirst(inLlama(c))))
	}
}

func (m *markdown) slices() {
	c := focus(m.r)
	if c == nil || len(c.Slices) == 0 {
		return
	}
	m.fold("Slices of " + c.Name)
	if c.Paired() {
		m.Table("lrrrrr", "slice", "tokens", "KL divergence", "95 % interval", "same top", "perplexity")
	} else {
		m.Table("lrrr", "slice", "tokens", "perplexity", "95 % interval")
	}
	for _, s := range c.Slices {
		name, p := md(s.Name), s.Metrics.Perplexity
		if s.Name == c.WorstSlice {
			name = "**" + name + "** (worst)"
		}
		switch {
		case !c.Paired():
			m.Row(name, fmt.Sprint(p.Tokens), show("ppl", p.Value), showInterval("ppl", p.CI))
		case s.Metrics.Comparison != nil:
			d := s.Metrics.Divergence
			m.Row(name, fmt.Sprint(p.Tokens), figure.Nats(d.Mean), showInterval("kld.mean", d.CI), figure.Percent(s.Metrics.SameTop.Value), show("ppl", p.Value))
		}
	}
	m.unfold()
}

func (m *markdown) tasks() {
	c := focus(m.r)
	if c == nil || len(c.Tasks) == 0 {
		return
	}
	m.fold("Tasks of " + c.Name)
	m.Table("lrrrrrrr", "task", "items", "accuracy", "95 % interval", "reference", "right to wrong", "wrong to right", "p")
	for _, t := range c.Tasks {
		row := []string{md(t.Task), fmt.Sprint(t.Items), figure.Percent(t.Score.Value), interval(figure.Percent, &figure.Interval{Low: t.Score.Low, High: t.Score.High}), "", "", "", ""}
		if t.Reference != nil {
			row[4] = figure.Percent(t.Reference.Value)
		}
		if f := t.Flips; f != nil {
			row[5], row[6], row[7] = fmt.Sprint(f.RightToWrong), fmt.Sprint(f.WrongToRight), md(pValue(f.P))
		}
		m.Row(row...)
	}
	m.unfold()
}

func (m *markdown) latency() {
	c := focus(m.r)
	if c == nil || c.Latency == nil {
		return
	}
	m.fold("Speed and memory of " + c.Name)
	m.Table("lrrrrr", "test", "tokens/s", "min – max", "p50", "p95", "p99")
	for _, t := range c.Latency.Tests {
		q := t.InterToken
		if q == nil {
			q = t.FirstToken
		}
		row := []string{md(t.Name), figure.Rate(t.TokensPerSecond.Median), figure.Rate(t.TokensPerSecond.Min) + " – " + figure.Rate(t.TokensPerSecond.Max), "", "", ""}
		if q != nil {
			row[3], row[4], row[5] = duration(q.P50), duration(q.P95), duration(q.P99)
		}
		m.Row(row...)
	}
	m.Linef("\n%s", latencyNote(c))
	m.unfold()
}

func (m *markdown) comparisons() {
	yes, no := differences(m.r)
	if len(yes)+len(no) == 0 {
		return
	}
	m.fold(fmt.Sprintf("%d of %d comparisons are significant (5 %%, Holm)", len(yes), len(yes)+len(no)))
	m.Table("lllrrr", "", "", "figure", "difference", "95 % interval", "p, adjusted")
	for i := range m.r.Comparisons {
		if i == 200 {
			m.Row(fmt.Sprintf("and %d more", len(m.r.Comparisons)-i), "", "", "", "", "")
			break
		}
		c := &m.r.Comparisons[i]
		a, b := md(c.A), md(c.B)
		switch c.Better {
		case "a":
			a = "**" + a + "**"
		case "b":
			b = "**" + b + "**"
		}
		m.Row(a, b, md(c.Metric), showRelative(c.Relative), showRelativeInterval(c.CI), md(pValue(c.PAdjusted)))
	}
	m.Linef("\nThe better one is bold; neither where the difference is not significant.")
	m.unfold()
}

func (m *markdown) tensors() {
	c := focus(m.r)
	if c == nil || len(c.Tensors) == 0 {
		return
	}
	rows := tensorGroups(c.Tensors)
	m.fold(fmt.Sprintf("%s of %s", count(len(c.Tensors), "tensor"), c.Name))
	m.Table("llrr", "tensor", "type", "size", "relative error")
	for i, g := range rows {
		if m.Len() > maxMarkdown-1000 {
			m.Linef("\nand %d rows more", len(rows)-i)
			break
		}
		m.Row(md(g.Name), md(g.Type), display.Bytes(g.Bytes), g.Error())
	}
	m.unfold()
}
