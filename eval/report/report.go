// Package report is the record of an evaluation: one report.json. Package page draws it.
//
// A [Report] holds what was measured (models, texts, protocol), the figures of every candidate with their intervals,
// and per chunk the sums that the figures were computed from, so that a stored report can be judged again, continued
// and compared with another run over the same chunks. docs/report.md describes the JSON; [Read] validates it.
//
// There are no times and no paths in it: the same inputs give the same bytes, except for what latency measures.
package report

//go:generate go run ./schema .. ../../docs/report.schema.json

import (
	"slices"

	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/parity"
	"github.com/carat-llm/carat/eval/task"
)

// Schema and Version identify the JSON. Version grows when a field changes its meaning or goes; new fields come
// without.
const (
	Schema  = "carat/report"
	Version = 1
)

// Report is one run.
type Report struct {
	Schema  string `json:"schema"`
	Version int    `json:"version"`
	Tool    Tool   `json:"tool"`
	Command string `json:"command"` // the verb: "eval", "compare", "sweep", "gate"
	// Complete is false when the run was interrupted: the figures are of the chunks that were done.
	Complete bool     `json:"complete"`
	Protocol Protocol `json:"protocol"`
	// Data are the texts, in the order of the slices' numbers.
	Data        []Data       `json:"data"`
	Calibration *Calibration `json:"calibration,omitempty"`
	Reference   *Model       `json:"reference,omitempty"`
	Candidates  []Candidate  `json:"candidates"`
	// Comparisons are between candidates, each pair and figure once.
	Comparisons []Comparison `json:"comparisons,omitempty"`
	Gate        *Gate        `json:"gate,omitempty"`
	Findings    []Finding    `json:"findings,omitempty"`

	// Unknown are the JSON paths of fields that Parse did not know: of a newer carat, or misspelt. They are lost.
	Unknown []string `json:"-"`
}

// Candidate returns the candidate of that name, or nil.
func (r *Report) Candidate(name string) *Candidate {
	for i := range r.Candidates {
		if r.Candidates[i].Name == name {
			return &r.Candidates[i]
		}
	}
	return nil
}

// Slice is the index in Data of the slice of that name, or -1.
func (r *Report) Slice(name string) int {
	return slices.IndexFunc(r.Data, func(d Data) bool { return d.Name == name })
}

// Tool is the program that measured.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// What ends a run before the end of the texts.
const (
	StoppedByWidth  = "width"
	StoppedByTokens = "max-tokens"
)

// Protocol says how the text was cut and scored.
type Protocol struct {
	Context int `json:"ctx"`
	Stride  int `json:"stride,omitempty"`
	Computation
	// Chunks is how many there are in the texts together; candidates hold those that were evaluated.
	Chunks int `json:"chunks"`
	// Stored is set when the reference's predictions came from a file: "cache" or "llama-logits".
	Stored string `json:"stored_reference,omitempty"`
	// Stopped says what ended the run before the end of the texts: StoppedByWidth, when all figures were known well
	// enough, or StoppedByTokens; empty when nothing did.
	Stopped string `json:"stopped,omitempty"`
	// UntilWidth is the half width of the 95 % interval, as a share of the figure, at which the run was to end; 0 for none.
	UntilWidth float64 `json:"until_width,omitempty"`
	// SameBytes is set when the candidates' tokenizers differ: chunks are then stretches of text of at most Context
	// tokens for all of them, and what is scored of each is its second half by bytes. Candidates compare in bits per
	// byte; tokens and perplexities are each candidate's own, and those of Data the first one's.
	SameBytes bool `json:"same_bytes,omitempty"`
}

// Data is a text, or the documents of one value of a JSONL field: a slice of the figures.
type Data struct {
	Name   string `json:"name"`   // of the slice
	File   string `json:"file"`   // the base name
	SHA256 string `json:"sha256"` // of the slice's text
	Bytes  int    `json:"bytes"`
	Tokens int    `json:"tokens"`
	Chunks int    `json:"chunks"`
}

