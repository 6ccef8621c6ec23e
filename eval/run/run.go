package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/softmax"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
)

// Run measures candidates over a corpus, all in lockstep over the same chunks, against one pass of the reference.
type Run struct {
	Corpus *text.Corpus
	// Corpora, if not nil, holds each candidate's own instead, of text.NewCorpora; there is no reference then, and Corpus is
	// the one whose tokens MaxTokens counts.
	Corpora    []*text.Corpus
	Reference  Reference // nil for perplexity alone
	Candidates []Candidate
	// Threads is the number of goroutines that compare distributions; 1 when 0. Results do not depend on it.
	Threads int
	// Done are the series of an earlier run over the same corpus to go on from, one for each candidate that has not failed,
	// or nil. What is beyond MaxTokens is left out.
	Done []*figure.Series
	// MaxTokens ends the run after the chunk in which so many tokens were scored; 0 means no limit.
	MaxTokens int
	// Stop, if not nil, is asked after each chunk whether the figures are good enough.
	Stop func(s []*figure.Series) bool
	// Progress, if not nil, is called after each chunk.
	Progress func(chunk, chunks int, s []*figure.Series)

	// Tolerant runs go on without a candidate whose input turns out to be broken; others end with its *ModelError.
	Tolerant bool
	// Failed says why candidates are not measured, nil for those that are: it may say so of some before the run, and a
	// Tolerant run adds those that fail. It is nil or as long as Candidates.
	Failed []error

	scorers []*scorer // of each candidate
	scratch []scratch // one for each goroutine
}

// ModelError is a fault of one of the models of a run.
type ModelError struct {
	Candidate int // -1 for the reference
	Err       error
}

func (e *ModelError) Error() string { return e.Err.Error() }
func (e *ModelError) Unwrap() error { return e.Err }

