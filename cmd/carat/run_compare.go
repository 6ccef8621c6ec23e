package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	benchrun "github.com/carat-llm/carat/eval/bench/run"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/urfave/cli/v2"
)

// candidateFile is a model to compare.
type candidateFile struct{ path, role string }

// comparison is compare's options, and sweep's once its files are made. prepare comes first, then run.
type comparison struct {
	reference  string
	candidates []candidateFile
	measure    measureOptions
	extras     extras
	pages      pages
	job        job.Job
}

func comparisonOf(c *cli.Context, command string) (*comparison, error) {
	o, err := measureOptionsOf(c)
	if err != nil {
		return nil, err
	}
	if len(o.Texts) == 0 {
		return nil, usagef("%s needs --text FILE", command)
	}
	cmp := &comparison{reference: c.String("reference"), measure: o, extras: extras{c.Bool("speed"), c.Bool("tensors")}, pages: pagesOf(c)}
	// One broken file among many should not cost the figures of the others.
	cmp.job = job.Job{Command: command, Options: o.Eval, MaxTokens: o.MaxTokens, UntilWidth: o.UntilWidth, Tolerant: true, AnyTokenizer: true}
	return cmp, nil
}

func (c *comparison) addControls(paths []string) {
	for _, p := range paths {
		c.candidates = append(c.candidates, candidateFile{p, report.Control})
	}
}

// prepare finds what cannot work before the work: files that are not there, texts that are too short, a reference that
// does not load. src is the reference if it is open already.
func (c *comparison) prepare(ms *models, src gguf.Model) error {
	if err := c.measure.checkReport(); err != nil {
		return err
	}
	ms.sizesOnly = c.measure.Report == "" && len(c.pages) == 0 && !ms.g.json // as in eval
	for _, f := range c.candidates {
		if _, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %s: no such file or folder", gguf.ErrInput, f.path)
		}
	}
	j := &c.job
	var err error
	if j.Texts, err = c.measure.texts(); err != nil || c.reference == "" {
		return err
	}
	if src != nil {
		j.Reference, err = ms.add(c.reference, src, "", j.Options.Context)
	} else {
		j.Reference, err = ms.load(c.reference, "", j.Options.Context)
	}
	if err != nil {
		return err
	}
	j.Corpus, err = text.NewCorpus(j.Texts, j.Reference.Loaded.Tokenizer, j.Options)
	return err
}

// run loads the candidates, measures and shows them. Those that failed are listed at the end. made are files that are
// there whatever comes of it.
func (c *comparison) run(ctx context.Context, ms *models, made []string) error {
	j := &c.job
	for _, f := range c.candidates {
		m, err := ms.load(f.path, f.role, j.Options.Context)
		switch {
		case errors.Is(err, gguf.ErrInput):
			m = &job.Model{ID: job.Named(f.path), Role: f.role}
			m.Fail(f.path, err)
		case err != nil:
			return err
		}
		j.Candidates = append(j.Candidates, *m)
	}
	job.UniqueNames(j.Candidates)
	r, err := runJob(ctx, ms.g, j, c.measure)
	var left *interruption
	if r == nil || err != nil && !errors.As(err, &left) {
		if errors.Is(err, context.Canceled) && len(made) > 0 {
			return &interruption{"interrupted before anything was measured", are(made, "complete")}
		}
		return err
	}
	if err == nil {
		if err = c.extras.add(ctx, ms, j, r); errors.Is(err, context.Canceled) {
			r.Complete = false
			err = c.measure.interrupted("interrupted when all chunks were done")
		}
	}
	job.Compare(r)
	var o outputs
	defer o.abort()
	storing := c.pages.write(ms.g, r, c.measure.Report, r, &o)
	return errors.Join(ended(err, storing, slices.Concat(made, o.files.Names()), c.measure.Report), j.Failures())
}

// extras are what is measured beside predictions.
type extras struct{ speed, tensors bool }

// add measures what is asked for of the models that job ran, and puts it into r.
func (x extras) add(ctx context.Context, ms *models, j *job.Job, r *report.Report) error {
	var reference gguf.Model
	if j.Reference != nil {
		reference = j.Reference.Source
	}
	for i := range j.Candidates {
		m := &j.Candidates[i]
		if m.Failure != "" {
			continue
		}
		if x.tensors {
			b := newBar(ms.g, "tensors of "+m.ID.Name)
			t, err := job.Tensors(ctx, m.Source, reference, ms.g.threads, b.update)
			b.finish()
			if err != nil {
				return err
			}
			r.Candidates[i].Tensors = t
		}
		if x.speed {
			e, err := ms.engine(m.Loaded.Name, m.Source)
			if err != nil {
				return err
			}
			b := newBar(ms.g, "speed of "+m.ID.Name)
			o := benchrun.Short(j.Options.Context)
			o.Progress = b.update
			l, err := benchrun.Measure(ctx, e, o)
			b.finish()
			if err != nil {
				return err
			}
			r.Candidates[i].Latency = l
		}
	}
	return nil
}
