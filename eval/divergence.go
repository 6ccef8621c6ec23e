package eval

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/carat-llm/carat/gguf"
)

// Comparison is what a candidate's predictions are against a reference's on the same text.
type Comparison struct {
	Perplexity Perplexity `json:"perplexity"`
	Reference  Perplexity `json:"reference_perplexity"`
	// Ratio is Perplexity/Reference; its error takes their correlation into account.
	Ratio      Estimate   `json:"perplexity_ratio"`
	Divergence Divergence `json:"kld"`
	// SameTop is the share of positions where both find the same token likeliest, 0 to 1.
	SameTop Estimate `json:"same_top"`
	// DeltaP is the root mean square of the change in the next token's probability.
	DeltaP Estimate `json:"rms_delta_p"`
	// Correlation of the two log-likelihoods.
	Correlation float64 `json:"correlation"`
}

// Estimate is a figure with its standard error.
type Estimate struct {
	Value  float64 `json:"value"`
	StdErr float64 `json:"stderr"`
}

// Divergence summarises KL(reference || candidate) in nats over the scored positions.
type Divergence struct {
	Mean            float64 `json:"mean"`
	StdErr          float64 `json:"stderr"`
	ClusteredStdErr float64 `json:"clustered_stderr"`
	Median          float64 `json:"median"`
	P90             float64 `json:"p90"`
	P95             float64 `json:"p95"`
	P99             float64 `json:"p99"`
	P999            float64 `json:"p99_9"`
	Max             float64 `json:"max"`
	Min             float64 `json:"min"`
}

// Compare runs candidate and reference in lockstep over text. Their tokenizers must agree on it.
func Compare(ctx context.Context, candidate, reference Candidate, name, text string, o Options) (*Comparison, error) {
	ws, err := windows(name, text, candidate.Tokenizer, o)
	if err != nil {
		return nil, err
	}
	if err := sameTokens(ws, candidate, reference, name, text, o); err != nil {
		return nil, err
	}
	cs, rs := newScorer(candidate.Session, candidate.Vocab), newScorer(reference.Session, reference.Vocab)
	var acc comparison
	for i, w := range ws {
		err := eachRow(ctx, w, []*scorer{rs, cs}, func(i int, next int32) { acc.add(cs.row(i), rs.row(i), next) })
		if err != nil {
			return nil, err
		}
		acc.endChunk()
		if err := finite(acc.kld.mean(), i); err != nil {
			return nil, err
		}
		if o.Progress != nil {
			o.Progress(i+1, len(ws), acc.candidate.values[i])
		}
	}
	return acc.result(), nil
}

// sameTokens refuses a comparison of models that do not read the text alike: their distributions would
// be over different things.
func sameTokens(ws []window, candidate, reference Candidate, name, text string, o Options) error {
	if candidate.Vocab != reference.Vocab {
		return fmt.Errorf("%w: the candidate has %d tokens in its vocabulary, the reference %d: only models with one tokenizer can be compared",
			gguf.ErrInput, candidate.Vocab, reference.Vocab)
	}
	other, err := windows(name, text, reference.Tokenizer, o)
	if err != nil {
		return err
	}
	for i, w := range ws {
		if i >= len(other) || !slices.Equal(w.ids, other[i].ids) {
			return fmt.Errorf("%w: %s: candidate and reference tokenize chunk %d differently: only models with one tokenizer can be compared",
				gguf.ErrInput, name, i+1)
		}
	}
	return nil
}

// comparison gathers the positions of a Compare.
type comparison struct {
	candidate, reference perplexity
	nll                  covariance
	kld                  moments
	kldChunks            clusters
	klds                 []float64
	sameTop              moments
	deltaP2              moments
}

func (c *comparison) add(q, p []float32, next int32) {
	lseQ, topQ := logSumExp(q)
	lseP, topP := logSumExp(p)
	nllQ, nllP := lseQ-float64(q[next]), lseP-float64(p[next])
	c.candidate.add(nllQ)
	c.reference.add(nllP)
	c.nll.add(nllQ, nllP)
	var kld float64
	for i, v := range p {
		logP := float64(v) - lseP
		if prob := math.Exp(logP); prob > 0 {
			kld += prob * (logP - (float64(q[i]) - lseQ))
		}
	}
	kld = math.Max(kld, 0) // rounding may leave it a hair below
	c.kld.add(kld)
	c.kldChunks.add(kld)
	c.klds = append(c.klds, kld)
	same := 0.0
	if topP == topQ {
		same = 1
	}
	c.sameTop.add(same)
	d := math.Exp(-nllQ) - math.Exp(-nllP)
	c.deltaP2.add(d * d)
}

func (c *comparison) endChunk() {
	c.candidate.endChunk()
	c.reference.endChunk()
	c.kldChunks.end()
}

func (c *comparison) result() *Comparison {
	s := sorted(c.klds)
	logRatio := c.nll.x.mean() - c.nll.y.mean()
	sx, sy := c.nll.x.stderr(), c.nll.y.stderr()
	ratio := math.Exp(logRatio)
	rms := math.Sqrt(c.deltaP2.mean())
	rmsErr := 0.0
	if rms > 0 {
		rmsErr = c.deltaP2.stderr() / (2 * rms)
	}
	return &Comparison{
		Perplexity: c.candidate.result(), Reference: c.reference.result(),
		Ratio: Estimate{ratio, ratio * math.Sqrt(math.Max(0, sx*sx+sy*sy-2*c.nll.ofMeans()))},
		Divergence: Divergence{
			Mean: c.kld.mean(), StdErr: c.kld.stderr(), ClusteredStdErr: c.kldChunks.stderr(),
			Median: percentile(s, 0.5), P90: percentile(s, 0.9), P95: percentile(s, 0.95), P99: percentile(s, 0.99),
			P999: percentile(s, 0.999), Max: s[len(s)-1], Min: s[0],
		},
		SameTop: Estimate{c.sameTop.mean(), c.sameTop.stderr()},
		DeltaP:  Estimate{rms, rmsErr}, Correlation: c.nll.correlation(),
	}
}
