package main

import (
	"os"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval/cache"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/parity"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/task"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
)

// gateInputs are all inputs of a verdict. The run takes them from here and from nowhere else, and the key of the stored
// verdict is the SHA-256 of this whole value: an input added here is in the key. Small files are here as they were read;
// models and programs, which are read later or elsewhere, by their SHA-256.
type gateInputs struct {
	gateOptions
	Convert     convert.Options
	Computation report.Computation
	Texts       []text.Text
	Items       []*task.Items   // of the policy's tasks, in order
	Recipe      *recipe.File    // nil for a file type
	Imatrix     *imatrix.Matrix // nil for none
	Baseline    *report.Report
	Calibration *report.Calibration // nil when no text is given
	Findings    []report.Finding    // about texts, before models are opened
	Llama       *parity.Program     // nil when the policy does not look at it, or for NoLlama
	NoLlama     string              // why there is none

	// Found by identify, which only a key needs.
	Program     programID
	LlamaSHA256 string
	Candidate   modelID // empty when it is built
	Source      modelID
	Reference   modelID
	BuiltName   string // which the report shows
	Day         string // when waivers end; "" without any
	CPU         string // when speed is measured
	Threads     int    // likewise: figures of quality do not depend on it
}

// programID is what computes.
type programID struct {
	SHA256 string
	Kernel string // the instructions used
	Report int    // the version of reports
}

// modelID is what a model is to a measurement: its files, and the model that they were read as.
type modelID struct {
	Model    report.Model
	Metadata []gguf.KV
	Tensors  []gguf.TensorInfo
}

// key is where the verdict for these inputs is stored. How the baseline was judged has no bearing on it, only of which
// candidate it is.
func (in gateInputs) key() (string, error) {
	if in.Baseline != nil && in.Baseline.Gate != nil {
		last := *in.Baseline
		last.Gate = &report.Gate{Candidate: in.Baseline.Gate.Candidate}
		in.Baseline = &last
	}
	return cache.Key(in)
}

// identify fills in what models, programs and the machine are.
func (x *gating) identify() error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	sum, err := x.models.sums.Hash(exe)
	if err != nil {
		return err
	}
	x.Program = programID{sum.SHA256, cpu.Current().String(), report.Version}
	if x.Llama != nil {
		if sum, err = x.models.sums.Hash(x.Llama.Path); err != nil {
			return err
		}
		x.LlamaSHA256 = sum.SHA256
	}
	p := x.policy
	asReference := x.Convert
	asReference.OutType = p.Reference.DType
	for _, m := range []struct {
		path    string
		options convert.Options
		id      *modelID
	}{{x.given, x.Convert, &x.Candidate}, {p.Model.Source, x.Convert, &x.Source}, {p.Reference.Source, asReference, &x.Reference}} {
		if m.path == "" {
			continue
		}
		if *m.id, err = x.modelID(m.path, m.options); err != nil {
			return err
		}
	}
	if x.given == "" {
		x.BuiltName = x.builtName()
	}
	if len(p.Allow) > 0 {
		x.Day = today()
	}
	if p.Needs().Speed {
		x.CPU, x.Threads = cpu.Name(), x.g.threads
	}
	return nil
}

func (x *gating) modelID(path string, o convert.Options) (id modelID, err error) {
	m, err := convert.OpenPath(path, o)
	if err != nil {
		return id, err
	}
	defer m.Close()
	id.Metadata = m.Metadata().All()
	for _, t := range m.Tensors() {
		id.Tensors = append(id.Tensors, t.Info())
	}
	id.Model, err = job.Identify(path, m, x.models.sums.Hash)
	return id, err
}

// ask sets the key of the verdict. It stays empty when there is no store, or when an input cannot be hashed; the step that
// uses that input reports the error.
func (x *gating) ask() {
	x.storeKey = ""
	if x.store == nil || x.identify() != nil {
		return
	}
	x.storeKey, _ = x.gateInputs.key()
}