// Calibration is the text that an importance matrix came from, and what of the evaluation text was found in it.
type Calibration struct {
	File    string  `json:"file"`
	SHA256  string  `json:"sha256"`
	Overlap float64 `json:"overlap"` // the largest share of a text's n-grams found, 0 to 1
	Worst   string  `json:"worst,omitempty"`
	Excerpt string  `json:"excerpt,omitempty"`
}

// Model identifies a model.
type Model struct {
	Name          string  `json:"name"` // the base name, or the one given
	SHA256        string  `json:"sha256"`
	Bytes         int64   `json:"bytes"`
	Architecture  string  `json:"architecture"`
	FileType      string  `json:"file_type"` // "Q4_K_M", "BF16", ...
	Parameters    int64   `json:"parameters"`
	BitsPerWeight float64 `json:"bits_per_weight"`
	// Source is general.name or the like, for pages; may be empty.
	Title string `json:"title,omitempty"`
}

// Control is the role of a candidate that others are compared with.
const Control = "control"

// Candidate is a model that was measured.
type Candidate struct {
	Model
	// Role is "" for a candidate and Control for one that is there to compare with.
	Role    string          `json:"role,omitempty"`
	Metrics *figure.Metrics `json:"metrics,omitempty"`
	// Slices are the figures by slice, in the order of Data; with one slice there are none.
	Slices []Slice `json:"slices,omitempty"`
	// WorstSlice is the slice with the largest mean divergence (perplexity without a reference).
	WorstSlice string `json:"worst_slice,omitempty"`
	// Chunks are the sums behind all figures.
	Chunks  []figure.ChunkStats `json:"chunks,omitempty"`
	Latency *bench.Result       `json:"latency,omitempty"`
	Tasks   []task.Result       `json:"tasks,omitempty"`
	// Parity is what llama.cpp makes of the file.
	Parity *parity.Result `json:"parity,omitempty"`
	// Tensors are the types, bytes and errors of the candidate's tensors, in the file's order.
	Tensors []Tensor `json:"tensors,omitempty"`
	// EffectiveBits is the bits per weight at which the ladder of controls reaches this divergence; nil without a ladder.
	EffectiveBits *float64 `json:"effective_bits,omitempty"`
	// Pareto says that no other candidate is both smaller and nearer to the reference.
	Pareto bool `json:"pareto,omitempty"`
	// Failure says why there are no figures, when the model could not be measured.
	Failure string `json:"failure,omitempty"`
}

// Slice is the figures of one text.
type Slice struct {
	Name    string          `json:"name"`
	Metrics *figure.Metrics `json:"metrics"`
}

// Tensor is one of a candidate's.
type Tensor struct {
	Name  string  `json:"name"`
	Type  string  `json:"type"`
	Shape []int64 `json:"shape"`
	Bytes int64   `json:"bytes"`
	// Layer is -1 outside of layers; Role is the name without layer and ".weight": "attn_q".
	Layer int    `json:"layer"`
	Role  string `json:"role"`
	// Error is the root mean square of the difference from the reference's tensor over that tensor's own; nil where
	// it was not compared.
	Error *float64 `json:"error,omitempty"`
}

// Comparison is between two candidates, over the same chunks.
type Comparison struct {
	A      string `json:"a"`
	B      string `json:"b"`
	Metric string `json:"metric"`
	// Relative is A's figure over B's, minus 1.
	Relative float64          `json:"relative"`
	CI       *figure.Interval `json:"ci95,omitempty"`
	// P is two-sided and PAdjusted is Holm's over all comparisons of the report.
	P         float64 `json:"p"`
	PAdjusted float64 `json:"p_adjusted"`
	// Better is "a", "b", or "" when the difference is not significant at 5 %.
	Better string `json:"better"`
}
