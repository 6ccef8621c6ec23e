package page

import (
	"fmt"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
)

// detail is what the page has about one candidate.
type detail struct {
	*report.Candidate
	ID          string
	Open        bool
	Control     bool
	About       string
	Scored      string
	Figures     []figureRow
	SliceRows   []sliceRow
	Charts      []*chart
	Wide        *heat
	Narrow      *heat
	Groups      []*tensorGroup
	Cut         int // tensors that the list leaves out
	LatencyRows []latencyRow
}

type figureRow struct{ Title, Value, Interval string }

type sliceRow struct {
	Name, Tokens, Value, Interval, SameTop, Perplexity string
	Worst                                              bool
	Track                                              *track
}

type latencyRow struct {
	Name, Rate, Range string
	P50, P95, P99     string
}

// maxListed is how many tensors the page lists one by one, of each candidate.
const maxListed = 3000

func newDetail(r *report.Report, c *report.Candidate) *detail {
	d := &detail{Candidate: c, ID: idOf(r, c), Open: c == focus(r), Control: c.Role == report.Control, About: about(&c.Model), Scored: scored(r, c)}
	if c.Metrics != nil {
		for _, f := range figure.Of(c.Metrics) {
			v, ci := valueOf(f, c.Metrics)
			d.Figures = append(d.Figures, figureRow{f.Title, show(f.Name, v), showInterval(f.Name, ci)})
		}
	}
	d.slices()
	if h := histogram(c, d.ID+"-histogram"); h != nil {
		d.Charts = append(d.Charts, h)
	}
	d.Charts = append(d.Charts, runningCharts(c, d.ID+"-running")...)
	d.Wide, d.Narrow = heatOf(c, d.ID+"-heat", wide), heatOf(c, d.ID+"-heat", narrow)
	d.Groups = tensorGroups(c.Tensors)
	d.Cut = max(0, len(c.Tensors)-maxListed)
	if c.Latency != nil {
		for _, t := range c.Latency.Tests {
			row := latencyRow{Name: clean(t.Name), Rate: figure.Rate(t.TokensPerSecond.Median), Range: figure.Rate(t.TokensPerSecond.Min) + " – " + figure.Rate(t.TokensPerSecond.Max)}
			q := t.InterToken
			if q == nil {
				q = t.FirstToken
			}
			if q != nil {
				row.P50, row.P95, row.P99 = duration(q.P50), duration(q.P95), duration(q.P99)
			}
			d.LatencyRows = append(d.LatencyRows, row)
		}
	}
	return d
}

// Listed are the tensors that are listed one by one.
func (d *detail) Listed() []report.Tensor { return d.Tensors[:len(d.Tensors)-d.Cut] }

func (d *detail) slices() {
	most := 0.0
	for _, s := range d.Slices {
		if c := s.Metrics.Comparison; c != nil {
			most = max(most, c.Divergence.Mean)
			if c.Divergence.CI != nil {
				most = max(most, c.Divergence.CI.High)
			}
		} else {
			most = max(most, s.Metrics.Perplexity.Value)
		}
	}
	for _, s := range d.Slices {
		m := s.Metrics
		row := sliceRow{Name: clean(s.Name), Tokens: fmt.Sprint(m.Perplexity.Tokens), Perplexity: show("ppl", m.Perplexity.Value), Worst: s.Name == d.WorstSlice}
		v, ci := m.Perplexity.Value, m.Perplexity.CI
		row.Value, row.Interval = row.Perplexity, showInterval("ppl", ci)
		if m.Comparison != nil {
			v, ci = m.Divergence.Mean, m.Divergence.CI
			row.Value, row.Interval, row.SameTop = figure.Nats(v), showInterval("kld.mean", ci), figure.Percent(m.SameTop.Value)
		}
		var ends [2]float64
		if ci != nil {
			ends = [2]float64{ci.Low, ci.High}
		}
		row.Track = barTrack(v, ends, most)
		d.SliceRows = append(d.SliceRows, row)
	}
}
