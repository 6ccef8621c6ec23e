package run

import (
	"os"

	"github.com/carat-llm/carat/eval/cache"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
)

// Identity is what programs, models and the machine are, which only a key needs.
type Identity struct {
	Program     ProgramID
	LlamaSHA256 string
	Candidate   ModelID // empty when it is built
	Source      ModelID
	Reference   ModelID
	BuiltName   string // which the report shows
	Day         string // when waivers end; "" without any
	CPU         string // when speed is measured
	Threads     int    // likewise: figures of quality do not depend on it
}

// ProgramID is what computes.
type ProgramID struct {
	SHA256 string
	Kernel string // the instructions used
	Report int    // the version of reports
}

// ModelID is what a model is to a measurement: its files, and the model that they were read as.
type ModelID struct {
	Model    report.Model
	Metadata []gguf.KV
	Tensors  []gguf.TensorInfo
}

// Key is where the verdict for these inputs is stored. It is empty when there is no store, or when an input cannot be
// hashed; the phase that uses that input reports the error.
func (in *Inputs) Key(env *Env) string {
	if env.Store == nil || in.identify(env) != nil {
		return ""
	}
	key, _ := in.sum()
	return key
}

// sum is the key. How the baseline was judged has no bearing on it, only of which candidate it is.
func (in Inputs) sum() (string, error) {
	if in.Baseline != nil && in.Baseline.Gate != nil {
		last := *in.Baseline
		last.Gate = &report.Gate{Candidate: in.Baseline.Gate.Candidate}
		in.Baseline = &last
	}
	return cache.Key(in)
}

// identify fills in the Identity.
func (in *Inputs) identify(env *Env) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	sum, err := env.Sums.Hash(exe)
	if err != nil {
		return err
	}
	in.Program = ProgramID{sum.SHA256, cpu.Current().String(), report.Version}
	if in.Llama != nil {
		if sum, err = env.Sums.Hash(in.Llama.Path); err != nil {
			return err
		}
		in.LlamaSHA256 = sum.SHA256
	}
	p := in.Policy
	for _, m := range []struct {
		path, dtype string
		id          *ModelID
	}{{in.Given, "", &in.Candidate}, {p.Model.Source, "", &in.Source}, {p.Reference.Source, p.Reference.DType, &in.Reference}} {
		if m.path == "" {
			continue
		}
		if *m.id, err = modelID(m.path, m.dtype, env); err != nil {
			return err
		}
	}
	if in.Given == "" {
		in.BuiltName = in.builtName()
	}
	if len(p.Allow) > 0 {
		in.Day = env.Today
	}
	if p.Needs().Speed {
		in.CPU, in.Threads = cpu.Name(), env.Threads
	}
	return nil
}

func modelID(path, dtype string, env *Env) (id ModelID, err error) {
	m, err := env.Open(path, dtype)
	if err != nil {
		return id, err
	}
	defer m.Close()
	id.Metadata = m.Metadata().All()
	for _, t := range m.Tensors() {
		id.Tensors = append(id.Tensors, t.Info())
	}
	id.Model, err = job.Identify(path, m, env.Sums.Hash)
	return id, err
}
