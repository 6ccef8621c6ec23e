package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/carat-llm/carat/eval"
)

// Terminal prints what a person wants to see after a run: one candidate in detail or several in a table, then what
// differs, the gate and the findings. The caller decides on colours (NO_COLOR, no terminal).
func Terminal(w io.Writer, r *Report, color bool) error {
	var b strings.Builder
	t := terminal{&b, r, color}
	if !r.Complete {
		fmt.Fprintln(&b, t.paint("interrupted: the figures are of the chunks that were done", yellow))
	}
	switch len(r.Candidates) {
	case 0:
		fmt.Fprintln(&b, "no candidates")
	case 1:
		t.one(&r.Candidates[0])
	default:
		t.several()
		t.comparisons()
		if c := r.focus(); r.Gate != nil && len(c.Slices) > 0 {
			fmt.Fprintf(&b, "\n%s by slice\n", clean(c.Name))
			t.slices(c)
		}
	}
	t.findings()
	t.gate()
	_, err := io.WriteString(w, b.String())
	return err
}

type terminal struct {
	w     *strings.Builder
	r     *Report
	color bool
}

func (t *terminal) paint(s, style string) string { return paint(s, style, t.color) }

func (t *terminal) grid(align string) *grid { return &grid{align: align, color: t.color} }

func (t *terminal) one(c *Candidate) {
	fmt.Fprintf(t.w, "%s  %s\n", t.paint(clean(c.Name), bold), c.about())
	if c.Failure != "" {
		fmt.Fprintf(t.w, "%s: %s\n", t.paint("could not be measured", red), clean(c.Failure))
	}
	if c.Metrics != nil {
		if ref := t.r.Reference; ref != nil {
			fmt.Fprintf(t.w, "against %s  %s\n", clean(ref.Name), ref.about())
		}
		fmt.Fprintln(t.w, t.r.scored(c))
		fmt.Fprintln(t.w)
		t.metrics(c.Metrics)
		if len(c.Slices) > 0 {
			fmt.Fprintln(t.w)
			t.slices(c)
		}
	}
	t.tasks(c)
	t.latency(c)
}

// metrics lists all figures. The standard error is llama-perplexity's, of tokens taken as independent; the interval
// is over chunks.
func (t *terminal) metrics(m *eval.Metrics) {
	g := t.grid("lrrr")
	g.row("", styled{"value", dim}, styled{"95 % interval", dim}, styled{"std error", dim})
	for _, f := range figuresOf(m) {
		v, ci := f.of(m)
		g.row(f.title, show(f.name, v), showInterval(f.name, ci), stdErr(f.name, m))
	}
	g.print(t.w)
	if m.Comparison != nil && m.Divergence.Bound > 0 {
		fmt.Fprintf(t.w, "the reference holds its likeliest tokens only: the mean divergence may be up to %s higher\n", nats(m.Divergence.Bound))
	}
	if line := sparkline(m.Perplexity.Chunks, 40); line != "" {
		fmt.Fprintf(t.w, "running perplexity %s\n", line)
	}
}

func stdErr(name string, m *eval.Metrics) string {
	v := 0.0
	switch name {
	case "ppl":
		v = m.Perplexity.StdErr
	case "bits_per_byte":
		v = m.BitsPerByte.StdErr
	case "ppl.reference":
		v = m.Reference.StdErr
	case "ppl.ratio":
		v = m.Ratio.StdErr
	case "kld.mean":
		v = m.Divergence.StdErr
	case "same_top":
		v = m.SameTop.StdErr
	case "delta_p.rms":
		v = m.DeltaP.StdErr
	case "delta_p.mean":
		v = m.MeanDeltaP.StdErr
	}
	if v == 0 {
		return ""
	}
	return show(name, v)
}

func (t *terminal) slices(c *Candidate) {
	g := t.grid("lrrrrrll")
	if !c.paired() {
		g.align = "lrrrl"
		g.row(styled{"slice", dim}, styled{"tokens", dim}, styled{"perplexity", dim}, styled{"95 % interval", dim}, "")
		for _, s := range c.Slices {
			p := s.Metrics.Perplexity
			g.row(clean(s.Name), p.Tokens, show("ppl", p.Value), showInterval("ppl", p.CI), t.worst(c, s.Name))
		}
		g.print(t.w)
		return
	}
	most := 0.0
	for _, s := range c.Slices {
		if s.Metrics.Comparison != nil {
			most = max(most, s.Metrics.Divergence.Mean)
		}
	}
	g.row(styled{"slice", dim}, styled{"tokens", dim}, styled{"perplexity", dim}, styled{"same top", dim}, styled{"KLD", dim}, styled{"95 % interval", dim}, "", "")
	for _, s := range c.Slices {
		m := s.Metrics
		if m.Comparison == nil {
			continue
		}
		d := m.Divergence
		g.row(clean(s.Name), m.Perplexity.Tokens, show("ppl", m.Perplexity.Value), percent(m.SameTop.Value), nats(d.Mean), showInterval("kld.mean", d.CI),
			styled{bar(d.Mean, most, 12), dim}, t.worst(c, s.Name))
	}
	g.print(t.w)
}

