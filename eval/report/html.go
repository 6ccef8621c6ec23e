package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"math"

	"github.com/carat-llm/carat/eval"
)

// The page works without scripts and without network: styles and pictures are inside, hovering shows what <title>
// elements hold, and what is long is in <details>.

//go:embed page
var pageFiles embed.FS

var pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{
	"c": clean, "size": func(n int64) string { return size(float64(n)) }, "percent": percent, "nats": nats, "rate": rate,
	"dur": duration, "p": pValue, "rel": showRelative, "relci": showRelativeInterval, "show": show, "ci": showInterval,
	"add":    func(a, b float64) float64 { return tenth(a + b) },
	"middle": func(a, b float64) float64 { return tenth((a + b) / 2) },
	"count":  count, "icon": pageIcon, "shape": shapeText, "err": errorText, "note": latencyNote, "finding": findingText,
	"level": func(v float64) string { return fmt.Sprintf("%.4g %%", 100*v) }, "short": shortInterval,
	"bits": func(v float64) string { return fmt.Sprintf("%.3f", v) },
}).ParseFS(pageFiles, "page/*.tmpl"))

func mustRead(name string) template.CSS {
	b, err := pageFiles.ReadFile("page/" + name)
	if err != nil {
		panic(err)
	}
	return template.CSS(b) //nolint:gosec // our own file
}

var pageCSS, chartsCSS = mustRead("page.css"), mustRead("charts.css")

// HTML writes the report as one self-contained page.
func HTML(w io.Writer, r *Report) error {
	var b bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&b, "page.tmpl", newPage(r)); err != nil {
		return err
	}
	// No line ends between a number and its per cent sign.
	_, err := w.Write(bytes.ReplaceAll(b.Bytes(), []byte(" %"), []byte("\u00a0%")))
	return err
}

