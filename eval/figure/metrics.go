package figure

import (
	"math"

	"github.com/carat-llm/carat/eval/stats"
)

// Level is the confidence of the intervals in Metrics.
const Level = 0.95

// Metrics are the figures of a series or of one slice of it. What compares with a reference is nil without one.
type Metrics struct {
	Perplexity  Perplexity `json:"perplexity"`
	BitsPerByte Estimate   `json:"bits_per_byte"`
	*Comparison
}

// Comparison is what a candidate's predictions are against a reference's on the same text.
type Comparison struct {
	Reference Perplexity `json:"reference_perplexity"`
	// Ratio is Perplexity/Reference; its error takes their correlation into account.
	Ratio      Estimate   `json:"perplexity_ratio"`
	Divergence Divergence `json:"kld"`
	// SameTop is the share of positions where both find the same token likeliest, 0 to 1.
	SameTop Estimate `json:"same_top"`
	// TopFive is the share of the five likeliest tokens that both have in common.
	TopFive Estimate `json:"top5_overlap"`
	// DeltaP is the root mean square of the change in the next token's probability, MeanDeltaP its mean.
	DeltaP     Estimate `json:"rms_delta_p"`
	MeanDeltaP Estimate `json:"mean_delta_p"`
	// Correlation of the two log-likelihoods.
	Correlation float64 `json:"correlation"`
}

// Interval is a two-sided confidence interval.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Estimate is a figure with its errors.
type Estimate struct {
	Value float64 `json:"value"`
	// StdErr takes tokens as independent, as llama-perplexity does; 0 where that makes no sense.
	StdErr float64 `json:"stderr"`
	// ClusteredStdErr takes chunks as independent instead, which is the honest figure; 0 with a single chunk.
	ClusteredStdErr float64 `json:"clustered_stderr"`
	// CI is the interval of 95 % confidence over chunks; nil with a single chunk.
	CI *Interval `json:"ci95,omitempty"`
}

// Perplexity is exp of the mean negative log-likelihood of the scored tokens.
type Perplexity struct {
	Estimate
	Tokens int `json:"tokens"`
	// Chunks holds the running value after each chunk.
	Chunks []float64 `json:"chunks"`
}

// Divergence summarises KL(reference || candidate) in nats over the scored positions.
type Divergence struct {
	Mean float64 `json:"mean"`
	// StdErr takes tokens as independent, as llama-perplexity does.
	StdErr float64 `json:"stderr"`
	// ClusteredStdErr takes chunks as independent instead, as the interval does; 0 with a single chunk.
	ClusteredStdErr float64   `json:"clustered_stderr"`
	CI              *Interval `json:"ci95,omitempty"`
	Median          float64   `json:"median"`
	P90             float64   `json:"p90"`
	P95             float64   `json:"p95"`
	P99             float64   `json:"p99"`
	P999            float64   `json:"p99_9"`
	Max             float64   `json:"max"`
	Min             float64   `json:"min"`
	P95CI           *Interval `json:"p95_ci95,omitempty"`
	P99CI           *Interval `json:"p99_ci95,omitempty"`
	P999CI          *Interval `json:"p99_9_ci95,omitempty"`
	// Bound is the most that the mean may be above what is stated, where the reference was read from a file that
	// holds only its likeliest tokens; 0 for exact figures.
	Bound float64 `json:"bound,omitempty"`
}

// interval is l's, or nil where it has none.
func interval(l stats.Limits) *Interval {
	low, high := stats.Interval(l, Level)
	if math.IsInf(low, 0) || math.IsInf(high, 0) || math.IsNaN(low) || math.IsNaN(high) {
		return nil
	}
	return &Interval{low, high}
}

// total adds up chunks, in order.
func total(c []ChunkStats) (t ChunkStats) {
	for _, x := range c {
		t.Tokens += x.Tokens
		t.Bytes += x.Bytes
		t.NLL += x.NLL
		t.NLL2 += x.NLL2
		t.RefNLL += x.RefNLL
		t.RefNLL2 += x.RefNLL2
		t.Cross += x.Cross
		t.KLD += x.KLD
		t.KLD2 += x.KLD2
		t.SameTop += x.SameTop
		t.Top5 += x.Top5
		t.DeltaP += x.DeltaP
		t.DeltaP2 += x.DeltaP2
		t.DeltaP4 += x.DeltaP4
		t.KLDBound += x.KLDBound
	}
	return t
}