// Do runs to the end and returns a series for each candidate, nil for those that failed. When ctx ends or something
// fails midway, it returns what was measured until then, whole chunks only, beside the error.
func (r *Run) Do(ctx context.Context) ([]*figure.Series, error) {
	out, done := r.begin()
	n := r.Corpus.ChunksFor(r.MaxTokens)
	if len(r.live()) == 0 || done > 0 && r.stop(out) {
		return out, nil // where the earlier run ended, too
	}
	for at := done; at < n; at++ {
		sums, err := r.chunk(ctx, at)
		if err != nil {
			return out, err
		}
		for i := range out {
			if r.Failed[i] != nil {
				out[i] = nil
				continue
			}
			out[i].Chunks = append(out[i].Chunks, sums[i])
		}
		if len(r.live()) == 0 {
			break
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

// begin makes a series for each candidate, of the chunks that are done.
func (r *Run) begin() (out []*figure.Series, done int) {
	out, r.scorers = make([]*figure.Series, len(r.Candidates)), make([]*scorer, len(r.Candidates))
	if r.Failed == nil {
		r.Failed = make([]error, len(r.Candidates))
	}
	for _, i := range r.live() {
		c := &r.Candidates[i]
		out[i] = &figure.Series{Paired: r.Reference != nil}
		if r.Done != nil {
			done = min(r.Corpus.ChunksFor(r.MaxTokens), len(r.Done[i].Chunks))
			out[i].Chunks = append(out[i].Chunks, r.Done[i].Chunks[:done]...)
		}
		r.scorers[i] = newScorer(c.Session, c.Vocab)
	}
	return out, done
}

func (r *Run) stop(s []*figure.Series) bool { return r.Stop != nil && r.Stop(s) }

// live are the candidates that have not failed.
func (r *Run) live() (out []int) {
	for i := range r.Candidates {
		if r.Failed[i] == nil {
			out = append(out, i)
		}
	}
	return out
}

// fail goes on without candidate i, or returns the error that ends the run.
func (r *Run) fail(i int, err error) error {
	fault := &ModelError{i, err}
	if !r.Tolerant || !errors.Is(err, gguf.ErrInput) {
		return fault
	}
	r.Failed[i] = fault
	return nil
}

// broken refuses to average over a model that computes NaN: no figure is better than a wrong one.
func (r *Run) broken(i int, c *figure.ChunkStats, chunk int) error {
	say := func(who, what string, v float64) error {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return nil
		}
		return fmt.Errorf("%w: %s: the %s is %v in chunk %d: the weights or metadata are broken", gguf.ErrInput, who, what, v, chunk+1)
	}
	if err := say("the reference", "log-likelihood", c.RefNLL); err != nil {
		return &ModelError{-1, err}
	}
	who := r.Candidates[i].Name
	if err := cmp.Or(say(who, "log-likelihood", c.NLL), say(who, "divergence", c.KLD)); err != nil {
		return r.fail(i, err)
	}
	return nil
}

// chunk evaluates one chunk with every model that has not failed.
func (r *Run) chunk(ctx context.Context, at int) ([]figure.ChunkStats, error) {
	sums := make([]figure.ChunkStats, len(r.Candidates))
	var err error
	if r.Corpora == nil {
		err = r.lockstep(ctx, &r.Corpus.Windows[at], r.live(), sums)
	} else {
		for _, i := range r.live() {
			if err = r.lockstep(ctx, &r.Corpora[i].Windows[at], []int{i}, sums); err != nil {
				break
			}
		}
	}
	if err != nil {
		return nil, err
	}
	for _, i := range r.live() {
		if err := r.broken(i, &sums[i], at); err != nil {
			return nil, err
		}
	}
	return sums, nil
}

// lockstep evaluates one window with candidates of one tokenizer, and leaves their sums.
func (r *Run) lockstep(ctx context.Context, w *text.Window, live []int, sums []figure.ChunkStats) error {
	for _, i := range live {
		sums[i] = figure.ChunkStats{Slice: w.Slice, Tokens: w.Tokens(), Bytes: w.Bytes}
	}
	if r.Reference != nil {
		if err := r.Reference.begin(w); err != nil {
			return &ModelError{-1, err}
		}
	}
	rows := blockRows(r.Candidates[live[0]].Vocab)
	live, err := r.each(ctx, live, func(s *scorer) error { return s.begin(w) })
	last := len(w.IDs) - 1 // the last token has no successor to predict
	for at := w.First; at < last && err == nil && len(live) > 0; at += rows {
		n := min(rows, last-at)
		if r.Reference != nil {
			if err := r.Reference.load(w, at, n); err != nil {
				return &ModelError{-1, err}
			}
		}
		if live, err = r.each(ctx, live, func(s *scorer) error { return s.load(w, at, n) }); err != nil {
			return err
		}
		for _, row := range r.compare(w.IDs[at+1:at+1+n], live) {
			for k, i := range live {
				sums[i].Add(&row[k], r.Reference != nil)
			}
		}
	}
	return err
}

// each has candidates take a step, and returns those that could.
func (r *Run) each(ctx context.Context, live []int, step func(s *scorer) error) (able []int, err error) {
	for _, i := range live {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := step(r.scorers[i])
		if err == nil {
			able = append(able, i)
		} else if err = r.fail(i, err); err != nil {
			return nil, err
		}
	}
	return able, nil
}

// compare scores a block: next[i] follows position i. Goroutines take positions one by one; the caller adds up in the
// order of the text.
func (r *Run) compare(next []int32, live []int) [][]figure.Observation {
	out := make([][]figure.Observation, len(next))
	workers := max(1, min(r.Threads, len(next)))
	if len(r.scratch) < workers {
		r.scratch = make([]scratch, workers)
	}
	var wg sync.WaitGroup
	var taken atomic.Int64
	for k := range workers {
		wg.Go(func() {
			for i := int(taken.Add(1)) - 1; i < len(next); i = int(taken.Add(1)) - 1 {
				out[i] = r.position(i, next[i], live, &r.scratch[k])
			}
		})
	}
	wg.Wait()
	return out
}

func (r *Run) position(i int, next int32, live []int, s *scratch) []figure.Observation {
	out := make([]figure.Observation, len(live))
	var ref prediction
	if r.Reference != nil {
		ref = r.Reference.predict(i, next, s)
	}
	for k, c := range live {
		q := r.scorers[c].row(i)
		top := topFive(q)
		lse := softmax.LogSumExp(q, q[max(0, top[0])])
		o := &out[k]
		o.NLL = lse - float64(q[next])
		if r.Reference == nil {
			continue
		}
		o.RefNLL = ref.nll
		o.KLD, o.Bound = r.Reference.divergence(q, lse, s)
		o.Top5 = top.common(ref.top)
		if top[0] == ref.top[0] {
			o.SameTop = 1
		}
	}
	return out
}
