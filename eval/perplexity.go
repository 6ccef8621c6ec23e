package eval

import (
	"context"
	"fmt"
	"math"

	"github.com/carat-llm/carat/gguf"
)

// Perplexity is exp of the mean negative log-likelihood of the scored tokens.
type Perplexity struct {
	Value float64 `json:"value"`
	// StdErr is Value times the standard error of the mean log-likelihood, tokens taken as independent.
	StdErr float64 `json:"stderr"`
	// ClusteredStdErr takes chunks as independent instead; 0 with a single chunk.
	ClusteredStdErr float64 `json:"clustered_stderr"`
	Tokens          int     `json:"tokens"`
	// Chunks holds the running value after each chunk.
	Chunks []float64 `json:"chunks"`
}

// perplexity gathers negative log-likelihoods.
type perplexity struct {
	nll    moments
	chunks clusters
	values []float64
}

func (p *perplexity) add(nll float64) { p.nll.add(nll); p.chunks.add(nll) }

func (p *perplexity) endChunk() {
	p.chunks.end()
	p.values = append(p.values, math.Exp(p.nll.mean()))
}

func (p *perplexity) result() Perplexity {
	v := math.Exp(p.nll.mean())
	return Perplexity{Value: v, StdErr: v * p.nll.stderr(), ClusteredStdErr: v * p.chunks.stderr(), Tokens: p.nll.n, Chunks: p.values}
}

// Candidate is a loaded model to measure.
type Candidate struct {
	Session   Session
	Vocab     int
	Tokenizer Tokenizer
}

// MeasurePerplexity scores text with one model. name is the text's, for messages.
func MeasurePerplexity(ctx context.Context, m Candidate, name, text string, o Options) (*Perplexity, error) {
	ws, err := windows(name, text, m.Tokenizer, o)
	if err != nil {
		return nil, err
	}
	s := newScorer(m.Session, m.Vocab)
	var p perplexity
	for i, w := range ws {
		err := eachRow(ctx, w, []*scorer{s}, func(i int, next int32) {
			row := s.row(i)
			lse, _ := logSumExp(row)
			p.add(lse - float64(row[next]))
		})
		if err != nil {
			return nil, err
		}
		p.endChunk()
		if err := finite(p.nll.mean(), i); err != nil {
			return nil, err
		}
		if o.Progress != nil {
			o.Progress(i+1, len(ws), p.values[i])
		}
	}
	r := p.result()
	return &r, nil
}

// finite refuses to average over a model that computes NaN: no figure is better than a wrong one.
func finite(v float64, chunk int) error {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("%w: the model's log-likelihood is %v in chunk %d: its weights or metadata are broken", gguf.ErrInput, v, chunk+1)
	}
	return nil
}
