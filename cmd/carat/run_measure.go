package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval/cache"
	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/engine"
)

// models are those of one run. Closing closes all.
type models struct {
	g    global
	src  convert.Options
	sums *cache.Sums
	// sizesOnly is set when nobody will see the models' SHA-256: files are not read for it.
	sizesOnly bool
	loader    job.Loader
}

func (m *models) close() { m.loader.Close() }

// ready is the loader, as the fields say by now.
func (m *models) ready() *job.Loader {
	l := &m.loader
	l.Options, l.Hash = m.g.computing.options(engine.Options{Threads: m.g.threads}), m.sums.Hash
	if m.sizesOnly {
		l.Hash = sizeOf
	}
	l.Warn = func(path string, e *engine.Engine, tokens int) {
		warnBeyond(m.g.err, path, e, tokens, fmt.Sprintf("a context of %d tokens", tokens))
	}
	return l
}

// engine makes the model that was opened at path ready to run, unless it is.
func (m *models) engine(path string, src gguf.Model) (*engine.Engine, error) {
	return m.ready().Engine(path, src)
}

// load opens and loads the model at path, and its adapters, with room for ctx tokens.
func (m *models) load(path, role string, ctx int, adapters ...convert.LoRA) (*job.Model, error) {
	src, err := m.g.openAdapted(path, m.src, adapters)
	if err != nil {
		return nil, err
	}
	m.loader.Keep(src)
	return m.add(path, src, role, ctx)
}

// add loads a model that is open already.
func (m *models) add(path string, src gguf.Model, role string, ctx int) (*job.Model, error) {
	return m.ready().Add(path, src, role, ctx)
}

// source is where a reference is.
func (m *models) source(path string, ctx int) job.Source {
	return job.Source{
		Path: path,
		Open: func() (gguf.Model, error) {
			src, err := m.g.open(path, m.src)
			if err == nil {
				m.loader.Keep(src)
			}
			return src, err
		},
		Load: func() (*job.Model, error) { return m.load(path, "", ctx) },
	}
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
func runJob(ctx context.Context, g global, j *job.Job, o measureOptions) (*report.Report, error) {
	b := newCounter(g, j.Command)
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
	warnCalibrated(g, j)
	b.resume(int64(done), int64(j.Corpus.ChunksFor(j.MaxTokens)))
	j.Threads = g.threads
	j.Progress = func(done, all int, series []*figure.Series) {
		b.describe(j.SoFar(series))
		b.update(int64(done), int64(all))
	}
	r, err := j.Run(ctx)
	b.finish()
	if r != nil && errors.Is(err, context.Canceled) {
		return r, o.interrupted(fmt.Sprintf("interrupted after chunk %d of %d", chunksDone(r), r.Protocol.Chunks))
	}
	if err == nil && o.UntilWidth > 0 && !g.quiet {
		sayWidth(g.err, j, r)
	}
	return r, err
}

// warnCalibrated warns of models that were calibrated by one of the texts that they are measured on.
func warnCalibrated(g global, j *job.Job) {
	for _, c := range j.Candidates {
		for _, file := range job.CalibratedBy(c.Source, j.Texts) {
			if !g.quiet {
				printf(g.err, "carat: warning: %s was calibrated by %s: its figures on that text flatter it\n", c.ID.Name, file)
			}
		}
	}
}

// interrupted says how to continue.
func (o *measureOptions) interrupted(what string) *interruption {
	if o.Report == "" {
		return &interruption{what, "with --report FILE.json a run can be resumed"}
	}
	return &interruption{what, o.Report + " keeps what was measured: continue with --resume"}
}

// sayWidth tells whether --until-width was reached.
func sayWidth(stderr io.Writer, j *job.Job, r *report.Report) {
	done := fmt.Sprintf("%d of %d chunks", chunksDone(r), r.Protocol.Chunks)
	switch j.Stopped() {
	case report.StoppedByWidth:
		printf(stderr, "carat: note: stopped after %s: the interval is within %g %%\n", done, 100*j.UntilWidth)
	case report.StoppedByTokens:
		printf(stderr, "carat: note: stopped after %s by --max-tokens: the interval is not within %g %% yet\n", done, 100*j.UntilWidth)
	default:
		printf(stderr, "carat: note: the text ended before the interval was within %g %%: more text is needed for that\n", 100*j.UntilWidth)
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
