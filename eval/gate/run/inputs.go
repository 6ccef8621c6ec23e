package run

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"

	"github.com/carat-llm/carat/eval/gate"
	"github.com/carat-llm/carat/eval/parity"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/task"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
)

// Inputs are all inputs of a verdict. The later phases take them from here and from nowhere else, and the key of the
// stored verdict is the SHA-256 of this whole value: an input added here is in the key. Small files are here as they were
// read; models and programs, which are read later or elsewhere, by their SHA-256.
type Inputs struct {
	Request
	Texts       []text.Text
	Items       []*task.Items   // of the policy's tasks, in order
	Recipe      *recipe.File    // nil for a file type
	Imatrix     *imatrix.Matrix // nil for none
	Baseline    *report.Report
	Calibration *report.Calibration // nil when no text is given
	Findings    []report.Finding    // about texts, before models are opened
	Llama       *parity.Program     // nil when the policy does not look at it, or for NoLlama
	NoLlama     string              // why there is none
	Identity                        // empty when no key is needed
}

// Read reads everything but the models, and checks it.
func Read(ctx context.Context, req Request, env *Env) (*Inputs, error) {
	p, in := req.Policy, &Inputs{Request: req}
	var err error
	if in.Texts, err = p.ReadTexts(); err != nil {
		return nil, err
	}
	var sums []string
	for _, t := range p.Data.Eval {
		h, err := env.Sums.Hash(t.Path)
		if err != nil {
			return nil, err
		}
		sums = append(sums, h.SHA256)
	}
	if err := in.readBaseline(env); err != nil {
		return nil, err
	}
	if p.Data.Calibration != "" {
		if in.Calibration, err = gate.ReadCalibration(ctx, p.Data.Calibration, in.Texts); err != nil {
			return nil, err
		}
	}
	in.Findings = gate.Inputs(p, sums, in.Calibration)
	if path := p.Target.Imatrix; path != "" {
		if in.Imatrix, err = imatrix.Read(path); err != nil {
			return nil, err
		}
		in.Findings = append(in.Findings, gate.Recorded(p, path, in.Imatrix, in.Texts, sums)...)
	}
	if err := in.readRecipe(); err != nil {
		return nil, err
	}
	for _, t := range p.Data.Tasks {
		kind, _ := task.Lookup(t.Name)
		items, err := task.Read(kind, t.Path)
		if err != nil {
			return nil, err
		}
		in.Items = append(in.Items, items)
	}
	return in, in.findLlama(ctx)
}

// maxRecipe is the size of the largest recipe that is read.
const maxRecipe = 64 << 20

// readRecipe reads the recipe of what is built, if it has one.
func (in *Inputs) readRecipe() error {
	path := in.Policy.Target.Recipe
	if in.Given != "" || path == "" {
		return nil
	}
	b, err := inputfile.ReadText(path, maxRecipe)
	if err != nil {
		return fmt.Errorf("target.recipe: %w", err)
	}
	if in.Recipe, err = recipe.ParseFile(filepath.Base(path), bytes.NewReader(b)); err != nil {
		return &UsageError{fmt.Errorf("target.recipe: %w", err)}
	}
	return nil
}

// readBaseline finds and reads the last release's report, if there is one.
func (in *Inputs) readBaseline(env *Env) error {
	b, path := in.Policy.Baseline, in.LastReport
	if path == "" && b.Release != "" {
		var ok bool
		if path, ok = env.Store.Baseline(b.Release); !ok {
			env.Note("no baseline %s is kept in the cache: gates against it are skipped; --save-baseline NAME keeps a first one", b.Release)
			return nil
		}
	}
	if path == "" {
		return nil
	}
	if b.SHA256 != "" {
		h, err := gguf.HashFile(path)
		if err != nil {
			return err
		}
		if h.SHA256 != b.SHA256 {
			return fmt.Errorf("%w: the baseline %s has SHA-256 %s, the policy says %s", gguf.ErrInput, path, h.SHA256, b.SHA256)
		}
	}
	var err error
	if in.Baseline, err = report.Read(path); err != nil {
		return fmt.Errorf("the baseline: %w", err)
	}
	if was := in.Baseline.Protocol.Computation; !was.Is(in.Computation) {
		return hint.Wrap(&UsageError{fmt.Errorf("the baseline %s was computed %s, this run %s: figures of the two do not compare", path, was, in.Computation)},
			"--compute and --kv-type choose how to compute")
	}
	return nil
}

// findLlama finds llama.cpp's program when the policy has a gate on it. When it is missing, that gate says so.
func (in *Inputs) findLlama(ctx context.Context) error {
	if !in.Policy.Needs().Parity {
		return nil
	}
	var err error
	if in.Llama, err = parity.Find(ctx, in.Policy.Target.LlamaCPP); err != nil {
		in.NoLlama = err.Error()
	}
	return ctx.Err()
}
