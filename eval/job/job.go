// Package job turns models and texts into a report: it checks that the models can be compared, runs them over the
// texts, and puts the figures beside what identifies them.
//
// A [Job] names the reference, the candidates and the texts. [Job.Run] may be called again with more tokens: it goes
// on where it was. An interrupted job returns the report of the chunks that were done, with Complete false, and such
// a report is where another job can resume.
package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/run"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/buildinfo"
)

// Model is a model to measure: what identifies it, its weights, and the loaded runtime.
type Model struct {
	ID   report.Model
	Role string // report.Candidate's
	// Source is where tensors are compared; it may be nil.
	Source gguf.Model
	Loaded run.Candidate
	// Failure says why a candidate cannot be measured; then it is in the report with that alone. A Tolerant job sets it.
	Failure string
}

// Job is a measurement.
type Job struct {
	Command    string
	Reference  *Model // nil for perplexity alone
	Candidates []Model
	Texts      []text.Text
	Options    text.Options
	// Computation says how all models are computed, for the report.
	Computation report.Computation
	Threads     int
	// Tolerant jobs go on without a candidate that turns out to be broken or to have another tokenizer; others end.
	Tolerant bool
	// AnyTokenizer has candidates of different tokenizers measured over the same bytes (text.NewCorpora), when there is
	// no reference, instead of refused.
	AnyTokenizer bool
	// MaxTokens ends the run when so many tokens were scored, by the first candidate where tokenizers differ; 0 means
	// all there are.
	MaxTokens int
	// UntilWidth above 0 ends the run once the 95 % interval of the Figure of every candidate is within that share of
	// it on either side.
	UntilWidth float64
	// Corpus is made of the texts when it is nil.
	Corpus *text.Corpus
	// Predictions, if not nil, gives what stands for the live reference: stored predictions, in which case Reference
	// holds the ID alone, or a live one that is recorded. What is said of it goes to Stored of the report's protocol.
	Predictions func(c *text.Corpus) (run.Reference, error)
	Stored      string
	// Progress, if not nil, is called after each chunk; the series of candidates that failed are nil.
	Progress func(chunk, chunks int, s []*figure.Series)

	prepared bool
	corpora  []*text.Corpus   // of each candidate, nil for those that failed; nil when one is for all
	series   []*figure.Series // of each candidate; nil for those that failed
}

// Resume takes over the chunks of an interrupted report. The models, texts and protocol must be the same.
func (j *Job) Resume(r *report.Report) error {
	if err := j.prepare(); err != nil {
		return err
	}
	now := j.report(nil)
	if len(r.Candidates) != len(now.Candidates) {
		return fmt.Errorf("%w: cannot resume: the report has %d candidates, this run has %d", gguf.ErrInput, len(r.Candidates), len(now.Candidates))
	}
	for i := range r.Candidates {
		if was, is := r.Candidates[i].SHA256, now.Candidates[i].SHA256; was != is {
			return fmt.Errorf("%w: cannot resume: candidate %s has SHA-256 %.12s in the report, but %.12s now", gguf.ErrInput, r.Candidates[i].Name, was, is)
		}
	}
	if was, is := r.Protocol.Computation, now.Protocol.Computation; !was.Is(is) {
		return fmt.Errorf("%w: cannot resume: the report was computed %s, this run %s", gguf.ErrInput, was, is)
	}
	if !report.SameChunks(r, now) {
		return fmt.Errorf("%w: cannot resume: the report is of other texts, another protocol or another reference", gguf.ErrInput)
	}
	if r.Protocol.Stored != now.Protocol.Stored {
		return fmt.Errorf("%w: cannot resume: the reference's predictions came from %q in the report, but from %q now", gguf.ErrInput, r.Protocol.Stored, now.Protocol.Stored)
	}
	series := make([]*figure.Series, len(r.Candidates))
	first := -1
	for i, c := range r.Candidates {
		if j.Candidates[i].Failure == "" {
			j.Candidates[i].Failure = c.Failure
		}
		if j.Candidates[i].Failure != "" {
			continue
		}
		if first < 0 {
			first = i
		}
		if len(c.Chunks) != len(r.Candidates[first].Chunks) {
			return fmt.Errorf("%w: cannot resume: the report has %d chunks of %s and %d of %s",
				gguf.ErrInput, len(c.Chunks), c.Name, len(r.Candidates[first].Chunks), r.Candidates[first].Name)
		}
		if err := j.corpus(i).Match(c.Chunks); err != nil {
			return fmt.Errorf("%w: cannot resume: %w", gguf.ErrInput, err)
		}
		series[i] = &figure.Series{Chunks: c.Chunks, Paired: j.Reference != nil}
	}
	j.series = series
	return nil
}

// Available is how many tokens there are to score.
func (j *Job) Available() (int, error) {
	if err := j.prepare(); err != nil {
		return 0, err
	}
	return j.Corpus.ScoredTokens(j.Corpus.Len()), nil
}