func (t *terminal) worst(c *Candidate, slice string) styled {
	if slice == c.WorstSlice {
		return styled{"worst", yellow}
	}
	return styled{}
}

func (t *terminal) tasks(c *Candidate) {
	if len(c.Tasks) == 0 {
		return
	}
	fmt.Fprintln(t.w)
	g := t.grid("lrrrrl")
	g.row(styled{"task", dim}, styled{"items", dim}, styled{"accuracy", dim}, styled{"95 % interval", dim}, styled{"reference", dim}, styled{"flips", dim})
	for _, x := range c.Tasks {
		ref, flips := "", ""
		if x.Reference != nil {
			ref = percent(x.Reference.Value)
		}
		if f := x.Flips; f != nil {
			flips = fmt.Sprintf("%d lost, %d won, p %s", f.RightToWrong, f.WrongToRight, pValue(f.P))
		}
		g.row(clean(x.Task), x.Items, percent(x.Score.Value), showInterval("task", &eval.Interval{Low: x.Score.Low, High: x.Score.High}), ref, flips)
	}
	g.print(t.w)
}

func (t *terminal) latency(c *Candidate) {
	l := c.Latency
	if l == nil {
		return
	}
	fmt.Fprintln(t.w)
	g := t.grid("lrrrrr")
	g.row(styled{"speed", dim}, styled{"tokens/s", dim}, styled{"min – max", dim}, styled{"p50", dim}, styled{"p95", dim}, styled{"p99", dim})
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
		g.row(clean(x.Name), rate(s.Median), rate(s.Min)+" – "+rate(s.Max), p50, p95, p99)
	}
	g.print(t.w)
	fmt.Fprintln(t.w, latencyNote(c))
}

