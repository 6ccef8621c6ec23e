package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval/cache"
	"github.com/carat-llm/carat/eval/ci"
	gaterun "github.com/carat-llm/carat/eval/gate/run"
	"github.com/carat-llm/carat/eval/page"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize"
)

// verdict is the end of a gate that did not pass.
type verdict struct {
	code int
	msg  string
}

func (v *verdict) Error() string { return v.msg }

// runGate judges what o asks for and writes what it asks for.
func runGate(ctx context.Context, g global, o *gateOptions, src convert.Options) error {
	ms := &models{g: g, src: src}
	env := gateEnv(g, ms, o)
	v, err := gaterun.Run(ctx, o.Request, env)
	if v != nil {
		defer v.Candidate.Close()
	}
	defer ms.close()
	if err != nil {
		if v != nil && v.Report != nil && errors.Is(err, context.Canceled) {
			return o.interrupted(g, v)
		}
		return err
	}
	return o.finish(g, ms, env, v)
}

// gateEnv is what a gate works with: the models, the cache of o, and what is shown and told meanwhile. Without a cache that
// can be used a run takes longer, and that is all.
func gateEnv(g global, ms *models, o *gateOptions) *gaterun.Env {
	env := &gaterun.Env{
		Threads: g.threads, Today: time.Now().Format(time.DateOnly),
		Open: func(path, dtype string) (gguf.Model, error) {
			how := ms.src
			if dtype != "" {
				how.OutType = dtype
			}
			return convert.OpenPath(path, how)
		},
		Note: func(format string, args ...any) {
			if !g.quiet {
				printf(g.err, "carat: note: "+format+"\n", args...)
			}
		},
		Planned: func(p *quantize.Plan) { printNotes(g, p) },
		Progress: func(title string, counts bool) gaterun.Progress {
			return progressBar{startBar(g, title, counts)}
		},
	}
	if o.cache != "" {
		store, err := cache.Open(o.cache)
		if err != nil {
			env.Note("no verdict is stored: the cache: %v", err)
		} else {
			env.Store, env.Sums, ms.sums = store, store.Sums, store.Sums
		}
	}
	env.Models = ms.ready()
	return env
}

// progressBar is a bar as packages use it.
type progressBar struct{ *bar }

func (b progressBar) Update(done, total int64) { b.update(done, total) }
func (b progressBar) Describe(title string)    { b.describe(title) }
func (b progressBar) Finish()                  { b.finish() }

// interrupted writes the report of what was measured.
func (o *gateOptions) interrupted(g global, v *gaterun.Verdict) error {
	var out outputs
	defer out.abort()
	if err := (pages{}).stage(v.Report, o.report, &out); err != nil {
		return err
	}
	if err := out.commit(g.out); err != nil {
		return err
	}
	m := measureOptions{Report: o.report}
	return m.interrupted(fmt.Sprintf("interrupted after chunk %d of %d", chunksDone(v.Report), v.Report.Protocol.Chunks))
}

// finish writes everything that was asked for, the candidate together with its reports and pages, and ends with the
// verdict.
func (o *gateOptions) finish(g global, ms *models, env *gaterun.Env, v *gaterun.Verdict) error {
	r := v.Report
	var out outputs
	defer out.abort()
	run := ci.RunOf(os.Getenv)
	run.Built, run.Parameters = v.Built(), o.built
	if v.Publishes() {
		ms.close() // some systems do not rename a file that is mapped
		if err := v.Candidate.Move(o.Out, &out.files); err != nil {
			return errors.Join(err, o.ci.stage(g, r, run, &out))
		}
	}
	if err := o.ci.stage(g, r, run, &out); err != nil {
		return err
	}
	if err := o.pages.write(g, r, o.report, r, &out); err != nil {
		return err
	}
	v.KeepBaseline(o.saveBaseline, env)
	if err := o.ci.annotate(g.err, r, ci.GitHubOptions{PolicyPath: o.policyPath, ReportPath: o.report, Markdown: page.Markdown}); err != nil {
		return err
	}
	if r.Gate.ExitCode == 0 {
		return nil
	}
	return &verdict{r.Gate.ExitCode, v.Summary()}
}
