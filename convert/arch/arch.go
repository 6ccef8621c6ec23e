// Package arch knows the model families: which GGUF metadata a config.json means, which tensors a checkpoint
// must have and what each becomes.
//
// A family is one file with one Family value and a line in the list below. It says what the reference
// converter (convert_hf_to_gguf.py) would write; nothing here reads weights.
package arch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// Family is an architecture as checkpoints name it.
type Family struct {
	// Classes are the names in config.json's architectures.
	Classes []string
	// Name is general.architecture.
	Name string
	// Metadata returns the architecture's entries in file order, general.file_type among them.
	Metadata func(c *Config, fileType uint32) []gguf.KV
	// Extra returns tensors that are computed from the config, and the entries that come with them; nil if none.
	Extra func(c *Config) ([]gguf.KV, []Extra)
	// Tensors lists every tensor of the checkpoint.
	Tensors func(c *Config) []Tensor
	// SpacePrefix, if not nil, is written as tokenizer.ggml.add_space_prefix behind the tokenizer.
	SpacePrefix *bool
}

// Tensor says what a tensor of the checkpoint becomes.
type Tensor struct {
	Source string  // name in the checkpoint
	Name   string  // name in GGUF
	Shape  []int64 // in the checkpoint: rows x cols, or one dimension
	// Experts above 0 stacks that many tensors of the checkpoint, each of that Shape, into one of three
	// dimensions. Source then has %d where their names have the expert's number.
	Experts int64
	// Optional tensors may be absent.
	Optional bool
	Transform
}

// Sources are the names of the checkpoint's tensors that this one is made of: one, or one for each expert.
func (t Tensor) Sources() []string {
	if t.Experts == 0 {
		return []string{t.Source}
	}
	names := make([]string, t.Experts)
	for e := range names {
		names[e] = fmt.Sprintf(t.Source, e)
	}
	return names
}

// Transform changes a tensor on its way. The zero value leaves it as it is.
type Transform struct {
	// Heads above 0 reorders the rows of each head from halves to pairs, as ggml rotates positions.
	Heads int64
	// AddOne adds 1 to every element: Gemma stores norm weights less one.
	AddOne bool
	// Transpose swaps rows and columns: GPT-2 stores matrices input x output.
	Transpose bool
}

// Extra is a computed float32 tensor of one dimension.
type Extra struct {
	Name   string
	Values []float32
}

// families lists what can be converted. A new one is a new file and a line here.
var families = []*Family{llama, mixtral, qwen2, qwen2moe, qwen3, qwen3moe, olmoe, gemma3, phi3, gpt2}

// Classes lists the names in config.json's architectures that are known.
func Classes() []string {
	var out []string
	for _, f := range families {
		out = append(out, f.Classes...)
	}
	slices.Sort(out)
	return out
}

// Find returns the family of a config.
func Find(c *Config) (*Family, string, error) {
	classes, ok := c.values["architectures"].([]any)
	if !ok || len(classes) == 0 {
		return nil, "", fmt.Errorf("%w: %s: config: architectures is missing: it names the model's class", gguf.ErrInput, c.path)
	}
	class, _ := classes[0].(string)
	for _, f := range families {
		if slices.Contains(f.Classes, class) {
			return f, class, nil
		}
	}
	return nil, "", fmt.Errorf("%w: %s: unsupported architecture %q; known are %s", gguf.ErrInput, c.path, class, strings.Join(Classes(), ", "))
}

// Skipped reports whether a tensor of the checkpoint is left out: buffers that are computed anew.
func Skipped(name string) bool {
	for _, s := range []string{".attention.masked_bias", ".attention.bias", ".rotary_emb.inv_freq"} {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	return false
}

// ExpectF32 reports whether a GGUF tensor of dims dimensions is float32 whatever the file's type.
func ExpectF32(name string, dims int) bool {
	if dims <= 1 || strings.HasSuffix(name, "_norm.weight") || !strings.HasSuffix(name, ".weight") {
		return true
	}
	for _, s := range []string{"ffn_gate_inp.weight", "ffn_gate_inp_shexp.weight", "position_embd.weight", "token_types.weight", "ssm_conv1d.weight", "shortconv.conv.weight"} {
		if name == s || strings.HasSuffix(name, "."+s) {
			return true
		}
	}
	return false
}