// latencyNote is "2 threads, peak memory 142.3 MB, loaded in 80.0 ms warm, 0.62 J/token, noise 1.7 %".
func latencyNote(c *Candidate) string {
	l := c.Latency
	s := []string{count(l.Threads, "thread")}
	if l.PeakMemory > 0 {
		s = append(s, "peak memory "+size(float64(l.PeakMemory)))
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

func (t *terminal) several() {
	r := t.r
	if ref := r.Reference; ref != nil {
		fmt.Fprintf(t.w, "against %s  %s\n", t.paint(clean(ref.Name), bold), ref.about())
	}
	for i := range r.Candidates {
		if c := &r.Candidates[i]; c.Metrics != nil {
			fmt.Fprintln(t.w, r.scored(c))
			break
		}
	}
	fmt.Fprintln(t.w)
	paired := r.any((*Candidate).paired)
	most := 0.0
	for i := range r.Candidates {
		if c := &r.Candidates[i]; c.paired() {
			most = max(most, c.Metrics.Divergence.Mean)
		}
	}
	effective := r.any(func(c *Candidate) bool { return c.EffectiveBits != nil })
	speed := r.any(func(c *Candidate) bool { return decoding(c.Latency) != nil })
	head := []any{"", "candidate", "size", "bits/w"}
	align := "llrr"
	column := func(a string, titles ...any) { align += a; head = append(head, titles...) }
	if effective {
		column("r", "effective")
	}
	if paired {
		column("rrlrrr", "KLD", "95 % interval", "", "99 %", "same top", "ppl ratio")
	} else {
		column("rrr", "perplexity", "95 % interval", "bits/byte")
	}
	if speed {
		column("r", "tok/s")
	}
	g := t.grid(align)
	for i, h := range head {
		head[i] = styled{fmt.Sprint(h), dim}
	}
	g.row(head...)
	for i := range r.Candidates {
		c := &r.Candidates[i]
		mark, style := styled{}, ""
		if c.Pareto {
			mark = styled{"*", green}
		}
		name := clean(c.Name)
		if c.Role == Control {
			name, style = name+" (control)", dim
		}
		row := []any{mark, styled{name, style}, size(float64(c.Bytes)), fmt.Sprintf("%.3f", c.BitsPerWeight)}
		if effective {
			row = append(row, effectiveBits(c))
		}
		switch {
		case c.Failure != "":
			row = append(row, styled{"failed", red})
		case c.Metrics == nil:
		case paired && c.paired():
			m := c.Metrics
			row = append(row, nats(m.Divergence.Mean), showInterval("kld.mean", m.Divergence.CI), styled{bar(m.Divergence.Mean, most, 10), dim},
				nats(m.Divergence.P99), percent(m.SameTop.Value), show("ppl.ratio", m.Ratio.Value))
		case !paired:
			m := c.Metrics
			row = append(row, show("ppl", m.Perplexity.Value), showInterval("ppl", m.Perplexity.CI), show("bits_per_byte", m.BitsPerByte.Value))
		}
		if d := decoding(c.Latency); d != nil {
			for len(row) < len(align)-1 {
				row = append(row, "")
			}
			row = append(row, rate(d.TokensPerSecond.Median))
		}
		g.row(row...)
	}
	g.print(t.w)
	if r.any(func(c *Candidate) bool { return c.Pareto }) {
		fmt.Fprintln(t.w, t.paint("* no other is both smaller and nearer to the reference", dim))
	}
	for i := range r.Candidates {
		if c := &r.Candidates[i]; c.Failure != "" {
			fmt.Fprintf(t.w, "%s %s: %s\n", t.paint("failed", red), clean(c.Name), clean(c.Failure))
		}
	}
}

func effectiveBits(c *Candidate) string {
	if c.EffectiveBits == nil {
		return ""
	}
	return fmt.Sprintf("%.2f", *c.EffectiveBits)
}

// comparisons says for each figure how many pairs differ. Of the first figure, or when there are few, it lists them:
// those that differ, or when most do, those that do not.
func (t *terminal) comparisons() {
	for i, f := range t.r.comparedFigures() {
		if i == 0 {
			fmt.Fprintln(t.w)
		}
		yes, no := f.differ, f.others
		fmt.Fprintf(t.w, "%s: %d of %d pairs differ significantly (5 %%, Holm)", f.metric, len(yes), len(yes)+len(no))
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
			fmt.Fprintln(t.w, "  "+c.sentence())
		}
	}
}

func (t *terminal) findings() {
	if len(t.r.Findings) == 0 {
		return
	}
	fmt.Fprintln(t.w)
	for _, f := range t.r.Findings {
		style := yellow
		if f.Level == Error {
			style = red
		}
		fmt.Fprintf(t.w, "%s %s: %s: %s\n", t.paint(f.Level, style), clean(f.Model), clean(f.Rule), findingText(&f))
	}
}

// findingText is the message with the tensor or key it is about.
func findingText(f *Finding) string {
	s := clean(f.Message)
	if at := f.Tensor + f.Key; at != "" {
		s = clean(at) + ": " + s
	}
	return s
}

func (t *terminal) gate() {
	x := t.r.Gate
	if x == nil {
		return
	}
	fmt.Fprintln(t.w)
	g := t.grid("llrrrl")
	g.row(styled{"gate", dim}, styled{"metric", dim}, styled{"value", dim}, styled{"limit", dim}, styled{"confidence limit", dim}, styled{"verdict", dim})
	for i := range x.Gates {
		k := &x.Gates[i]
		g.row(clean(k.ID), k.what(), k.value(), k.limit(), k.bound(), styled{k.verdict(), verdictStyle(k)})
	}
	g.print(t.w)
	for i := range x.Gates {
		if k := &x.Gates[i]; k.Verdict != Pass && k.Message != "" {
			fmt.Fprintf(t.w, "  %s: %s\n", clean(k.ID), clean(k.Message))
		}
	}
	for _, v := range x.Waivers {
		note := ""
		if v.Expired {
			note = " (expired)"
		}
		fmt.Fprintf(t.w, "  %s is waived until %s%s: %s\n", clean(v.Gate), clean(v.Until), note, clean(v.Reason))
	}
	style := map[string]string{Pass: green, Fail: red}[x.Verdict]
	if style == "" {
		style = yellow
	}
	fmt.Fprintf(t.w, "\n%s  %s by %s: %s\n", t.paint(strings.ToUpper(x.Verdict), bold+";"+style), clean(x.Candidate), clean(x.Policy), x.outcome())
	fmt.Fprintln(t.w, t.paint(x.effort(), dim))
}

func verdictStyle(x *Result) string {
	switch {
	case x.Verdict == Pass:
		return green
	case x.Verdict == Fail && x.decides():
		return red
	}
	return yellow
}
