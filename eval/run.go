package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/carat-llm/carat/eval/softmax"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/elementary"
)

// Run measures candidates over a corpus, all in lockstep over the same chunks, against one pass of the reference.
type Run struct {
	Corpus *Corpus
	// Corpora, if not nil, holds each candidate's own instead, of NewCorpora; there is no reference then, and Corpus is
	// the one whose tokens MaxTokens counts.
	Corpora    []*Corpus
	Reference  Reference // nil for perplexity alone
	Candidates []Candidate
	// Threads is the number of goroutines that compare distributions; 1 when 0. Results do not depend on it.
	Threads int
	// Done are the series of an earlier run over the same corpus to go on from, one for each candidate, or nil. What
	// is beyond MaxTokens is left out.
	Done []*Series
	// MaxTokens ends the run after the chunk in which so many tokens were scored; 0 means no limit.
	MaxTokens int
	// Stop, if not nil, is asked after each chunk whether the figures are good enough.
	Stop func(s []*Series) bool
	// Progress, if not nil, is called after each chunk.
	Progress func(chunk, chunks int, s []*Series)

	scratch []scratch // one for each goroutine
}

// ModelError is a fault of one of the models of a run.
type ModelError struct {
	Candidate int // -1 for the reference
	Err       error
}

func (e *ModelError) Error() string { return e.Err.Error() }
func (e *ModelError) Unwrap() error { return e.Err }

// Do runs to the end and returns a series for each candidate. When ctx ends or something fails midway, it returns
// what was measured until then, whole chunks only, beside the error.
func (r *Run) Do(ctx context.Context) ([]*Series, error) {
	out := make([]*Series, len(r.Candidates))
	scorers := make([]*scorer, len(r.Candidates))
	done, n := 0, r.Corpus.ChunksFor(r.MaxTokens)
	for i, c := range r.Candidates {
		out[i] = &Series{Paired: r.Reference != nil}
		if r.Done != nil {
			done = min(n, len(r.Done[i].Chunks))
			out[i].Chunks = append(out[i].Chunks, r.Done[i].Chunks[:done]...)
		}
		scorers[i] = newScorer(c.Session, c.Vocab)
	}
	if done > 0 && r.stop(out) {
		return out, nil // where the earlier run ended, too
	}
	for at := done; at < n; at++ {
		sums, err := r.chunk(ctx, at, scorers)
		if err != nil {
			return out, err
		}
		for i := range out {
			if err := r.broken(i, &sums[i], at); err != nil {
				return out, err
			}
		}
		for i := range out {
			out[i].Chunks = append(out[i].Chunks, sums[i])
		}
		if r.Progress != nil {
			r.Progress(at+1, n, out)
		}
		if r.stop(out) {
			break
		}
	}
	return out, nil
}

func (r *Run) stop(s []*Series) bool { return r.Stop != nil && r.Stop(s) }

// broken refuses to average over a model that computes NaN: no figure is better than a wrong one.
func (r *Run) broken(i int, c *ChunkStats, chunk int) error {
	who := r.Candidates[i].Name
	for _, f := range []struct {
		candidate int
		who, what string
		value     float64
	}{
		{-1, "the reference", "log-likelihood", c.RefNLL},
		{i, who, "log-likelihood", c.NLL},
		{i, who, "divergence", c.KLD},
	} {
		if math.IsNaN(f.value) || math.IsInf(f.value, 0) {
			return &ModelError{f.candidate, fmt.Errorf("%w: %s: the %s is %v in chunk %d: the weights or metadata are broken", gguf.ErrInput, f.who, f.what, f.value, chunk+1)}
		}
	}
	return nil
}

// chunk evaluates one chunk with every model.
func (r *Run) chunk(ctx context.Context, at int, scorers []*scorer) ([]ChunkStats, error) {
	if r.Corpora == nil {
		return r.lockstep(ctx, &r.Corpus.windows[at], scorers)
	}
	var out []ChunkStats
	for i := range scorers {
		sums, err := r.lockstep(ctx, &r.Corpora[i].windows[at], scorers[i:i+1])
		if fault := (*ModelError)(nil); errors.As(err, &fault) {
			fault.Candidate = i
		}
		if err != nil {
			return nil, err
		}
		out = append(out, sums...)
	}
	return out, nil
}