// Stopped says what ended the last Run before the end of the texts: report.StoppedByWidth, report.StoppedByTokens, or nothing.
func (j *Job) Stopped() string {
	switch done := chunks(j.series); {
	case j.Corpus == nil || done == j.Corpus.Len():
		return ""
	case j.MaxTokens > 0 && done >= j.Corpus.ChunksFor(j.MaxTokens):
		return report.StoppedByTokens
	case j.UntilWidth > 0:
		return report.StoppedByWidth
	}
	return ""
}

// Run measures, up to MaxTokens: of what is known already, too, no more is in the report, so that a resumed job
// gives the reports of one that was never interrupted. On an interruption the report of what was done comes beside the error; it is nil
// when that is nothing.
func (j *Job) Run(ctx context.Context) (*report.Report, error) {
	if err := j.prepare(); err != nil {
		return nil, err
	}
	series, err := j.run(ctx)
	if chunks(series) > chunks(j.series) { // a resumed job may know more than it is asked for
		j.series = series
	}
	if chunks(series) == 0 {
		return nil, cmp.Or(err, j.Failures(), errors.New("no chunk was measured"))
	}
	if err := j.unchanged(); err != nil {
		return nil, err // no figure is worth anything then
	}
	r := j.report(series)
	if r.Complete = err == nil; r.Complete {
		r.Protocol.Stopped = j.Stopped()
	}
	return r, err
}

// unchanged fails when the file of a model is not what was loaded.
func (j *Job) unchanged() error {
	var models []gguf.Model
	if j.Reference != nil {
		models = append(models, j.Reference.Source)
	}
	for _, c := range j.Candidates {
		if c.Failure == "" {
			models = append(models, c.Source)
		}
	}
	return gguf.Unchanged(models...)
}

// run measures the candidates that have not failed, and records those that do.
func (j *Job) run(ctx context.Context) ([]*figure.Series, error) {
	r := run.Run{
		Corpus: j.Corpus, Corpora: j.corpora, Threads: j.Threads, MaxTokens: j.MaxTokens, Done: j.series,
		Tolerant: j.Tolerant, Failed: make([]error, len(j.Candidates)), Progress: j.Progress,
	}
	for i, c := range j.Candidates {
		r.Candidates = append(r.Candidates, c.Loaded)
		if c.Failure != "" {
			r.Failed[i] = errors.New(c.Failure)
		}
	}
	var err error
	switch {
	case j.Predictions != nil:
		if r.Reference, err = j.Predictions(j.Corpus); err != nil {
			return nil, err
		}
	case j.Reference != nil:
		r.Reference = run.Live(j.Reference.Loaded)
	}
	if j.UntilWidth > 0 {
		r.Stop = func(s []*figure.Series) bool { return figure.Narrow(s, j.Figure(), j.UntilWidth) }
	}
	series, err := r.Do(ctx)
	for i, why := range r.Failed {
		if why != nil && j.Candidates[i].Failure == "" {
			j.fail(i, why)
		}
	}
	return series, err
}

// chunks is how many each series has that there is.
func chunks(series []*figure.Series) int {
	for _, s := range series {
		if s != nil {
			return len(s.Chunks)
		}
	}
	return 0
}

// Empty is the report of a job whose candidates could not be measured: texts, protocol and reference as far as they
// are known.
func (j *Job) Empty() *report.Report {
	if j.Corpus == nil {
		j.Corpus = &text.Corpus{Texts: j.Texts, Options: j.Options, Tokens: make([]int, len(j.Texts)), Chunks: make([]int, len(j.Texts))}
	}
	r := j.report(nil)
	r.Candidates = nil
	return r
}

// report puts series, which may be nil, into the shape of a report.
func (j *Job) report(series []*figure.Series) *report.Report {
	o := j.Corpus.Options
	r := &report.Report{
		Schema: report.Schema, Version: report.Version, Tool: report.Tool{Name: "carat", Version: buildinfo.Version()}, Command: j.Command,
		Protocol: report.Protocol{Context: o.Context, Stride: o.Stride, Computation: j.Computation, Chunks: j.Corpus.Len(), Stored: j.Stored, UntilWidth: j.UntilWidth, SameBytes: j.corpora != nil},
	}
	for i, t := range j.Corpus.Texts {
		r.Data = append(r.Data, report.Data{Name: t.Name, File: t.File, SHA256: t.SHA256, Bytes: len(t.Data), Tokens: j.Corpus.Tokens[i], Chunks: j.Corpus.Chunks[i]})
	}
	if j.Reference != nil {
		id := j.Reference.ID
		r.Reference = &id
	}
	for i := range j.Candidates {
		c := report.Candidate{Model: j.Candidates[i].ID, Role: j.Candidates[i].Role, Failure: j.Candidates[i].Failure}
		if series != nil && series[i] != nil {
			c.Fill(series[i], r.Data)
		}
		r.Candidates = append(r.Candidates, c)
	}
	return r
}
