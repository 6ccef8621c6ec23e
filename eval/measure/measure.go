// Package measure turns models and texts into a report: it checks that the models can be compared, runs them over the
// texts, and puts the figures beside what identifies them.
//
// A [Job] names the reference, the candidates and the texts. [Job.Run] may be called again with more tokens: it goes
// on where it was. An interrupted job returns the report of the chunks that were done, with Complete false, and such
// a report is where another job can resume.
package measure

import (
	"context"
	"errors"
	"fmt"

	"github.com/carat-llm/carat/eval"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/buildinfo"
)

// Model is a model to measure: what identifies it, its weights, and the loaded runtime.
type Model struct {
	ID   report.Model
	Role string // report.Candidate's
	// Source is where tensors are compared; it may be nil.
	Source gguf.Model
	Loaded eval.Candidate
}

// Job is a measurement.
type Job struct {
	Command    string
	Reference  *Model // nil for perplexity alone
	Candidates []Model
	Texts      []eval.Text
	Options    eval.Options
	Threads    int
	// MaxTokens ends the run when so many tokens were scored; 0 means all there are.
	MaxTokens int
	// UntilWidth above 0 ends the run once the 95 % interval of the mean divergence (of the perplexity without a
	// reference) of every candidate is within that share of the figure on either side.
	UntilWidth float64
	// Corpus is made of the texts when it is nil.
	Corpus *eval.Corpus
	// Predictions, if not nil, gives what stands for the live reference: stored predictions, in which case Reference
	// holds the ID alone, or a live one that is recorded. What is said of it goes to Stored of the report's protocol.
	Predictions func(c *eval.Corpus) (eval.Reference, error)
	Stored      string
	// Progress, if not nil, is called after each chunk.
	Progress func(chunk, chunks int, s []*eval.Series)

	prepared bool
	series   []*eval.Series
}

// Resume takes over the chunks of an interrupted report. The models, texts and protocol must be the same.
func (j *Job) Resume(r *report.Report) error {
	if err := j.prepare(); err != nil {
		return err
	}
	now := j.report(nil)
	if len(r.Candidates) != len(now.Candidates) {
		return fmt.Errorf("%w: the report has %d candidates, this run %d: nothing to go on from", gguf.ErrInput, len(r.Candidates), len(now.Candidates))
	}
	for i := range r.Candidates {
		if was, is := r.Candidates[i].SHA256, now.Candidates[i].SHA256; was != is {
			return fmt.Errorf("%w: the report's candidate %s has SHA-256 %.12s, this run's %.12s: nothing to go on from", gguf.ErrInput, r.Candidates[i].Name, was, is)
		}
	}
	if !report.SameChunks(r, now) {
		return fmt.Errorf("%w: the report is of other texts, another protocol or another reference: nothing to go on from", gguf.ErrInput)
	}
	j.series = make([]*eval.Series, len(r.Candidates))
	for i, c := range r.Candidates {
		if len(c.Chunks) != len(r.Candidates[0].Chunks) || len(c.Chunks) > j.Corpus.Len() {
			return fmt.Errorf("%w: the report holds %d chunks of %s, %d of the first candidate, and the texts have %d",
				gguf.ErrInput, len(c.Chunks), c.Name, len(r.Candidates[0].Chunks), j.Corpus.Len())
		}
		j.series[i] = &eval.Series{Chunks: c.Chunks, Paired: j.Reference != nil}
	}
	return nil
}

// Available is how many tokens there are to score.
func (j *Job) Available() (int, error) {
	if err := j.prepare(); err != nil {
		return 0, err
	}
	return j.Corpus.ScoredTokens(j.Corpus.Len()), nil
}

