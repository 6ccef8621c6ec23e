package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval/cache"
	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/report"
	evalrun "github.com/carat-llm/carat/eval/run"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/kernel"
)

// models are those of one run. Closing closes all.
type models struct {
	g    global
	src  convert.Options
	sums *cache.Sums
	// sizesOnly is set when nobody will see the models' SHA-256: files are not read for it.
	sizesOnly bool
	warnings  io.Writer
	open      []gguf.Model
	pool      *kernel.Pool // of all engines, which work one after the other
	engines   map[gguf.Model]*engine.Engine
}

func (m *models) close() {
	for _, e := range m.engines {
		e.Close()
	}
	if m.pool != nil {
		m.pool.Close()
	}
	for _, o := range m.open {
		o.Close()
	}
	m.open, m.pool, m.engines = nil, nil, nil
}

// engine makes the model that was opened at path ready to run, unless it is.
func (m *models) engine(path string, src gguf.Model) (*engine.Engine, error) {
	if e := m.engines[src]; e != nil {
		return e, nil
	}
	if m.pool == nil {
		m.pool, m.engines = kernel.NewPool(m.g.threads), map[gguf.Model]*engine.Engine{}
	}
	e, err := m.g.load(path, src, engine.Options{Pool: m.pool, Text: true})
	if err == nil {
		m.engines[src] = e
	}
	return e, err
}

// load opens and loads the model at path, and its adapters, with room for ctx tokens.
func (m *models) load(path, role string, ctx int, adapters ...convert.LoRA) (*job.Model, error) {
	src, err := m.g.openAdapted(path, m.src, adapters)
	if err != nil {
		return nil, err
	}
	m.open = append(m.open, src)
	return m.add(path, src, role, ctx)
}

// add loads a model that is open already.
func (m *models) add(path string, src gguf.Model, role string, ctx int) (*job.Model, error) {
	hash := m.sums.Hash
	if m.sizesOnly {
		hash = sizeOf
	}
	id, err := job.Identify(path, src, hash)
	if err != nil {
		return nil, err
	}
	return m.ready(id, path, src, role, ctx)
}

// ready loads a model that is open and identified.
func (m *models) ready(id report.Model, path string, src gguf.Model, role string, ctx int) (*job.Model, error) {
	e, err := m.engine(path, src)
	if err != nil {
		return nil, err
	}
	tok, err := e.Tokenizer()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	sess, err := e.NewSession(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	warnBeyond(m.warnings, path, e, ctx, fmt.Sprintf("a context of %d tokens", ctx))
	loaded := evalrun.Candidate{Name: path, Session: sess, Vocab: e.Vocab(), Tokenizer: tok}
	return &job.Model{ID: id, Role: role, Source: src, Loaded: loaded}, nil
}

// sizeOf is a hash of files that says their size alone.
func sizeOf(path string) (gguf.FileHash, error) {
	st, err := os.Stat(path)
	if err != nil {
		return gguf.FileHash{}, err
	}
	return gguf.FileHash{Name: filepath.Base(path), Bytes: st.Size()}, nil
}

// runJob runs j with a progress bar that shows the figures so far, from the report at --report when o says to resume.
// An interrupted run's report comes beside an *interruption.
func runJob(ctx context.Context, s streams, g global, j *job.Job, o measureOptions) (*report.Report, error) {
	b := newCounter(s.err, g, j.Command)
	defer b.finish()
	j.Computation = g.computing.record()
	done := 0
	if o.Resume {
		r, err := report.Read(o.Report)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // nothing was done yet
		} else if err == nil {
			done, err = chunksDone(r), j.Resume(r)
		}
		if err != nil {
			return nil, fmt.Errorf("--resume: %w", err)
		}
	}
	if _, err := j.Available(); err != nil {
		return nil, err
	}
	b.resume(int64(done), int64(j.Corpus.ChunksFor(j.MaxTokens)))
	j.Threads = g.threads
	j.Progress = func(done, all int, series []*figure.Series) {
		b.describe(figuresSoFar(j, series))
		b.update(int64(done), int64(all))
	}
	r, err := j.Run(ctx)
	b.finish()
	if r != nil && errors.Is(err, context.Canceled) {
		return r, o.interrupted(fmt.Sprintf("interrupted after chunk %d of %d", chunksDone(r), r.Protocol.Chunks))
	}
	if err == nil && o.UntilWidth > 0 && !g.quiet {
		sayWidth(s, j, r)
	}
	return r, err
}

// interrupted says how to continue.
func (o *measureOptions) interrupted(what string) *interruption {
	if o.Report == "" {
		return &interruption{what, "with --report FILE.json a run can be resumed"}
	}
	return &interruption{what, o.Report + " keeps what was measured: continue with --resume"}
}

// sayWidth tells whether --until-width was reached.
func sayWidth(s streams, j *job.Job, r *report.Report) {
	done := fmt.Sprintf("%d of %d chunks", chunksDone(r), r.Protocol.Chunks)
	switch j.Stopped() {
	case report.StoppedByWidth:
		printf(s.err, "carat: note: stopped after %s: the interval is within %g %%\n", done, 100*j.UntilWidth)
	case report.StoppedByTokens:
		printf(s.err, "carat: note: stopped after %s by --max-tokens: the interval is not within %g %% yet\n", done, 100*j.UntilWidth)
	default:
		printf(s.err, "carat: note: the text ended before the interval was within %g %%: more text is needed for that\n", 100*j.UntilWidth)
	}
}

func chunksDone(r *report.Report) int {
	for i := range r.Candidates {
		if n := len(r.Candidates[i].Chunks); n > 0 {
			return n
		}
	}
	return 0
}

// figuresSoFar is a progress bar's title.
func figuresSoFar(j *job.Job, series []*figure.Series) string {
	name := j.Figure()
	parts := []string{j.Command, figure.Named(name).Short}
	for i, s := range series {
		if s == nil || len(parts) == 5 {
			continue
		}
		l, err := s.Limits(name, figure.All)
		if err != nil {
			continue
		}
		figure := fmt.Sprintf("%.4f", l.Estimate())
		if len(series) > 1 {
			figure = j.Candidates[i].ID.FileType + " " + figure
		}
		parts = append(parts, figure)
	}
	return strings.Join(parts, " ")
}