// lockstep evaluates one window with models of one tokenizer.
func (r *Run) lockstep(ctx context.Context, w *window, scorers []*scorer) ([]ChunkStats, error) {
	sums := make([]ChunkStats, len(scorers))
	for i := range sums {
		sums[i] = ChunkStats{Slice: w.slice, Tokens: w.tokens(), Bytes: w.bytes}
	}
	if r.Reference != nil {
		if err := r.Reference.begin(w); err != nil {
			return nil, &ModelError{-1, err}
		}
	}
	for i, s := range scorers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.begin(w); err != nil {
			return nil, &ModelError{i, err}
		}
	}
	last := len(w.ids) - 1 // the last token has no successor to predict
	rows := blockRows(scorers[0].vocab)
	for at := w.first; at < last; at += rows {
		n := min(rows, last-at)
		if r.Reference != nil {
			if err := r.Reference.load(w, at, n); err != nil {
				return nil, &ModelError{-1, err}
			}
		}
		for i, s := range scorers {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := s.load(w, at, n); err != nil {
				return nil, &ModelError{i, err}
			}
		}
		for _, row := range r.compare(w.ids[at+1:at+1+n], scorers) {
			for i := range sums {
				sums[i].add(&row[i], r.Reference != nil)
			}
		}
	}
	return sums, nil
}

// observation is one candidate at one position.
type observation struct {
	nll, ref, kld, bound float64
	top, top5            int
}

// compare scores a block: next[i] follows position i. Goroutines take positions one by one; the caller adds up in the
// order of the text.
func (r *Run) compare(next []int32, scorers []*scorer) [][]observation {
	out := make([][]observation, len(next))
	workers := max(1, min(r.Threads, len(next)))
	if len(r.scratch) < workers {
		r.scratch = make([]scratch, workers)
	}
	var wg sync.WaitGroup
	var taken atomic.Int64
	for k := range workers {
		wg.Go(func() {
			for i := int(taken.Add(1)) - 1; i < len(next); i = int(taken.Add(1)) - 1 {
				out[i] = r.position(i, next[i], scorers, &r.scratch[k])
			}
		})
	}
	wg.Wait()
	return out
}

func (r *Run) position(i int, next int32, scorers []*scorer, s *scratch) []observation {
	out := make([]observation, len(scorers))
	var ref prediction
	if r.Reference != nil {
		ref = r.Reference.predict(i, next, s)
	}
	for j, sc := range scorers {
		q := sc.row(i)
		top := topFive(q)
		lse := softmax.LogSumExp(q, q[max(0, top[0])])
		o := &out[j]
		o.nll = lse - float64(q[next])
		if r.Reference == nil {
			continue
		}
		o.ref = ref.nll
		o.kld, o.bound = r.Reference.divergence(q, lse, s)
		o.top5 = top.common(ref.top)
		if top[0] == ref.top[0] {
			o.top = 1
		}
	}
	return out
}

func (c *ChunkStats) add(o *observation, paired bool) {
	c.NLL += o.nll
	c.NLL2 += float64(o.nll * o.nll)
	if !paired {
		return
	}
	c.RefNLL += o.ref
	c.RefNLL2 += float64(o.ref * o.ref)
	c.Cross += float64(o.nll * o.ref)
	c.KLD += o.kld
	c.KLD2 += float64(o.kld * o.kld)
	c.KLDBound += o.bound
	c.KLDs = append(c.KLDs, float32(o.kld))
	c.SameTop += o.top
	c.Top5 += o.top5
	d := elementary.Exp(-o.nll) - elementary.Exp(-o.ref)
	d2 := float64(d * d)
	c.DeltaP += d
	c.DeltaP2 += d2
	c.DeltaP4 += float64(d2 * d2)
}