// iid is the standard error of a mean of n values taken as independent: sqrt((E[x²]-E[x]²)/(n-1)).
func iid(sum, squares float64, n int) float64 {
	if n < 2 {
		return 0
	}
	mean := sum / float64(n)
	return math.Sqrt(math.Max(0, squares/float64(n)-mean*mean) / float64(n-1))
}

// Metrics computes the figures of a slice, or of All. There must be at least one chunk.
func (s *Series) Metrics(slice int) *Metrics {
	c := s.of(slice)
	t := total(c)
	m := &Metrics{
		Perplexity:  perplexityOf(c, t.NLL, t.NLL2, nll),
		BitsPerByte: s.estimate("bits_per_byte", slice, iid(t.NLL, t.NLL2, t.Tokens)*float64(t.Tokens)/(float64(max(t.Bytes, 1))*math.Ln2)),
	}
	if !s.Paired {
		return m
	}
	n := t.Tokens
	share := func(k, of float64) float64 { p := k / of; return math.Sqrt(p * (1 - p) / math.Max(1, of-1)) }
	rms := math.Sqrt(t.DeltaP2 / float64(n))
	rmsErr := 0.0
	if rms > 0 {
		rmsErr = iid(t.DeltaP2, t.DeltaP4, n) / (2 * rms)
	}
	ratio := math.Exp((t.NLL - t.RefNLL) / float64(n))
	m.Comparison = &Comparison{
		Reference: perplexityOf(c, t.RefNLL, t.RefNLL2, func(c *ChunkStats) float64 { return c.RefNLL }),
		// E[(x-y)²] = E[x²] - 2 E[xy] + E[y²]
		Ratio:       s.estimate("ppl.ratio", slice, ratio*iid(t.NLL-t.RefNLL, t.NLL2-2*t.Cross+t.RefNLL2, n)),
		Divergence:  s.divergence(slice, t),
		SameTop:     s.estimate("same_top", slice, share(float64(t.SameTop), float64(n))),
		TopFive:     s.estimate("top5", slice, 0),
		DeltaP:      s.estimate("delta_p.rms", slice, rmsErr),
		MeanDeltaP:  s.estimate("delta_p.mean", slice, iid(t.DeltaP, t.DeltaP2, n)),
		Correlation: correlation(t),
	}
	return m
}

func (s *Series) estimate(name string, slice int, iid float64) Estimate {
	l, err := s.Limits(name, slice)
	if err != nil {
		panic(err) // a name of this package, and there is a chunk
	}
	return Estimate{l.Estimate(), iid, l.StdErr(), interval(l)}
}

func perplexityOf(c []ChunkStats, sum, squares float64, value func(*ChunkStats) float64) Perplexity {
	l := stats.Exp(stats.Ratio(perToken(c, value)))
	p := Perplexity{Estimate: Estimate{Value: l.Estimate(), ClusteredStdErr: l.StdErr(), CI: interval(l)}}
	var running float64
	for i := range c {
		running += value(&c[i])
		p.Tokens += c[i].Tokens
		p.Chunks = append(p.Chunks, math.Exp(running/float64(p.Tokens)))
	}
	p.StdErr = p.Value * iid(sum, squares, p.Tokens)
	return p
}

func (s *Series) divergence(slice int, t ChunkStats) Divergence {
	c := s.of(slice)
	mean := meanKLD(c)
	r := divergences(c)
	within := func(p float64) *Interval { return interval(stats.Quantile{Sample: r, P: p}) }
	return Divergence{
		Mean: mean.Value, StdErr: iid(t.KLD, t.KLD2, t.Tokens), ClusteredStdErr: mean.Err, CI: interval(mean),
		Median: r.Percentile(0.5), P90: r.Percentile(0.9), P95: r.Percentile(0.95), P99: r.Percentile(0.99),
		P999: r.Percentile(0.999), Max: r.Percentile(1), Min: r.Percentile(0),
		P95CI: within(0.95), P99CI: within(0.99), P999CI: within(0.999),
		Bound: t.KLDBound / float64(t.Tokens),
	}
}

// correlation is Pearson's, 1 where a side does not vary.
func correlation(t ChunkStats) float64 {
	n := float64(t.Tokens)
	vx, vy := t.NLL2/n-t.NLL/n*t.NLL/n, t.RefNLL2/n-t.RefNLL/n*t.RefNLL/n
	if vx <= 0 || vy <= 0 {
		return 1
	}
	return (t.Cross/n - t.NLL/n*t.RefNLL/n) / math.Sqrt(vx*vy)
}
