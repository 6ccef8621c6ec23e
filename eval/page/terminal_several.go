package page

import (
	"fmt"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/table"
)

func (t *terminal) several() {
	r := t.r
	if ref := r.Reference; ref != nil {
		fmt.Fprintf(t.w, "against %s  %s\n", t.paint(clean(ref.Name), table.Bold), about(ref))
	}
	for i := range r.Candidates {
		if c := &r.Candidates[i]; c.Metrics != nil {
			fmt.Fprintln(t.w, scored(r, c))
			break
		}
	}
	fmt.Fprintln(t.w)
	paired := some(r, (*report.Candidate).Paired)
	most := 0.0
	for i := range r.Candidates {
		if c := &r.Candidates[i]; c.Paired() {
			most = max(most, c.Metrics.Divergence.Mean)
		}
	}
	effective := some(r, func(c *report.Candidate) bool { return c.EffectiveBits != nil })
	speed := some(r, func(c *report.Candidate) bool { return decoding(c.Latency) != nil })
	head := []any{"", "candidate", "size", "bits/w"}
	align := "llrr"
	column := func(a string, titles ...any) { align += a; head = append(head, titles...) }
	if effective {
		column("r", "effective")
	}
	if paired {
		column("rrlrrr", "KLD", "95 % interval", "", "99 %", "same top", "ppl ratio")
	} else {
		for _, title := range likelihoodTitles(r) {
			column("r", title)
		}
	}
	if speed {
		column("r", "tok/s")
	}
	g := t.grid(align)
	for i, h := range head {
		head[i] = styled(fmt.Sprint(h), table.Dim)
	}
	g.Row(head...)
	for _, c := range bySize(r) {
		mark, style := table.Cell{}, ""
		if c.Pareto {
			mark = styled("*", table.Green)
		}
		name := clean(c.Name)
		if c.Role == report.Control {
			name, style = name+" (control)", table.Dim
		}
		row := []any{mark, styled(name, style), sizeText(&c.Model), bitsText(&c.Model)}
		if effective {
			row = append(row, effectiveBits(c))
		}
		switch {
		case c.Failure != "":
			row = append(row, styled("failed", table.Red))
		case c.Metrics == nil:
		case paired && c.Paired():
			m := c.Metrics
			row = append(row, figure.Nats(m.Divergence.Mean), showInterval("kld.mean", m.Divergence.CI), styled(bar(m.Divergence.Mean, most, 10), table.Dim),
				figure.Nats(m.Divergence.P99), figure.Percent(m.SameTop.Value), show("ppl.ratio", m.Ratio.Value))
		case !paired:
			for _, cell := range likelihoodCells(r, c.Metrics) {
				row = append(row, cell)
			}
		}
		if d := decoding(c.Latency); d != nil {
			for len(row) < len(align)-1 {
				row = append(row, "")
			}
			row = append(row, figure.Rate(d.TokensPerSecond.Median))
		}
		g.Row(row...)
	}
	g.Print(t.w)
	if some(r, func(c *report.Candidate) bool { return c.Pareto }) {
		fmt.Fprintln(t.w, t.paint("* "+frontText(r), table.Dim))
	}
	for i := range r.Candidates {
		if c := &r.Candidates[i]; c.Failure != "" {
			fmt.Fprintf(t.w, "%s %s: %s\n", t.paint("failed", table.Red), clean(c.Name), why(c))
		}
	}
}

func effectiveBits(c *report.Candidate) string {
	if c.EffectiveBits == nil {
		return ""
	}
	return fmt.Sprintf("%.2f", *c.EffectiveBits)
}

// comparisons says for each figure how many pairs differ. Of the first figure, or when there are few, it lists them:
// those that differ, or when most do, those that do not.
func (t *terminal) comparisons() {
	for i, f := range comparedFigures(t.r) {
		if i == 0 {
			fmt.Fprintln(t.w)
		}
		yes, no := f.differ, f.others
		fmt.Fprintf(t.w, "%s: %d of %d pairs differ significantly (5 %%, Holm)", clean(f.metric), len(yes), len(yes)+len(no))
		list := yes
		if len(yes) > 3 {
			list = no
			if len(no) > 0 && i == 0 {
				fmt.Fprint(t.w, ", all but these:")
			}
		}
		fmt.Fprintln(t.w)
		if i > 0 && len(yes)+len(no) > 3 {
			continue
		}
		for k, c := range list {
			if k == 10 {
				fmt.Fprintf(t.w, "  and %d more\n", len(list)-k)
				break
			}
			fmt.Fprintln(t.w, "  "+sentence(c))
		}
	}
}
