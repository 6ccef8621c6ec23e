package gate

import (
	"errors"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
)

// Version is the version of the policy files that this package reads.
const Version = 1

// ErrPolicy is wrapped by every error about a policy (exit code 2).
var ErrPolicy = errors.New("bad policy")

// Policy is a policy file. What it does not state is empty, except for what profiles and defaults fill in; Parse says
// which. The verb may let flags override fields.
type Policy struct {
	Name   string // the base name of the file
	SHA256 string // of its text

	Profile string
	// Tokens are scored before the first judgement, at most MaxTokens before the last.
	Tokens, MaxTokens int
	Context           int // of a chunk, in tokens

	Model     Model
	Target    Target
	Data      Data
	Reference Reference
	Baseline  Baseline
	Control   Control
	Gates     []Gate
	// Inconclusive is what an inconclusive gate means in the end: Fail, Warn or MoreData.
	Inconclusive string
	Allow        []Waiver
}

// Model is the checkpoint or file that the candidate is made from, and what the candidate must have.
type Model struct {
	Source     string
	ExpectArch string
	Require    []string // names in required, or metadata keys
}

// Target is how the candidate is made and what it may be.
type Target struct {
	Type     string // file type, "Q4_K_M"
	Recipe   string // path
	Imatrix  string // path
	MaxBytes int64
	// MaxBPW bounds the bits per weight.
	MaxBPW float64
	// Types are the only tensor types allowed; nil allows all. TypesName is the set's, when it is a named one.
	Types     []gguf.Type
	TypesName string
	MinType   []MinType
	// LlamaCPP is the path of llama-perplexity, for the parity with llama.cpp.
	LlamaCPP string
}

// MinType asks for at least the bits per weight of Type in the tensors named: "output.weight", "output", or the part
// that layers have in common, "attn_v".
type MinType struct {
	Tensor string
	Type   gguf.Type
	Line   int
}

// Data are the texts.
type Data struct {
	// Calibration is a path; CalibrationSHA256 identifies it instead, or too.
	Calibration, CalibrationSHA256 string
	Eval                           []Text
	Tasks                          []Task
	ForbidOverlap                  bool
}

// Task is a file of items of a task of package eval/task.
type Task struct {
	Name  string // "hellaswag"
	Path  string
	Limit int // items; 0 means all
}

// Text is one evaluation file.
type Text struct {
	Name                  string // of the slice
	Path                  string
	SHA256                string // of the file; "" is not checked
	Tokens                int    // used at most; 0 means all
	TextField, SliceField string // of .jsonl
	Line                  int
}

// Reference is what divergence is from: the model's source when it is empty.
type Reference struct{ Source, DType string }

// Baseline is an earlier report.
type Baseline struct {
	Report  string // path
	SHA256  string // of the report's file
	Release string // "latest" or a SHA-256: found among stored reports by the caller
}

// Control is a candidate to compare with that the same run makes by llama.cpp's rules.
type Control struct {
	Name    string
	Type    recipe.FileType
	Imatrix bool
}

// Set says that there is a control.
func (c Control) Set() bool { return c.Name != "" }

// Gate is one bound.
type Gate struct {
	ID     string
	Metric string
	Scope  string // ScopeAll, ScopeWorst or "slice:NAME"
	Op     string // AtMost or AtLeast
	// Value is the bound; of the relative difference when Versus is set.
	Value      float64
	Confidence float64
	Versus     string // "", Baseline or Control
	Level      string // report.Error or report.Warn
	OnNoise    string // Skip or Fail
	Line       int
}

// Waiver lets a gate fail until the end of a day.
type Waiver struct {
	Gate   string
	Until  string // 2026-12-31
	Reason string
}

// Words of policies.
const (
	ScopeAll   = "all"
	ScopeWorst = "worst_slice"
	scopeSlice = "slice:"

	AtMost  = "<="
	AtLeast = ">="

	VersusBaseline = "baseline"
	VersusControl  = "control"

	Skip     = "skip"
	Fail     = "fail"
	Warn     = "warn"
	MoreData = "more_data"
)

// DefaultConfidence is that of gates that state none.
const DefaultConfidence = 0.95

// profile is how much text is scored.
type profile struct {
	name              string
	tokens, maxTokens int
}

// profiles: 4k tokens tell a mean divergence with a standard error of 7 %, 16k of 3.4 % and 128k of 1.2 %.
var profiles = []profile{{"smoke", 4096, 8192}, {"pr", 16384, 65536}, {"release", 131072, 262144}}

// required are short names of metadata that models need.
var required = map[string]string{
	"chat_template": "tokenizer.chat_template",
	"tokenizer_pre": "tokenizer.ggml.pre",
	"bos":           "tokenizer.ggml.bos_token_id",
	"eos":           "tokenizer.ggml.eos_token_id",
	"license":       "general.license",
}

// typeSets are named sets of tensor types: those that a release of llama.cpp and all later ones read.
var typeSets = map[string][]gguf.Type{
	"compat-llama.cpp-b4500": {
		gguf.F32, gguf.F16, gguf.BF16, gguf.F64, gguf.I8, gguf.I16, gguf.I32, gguf.I64,
		gguf.Q4_0, gguf.Q4_1, gguf.Q5_0, gguf.Q5_1, gguf.Q8_0,
		gguf.Q2_K, gguf.Q3_K, gguf.Q4_K, gguf.Q5_K, gguf.Q6_K,
		gguf.IQ1_S, gguf.IQ1_M, gguf.IQ2_XXS, gguf.IQ2_XS, gguf.IQ2_S, gguf.IQ3_XXS, gguf.IQ3_S, gguf.IQ4_NL, gguf.IQ4_XS,
		gguf.TQ1_0, gguf.TQ2_0,
	},
}

// slices are the names of the texts.
func (p *Policy) slices() []string {
	var out []string
	for _, t := range p.Data.Eval {
		out = append(out, t.Name)
	}
	return out
}