// Run measures, up to MaxTokens: of what is known already, too, no more is in the report, so that a resumed job
// gives the reports of one that was never interrupted. On an interruption the report of what was done comes beside the error; it is nil
// when that is nothing.
func (j *Job) Run(ctx context.Context) (*report.Report, error) {
	if err := j.prepare(); err != nil {
		return nil, err
	}
	run := eval.Run{Corpus: j.Corpus, Done: j.series, Threads: j.Threads, MaxTokens: j.MaxTokens, Progress: j.Progress}
	for _, c := range j.Candidates {
		run.Candidates = append(run.Candidates, c.Loaded)
	}
	switch {
	case j.Predictions != nil:
		ref, err := j.Predictions(j.Corpus)
		if err != nil {
			return nil, err
		}
		run.Reference = ref
	case j.Reference != nil:
		run.Reference = eval.Live(j.Reference.Loaded)
	}
	if j.UntilWidth > 0 {
		run.Stop = func(s []*eval.Series) bool { return eval.Narrow(s, j.UntilWidth) }
	}
	series, err := run.Do(ctx)
	if len(series) == 0 || len(series[0].Chunks) == 0 {
		if err == nil {
			err = errors.New("no chunk was measured")
		}
		return nil, err
	}
	if j.series == nil || len(series[0].Chunks) > len(j.series[0].Chunks) {
		j.series = series // a resumed job may know more than it is asked for
	}
	r := j.report(series)
	r.Complete = err == nil
	return r, err
}

// prepare cuts the texts, once, and refuses models that read them differently.
func (j *Job) prepare() error {
	if j.prepared {
		return nil
	}
	first := &j.Candidates[0].Loaded
	if j.Reference != nil && j.Reference.Loaded.Session != nil {
		first = &j.Reference.Loaded
	}
	if j.Corpus == nil {
		var err error
		if j.Corpus, err = eval.NewCorpus(j.Texts, first.Tokenizer, j.Options); err != nil {
			return err
		}
	}
	for i := range j.Candidates {
		m := &j.Candidates[i].Loaded
		if m.Vocab != first.Vocab {
			return &eval.ModelError{Candidate: i, Err: fmt.Errorf("%w: %s has %d tokens in its vocabulary, %s has %d: only models with one tokenizer can be compared",
				eval.ErrTokenizers, m.Name, m.Vocab, first.Name, first.Vocab)}
		}
		if m == first || j.Texts == nil {
			continue
		}
		if err := j.Corpus.SameTokens(m.Name, m.Tokenizer); err != nil {
			return &eval.ModelError{Candidate: i, Err: err}
		}
	}
	j.prepared = true
	return nil
}

// Empty is the report of a job whose candidates could not be measured: texts, protocol and reference as far as they
// are known.
func (j *Job) Empty() *report.Report {
	if j.Corpus == nil {
		j.Corpus = &eval.Corpus{Texts: j.Texts, Options: j.Options, Tokens: make([]int, len(j.Texts)), Chunks: make([]int, len(j.Texts))}
	}
	r := j.report(nil)
	r.Candidates = nil
	return r
}

// report puts series, which may be nil, into the shape of a report.
func (j *Job) report(series []*eval.Series) *report.Report {
	o := j.Corpus.Options
	r := &report.Report{
		Schema: report.Schema, Version: report.Version, Tool: report.Tool{Name: "carat", Version: buildinfo.Version()}, Command: j.Command,
		Protocol: report.Protocol{Context: o.Context, Stride: o.Stride, Chunks: j.Corpus.Len(), Stored: j.Stored},
	}
	for i, t := range j.Corpus.Texts {
		r.Data = append(r.Data, report.Data{Name: t.Name, File: t.File, SHA256: t.SHA256, Bytes: len(t.Data), Tokens: j.Corpus.Tokens[i], Chunks: j.Corpus.Chunks[i]})
	}
	if j.Reference != nil {
		id := j.Reference.ID
		r.Reference = &id
	}
	for i := range j.Candidates {
		c := report.Candidate{Model: j.Candidates[i].ID, Role: j.Candidates[i].Role}
		if series != nil {
			c.Fill(series[i], r.Data)
		}
		r.Candidates = append(r.Candidates, c)
	}
	return r
}
