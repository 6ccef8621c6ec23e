package run

import (
	"context"
	"errors"

	"github.com/carat-llm/carat/eval/bench"
	benchrun "github.com/carat-llm/carat/eval/bench/run"
	"github.com/carat-llm/carat/eval/gate"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/parity"
	"github.com/carat-llm/carat/eval/report"
	evalrun "github.com/carat-llm/carat/eval/run"
	"github.com/carat-llm/carat/eval/task"
	"github.com/carat-llm/carat/gguf"
)

// once is what is measured once, however much text is scored.
type once struct {
	tensors []report.Tensor
	latency *bench.Result
	tasks   []task.Result
	parity  *parity.Answer
}

// measureOnce measures tensors, and speed, tasks and llama.cpp as far as the policy asks for them, of candidate i.
func (m *Measured) measureOnce(ctx context.Context, i int) (o once, err error) {
	c, path := &m.job.Candidates[i], m.c.Path
	if i > 0 {
		path = m.c.Control
	}
	b := m.env.Progress("tensors of "+c.ID.Name, false)
	o.tensors, err = job.Tensors(ctx, c.Source, m.job.Reference.Source, m.env.Threads, b.Update)
	b.Finish()
	if err != nil {
		return o, &evalrun.ModelError{Candidate: i, Err: err}
	}
	if n := m.in.Policy.Needs(); n.Speed {
		if o.latency, err = m.speed(ctx, c, path, n); err != nil {
			return o, err
		}
	}
	if o.tasks, err = m.tasks(ctx, c); err != nil {
		return o, err
	}
	if i == 0 {
		o.parity, err = m.inLlama(ctx)
	}
	return o, err
}

// speed measures what the clock says of c, which is at path, with the A/A check that every gate on it needs.
func (m *Measured) speed(ctx context.Context, c *job.Model, path string, n gate.Needs) (*bench.Result, error) {
	tokens := m.in.Policy.Context
	o := benchrun.Short(tokens)
	o.Noise, o.Rounds, o.Energy = true, bench.MinRounds, n.Energy
	o.Compared = bench.Spec{Generate: min(32, tokens)}
	e, err := m.env.Models.Engine(c.Loaded.Name, c.Source)
	if err != nil {
		return nil, err
	}
	b := m.env.Progress("speed of "+c.ID.Name, false)
	o.Progress = b.Update
	r, err := benchrun.Measure(ctx, e, o)
	b.Finish()
	if err == nil && n.Load {
		opts := m.env.Models.Options
		opts.Source = func(path string) (gguf.Model, error) { return m.env.Open(path, "") }
		r.Load, err = benchrun.Load(path, opts)
	}
	return r, err
}

// tasks asks c and the reference the policy's items.
func (m *Measured) tasks(ctx context.Context, c *job.Model) (out []task.Result, err error) {
	if len(m.in.Policy.Data.Tasks) == 0 {
		return nil, nil
	}
	cand, err := m.taskModel(c)
	if err != nil {
		return nil, err
	}
	ref, err := m.taskModel(m.job.Reference)
	if err != nil {
		return nil, err
	}
	for i, t := range m.in.Policy.Data.Tasks {
		kind, _ := task.Lookup(t.Name)
		b := m.env.Progress(t.Name, true)
		r, err := task.Run(ctx, kind, m.in.Items[i], *cand, ref, task.Options{Limit: t.Limit, Progress: func(done, all int, _ float64) { b.Update(int64(done), int64(all)) }})
		b.Finish()
		if err != nil {
			return nil, err
		}
		out = append(out, *r)
	}
	return out, nil
}

// taskModel is c as tasks ask it.
func (m *Measured) taskModel(c *job.Model) (*task.Model, error) {
	e, err := m.env.Models.Engine(c.Loaded.Name, c.Source)
	if err != nil {
		return nil, err
	}
	return job.TaskModel(e)
}

// inLlama asks llama.cpp what the candidate predicts for the first text; nil when the policy does not look at it.
func (m *Measured) inLlama(ctx context.Context) (*parity.Answer, error) {
	if m.in.NoLlama != "" {
		return parity.None(errors.New(m.in.NoLlama)), nil
	}
	if m.in.Llama == nil {
		return nil, nil
	}
	b := m.env.Progress("llama.cpp", true)
	defer b.Finish()
	corpus := m.job.Corpus
	in := parity.Input{
		Model: m.c.Path, Text: corpus.Texts[0].Data, Tokens: corpus.Tokens[0], Context: corpus.Options.Context,
		Chunks: min(parity.Chunks, corpus.Chunks[0]), Threads: m.env.Threads,
	}
	b.Update(0, int64(in.Chunks))
	return m.in.Llama.Measure(ctx, in)
}