// SVG writes the plot of size against quality as a picture of its own. Without figures the picture says so.
func SVG(w io.Writer, r *Report) error {
	p := sizePlot(r, wide)
	if len(p.Points) == 0 {
		p.Desc = "No candidate has both size and figures."
	}
	var b bytes.Buffer
	err := pageTemplates.ExecuteTemplate(&b, "svg.tmpl", struct {
		*plot
		CSS template.CSS
	}{p, chartsCSS})
	if err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// page is what the template shows.
type page struct {
	R          *Report
	CSS        template.CSS
	Focus      *Candidate
	Title      string
	Scored     string
	Cards      []card
	Outcome    string
	Effort     string
	Gates      []gateRow
	Plots      []plotSet
	Paired     bool
	Effective  bool
	Speed      bool
	Most       float64 // the largest divergence, which fills its bar
	Rows       []candidateRow
	Yes, No    int // comparisons that are significant, and not
	Details    []*detail
	Compared   []comparisonRow
	HasControl bool
}

type card struct{ Title, Value, Sub string }

type plotSet struct {
	Title, Note  string
	Wide, Narrow *plot
}

func newPage(r *Report) *page {
	p := &page{R: r, CSS: pageCSS + "\n" + chartsCSS, Focus: r.focus(), Title: "carat " + clean(r.Command)}
	p.Paired = r.any((*Candidate).paired)
	p.Effective = r.any(func(c *Candidate) bool { return c.EffectiveBits != nil })
	p.Speed = r.any(func(c *Candidate) bool { return decoding(c.Latency) != nil })
	p.HasControl = r.any(func(c *Candidate) bool { return c.Role == Control })
	if p.Focus != nil {
		p.Title = clean(p.Focus.Name)
		if t := clean(p.Focus.Title); t != "" && len(r.Candidates) > 1 && r.Gate == nil {
			p.Title = t
		}
		p.Cards = cards(p.Focus, p.Paired)
		p.Scored = r.scored(p.Focus)
	}
	if g := r.Gate; g != nil {
		p.Outcome, p.Effort = g.outcome(), g.effort()
		for i := range g.Gates {
			p.Gates = append(p.Gates, newGateRow(&g.Gates[i]))
		}
	}
	if w := sizePlot(r, wide); len(w.Points) > 1 {
		p.Plots = append(p.Plots, plotSet{"Quality against size", "", w, sizePlot(r, narrow)})
	}
	if w := speedPlot(r, wide); len(w.Points) > 1 {
		p.Plots = append(p.Plots, plotSet{"Quality against speed", "", w, speedPlot(r, narrow)})
	}
	p.candidates()
	for i := range r.Comparisons {
		c := &r.Comparisons[i]
		p.Compared = append(p.Compared, comparisonRow{c, c.Better == "a", c.Better == "b"})
	}
	yes, no := r.differences()
	p.Yes, p.No = len(yes), len(no)
	for i := range r.Candidates {
		p.Details = append(p.Details, newDetail(r, i))
	}
	return p
}

type comparisonRow struct {
	*Comparison
	ABetter, BBetter bool
}

func cards(c *Candidate, paired bool) []card {
	var out []card
	add := func(title, value, sub string) { out = append(out, card{title, value, sub}) }
	if m := c.Metrics; m != nil && m.Comparison != nil {
		d := m.Divergence
		sub := shortInterval(d.CI)
		if sub == "" {
			sub = "nats"
		}
		add("KL divergence", significant(d.Mean), sub)
		for _, s := range c.Slices {
			if s.Name == c.WorstSlice && s.Metrics.Comparison != nil {
				add("Worst slice", significant(s.Metrics.Divergence.Mean), clean(s.Name))
			}
		}
		add("99th percentile", significant(d.P99), shortInterval(d.P99CI))
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
		add("Size", size(float64(c.Bytes)), sub)
	}
	if d := decoding(c.Latency); d != nil {
		sub := "tokens/s"
		if d.InterToken != nil {
			sub += ", 95 % within " + duration(d.InterToken.P95)
		}
		add("Decoding", rate(d.TokensPerSecond.Median), sub)
	}
	return out
}

// shortInterval has three significant digits, for narrow places.
func shortInterval(ci *eval.Interval) string {
	if ci == nil {
		return ""
	}
	return significant(ci.Low) + " – " + significant(ci.High)
}

func shortPercent(ci *eval.Interval) string {
	if ci == nil {
		return ""
	}
	return fmt.Sprintf("%.1f – %.1f %%", 100*ci.Low, 100*ci.High)
}

// track is a bar in per cent of its width: what is acceptable, the interval, the value and the limit.
type track struct {
	OK, OKWidth       float64
	Low, Width        float64
	Interval          bool
	Dot, Limit        float64
	Fill              float64
	Value             string
	LimitAt, HasLimit bool
}

type gateRow struct {
	*Result
	Class, Word                            string
	What, Shown, Between, Bound, Threshold string
	OtherShown                             string
	Track                                  *track
}

func newGateRow(x *Result) gateRow {
	g := gateRow{Result: x, Class: x.Verdict, Word: x.verdict(), What: x.what(), Shown: x.value(), Between: x.interval(), Bound: x.bound(), Threshold: x.limit()}
	if !x.decides() && (x.Verdict == Fail || x.Verdict == Inconclusive) {
		g.Class = "warned"
	}
	if x.Other != nil {
		g.OtherShown = show(x.Metric, *x.Other)
	}
	g.Track = gateTrack(x)
	return g
}

// gateTrack shows where value and interval are from the limit; nil for what was not measured.
func gateTrack(x *Result) *track {
	if x.Verdict == Skipped {
		return nil
	}
	low, high := x.Value, x.Value
	if x.Lower != nil && x.Upper != nil {
		low, high = min(low, *x.Lower), max(high, *x.Upper)
	}
	from, to := min(low, x.Limit), max(high, x.Limit)
	pad := 0.25 * (to - from)
	if pad == 0 {
		pad = math.Max(math.Abs(to)*0.1, 1e-9)
	}
	s := scale{from - pad, to + pad, 0, 100, false}
	t := &track{Low: s.at(low), Interval: high > low, Dot: s.at(x.Value), Limit: s.at(x.Limit)}
	t.Width = tenth(s.at(high) - t.Low)
	t.OKWidth = t.Limit
	if x.Op == ">=" {
		t.OK, t.OKWidth = t.Limit, tenth(100-t.Limit)
	}
	return t
}

type candidateRow struct {
	*Candidate
	ID      string
	Focus   bool
	Track   *track
	Speed   string
	Control bool
}

func (p *page) candidates() {
	for i := range p.R.Candidates {
		if c := &p.R.Candidates[i]; c.paired() {
			p.Most = max(p.Most, c.Metrics.Divergence.Mean)
			if ci := c.Metrics.Divergence.CI; ci != nil {
				p.Most = max(p.Most, ci.High)
			}
		}
	}
	for i := range p.R.Candidates {
		c := &p.R.Candidates[i]
		row := candidateRow{Candidate: c, ID: fmt.Sprintf("c%d", i), Focus: c == p.Focus, Control: c.Role == Control}
		if c.paired() {
			row.Track = barTrack(c.Metrics.Divergence.Mean, intervalOf(c), p.Most)
		}
		if d := decoding(c.Latency); d != nil {
			row.Speed = rate(d.TokensPerSecond.Median)
		}
		p.Rows = append(p.Rows, row)
	}
}

func intervalOf(c *Candidate) (ci [2]float64) {
	if i := c.Metrics.Divergence.CI; i != nil {
		return [2]float64{i.Low, i.High}
	}
	return ci
}

// barTrack is a bar from zero with an interval on it.
func barTrack(v float64, ci [2]float64, most float64) *track {
	s := scale{0, most * 1.02, 0, 100, false}
	t := &track{Fill: s.at(v), Low: s.at(ci[0]), Interval: ci[1] > ci[0]}
	t.Width = tenth(s.at(ci[1]) - t.Low)
	return t
}

func pageIcon(class string) string {
	switch class {
	case Pass:
		return "✓"
	case Fail, Error:
		return "✗"
	case Inconclusive:
		return "?"
	case Skipped:
		return "–"
	}
	return "!"
}

func shapeText(shape []int64) string {
	s := ""
	for i, d := range shape {
		if i > 0 {
			s += " × "
		}
		s += fmt.Sprint(d)
	}
	return s
}

func errorText(e *float64) string {
	switch {
	case e == nil:
		return ""
	case *e == 0:
		return "exact"
	}
	return fmt.Sprintf("%.4f", *e)
}
