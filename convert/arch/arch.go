// Package arch knows the model families: which GGUF metadata a config.json means, which tensors a checkpoint
// must have and what each becomes.
//
// A family is one file with one Family value and a line in the list below. It says what the reference
// converter (convert_hf_to_gguf.py) would write; nothing here reads weights.
//
// config.json is read as transformers reads it: in any of the spellings of its versions (rope.go), and a key that
// is missing has the default of its class (Family.Defaults). Keys that change what the model computes and that
// GGUF cannot say are errors that name them (computation.go); what GGUF's runtimes do differently in spite of
// the reference converting it is a note.
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
	// Defaults are the values of missing keys: those of the config class in transformers.
	Defaults map[string]any
	// Aliases are other names of keys, which the config class accepts, with the names that are used here.
	Aliases map[string]string
	// Describe declares what a checkpoint with this config becomes. Errors are the config's.
	Describe func(c *Config) *Spec
}

// Spec is what a checkpoint becomes.
type Spec struct {
	// Name is general.architecture, if the config says another one than the family's.
	Name string
	// Metadata are the architecture's entries in file order. general.file_type stands among them without a value.
	Metadata []gguf.KV
	// Before are entries that stand in front of the general ones.
	Before []gguf.KV
	// Computed are tensors that are made from the config.
	Computed []Computed
	// Numbers are tensors of the checkpoint that become metadata.
	Numbers []Numbers
	// Tensors lists what is made of every tensor of the checkpoint (tensor.go).
	Tensors []Tensor
	// Pooler are tensors that the reference leaves out, but that scores need: they are written where those are wanted.
	Pooler []Tensor
	// LeftOut are tensors of the checkpoint that the file does not have.
	LeftOut []LeftOut
	// SpacePrefix, if not nil, is written as tokenizer.ggml.add_space_prefix behind the tokenizer.
	SpacePrefix *bool
	// Vocab is the number of tokens, 0 if config.json leaves it to the tokenizer.
	Vocab int64
	// Prefix is what the names of the checkpoint's tensors begin with, and may lack: "model." or "transformer.".
	Prefix string
}

// families lists what can be converted. A new one is a new file and a line here.
var families = []*Family{
	llama, mistral, mixtral,
	qwen2, qwen2moe, qwen2vl, qwen3, qwen3moe, qwen3vl, qwen3vlmoe, qwen3next, qwen35, qwen35moe, olmoe,
	gemma, gemma2, gemma3, gemmaEmbedding, gemma3n, gemma4,
	mistral3, gptoss, deepseek, deepseekV2, deepseekV3, youtu, chatglm, glm4, glm4moe, glm4moelite,
	granite, granitemoe, olmo, olmo2, olmo3, smollm3, arcee, apertus, seedoss, llama4, cohere, cohere2, exaone, exaone4, exaonemoe,
	ernie45, ernie45moe, dots1, minimaxm2, afmoe, hunyuan, hunyuanMoE, internlm2, internlm3, minicpm, minicpm3, bailing, bailing2, orion, baichuan, kormo, lfm2, lfm2moe, nemotron, stablelm,
	phi2, phimoe, gptneox, bloom, falcon, mpt, starcoder, starcoder2, mamba1, jamba, mamba2,
	falconh1, granitehybrid, bamba, nemotronh,
	bert, distilbert, roberta, xlmRoberta, nomicBert, jinaBert, modernbert, neobert, eurobert, t5, mt5,
	phi3, gpt2,
}

// Classes lists the names in config.json's architectures that are known.
func Classes() []string {
	var out []string
	for _, f := range families {
		out = append(out, f.Classes...)
	}
	slices.Sort(out)
	return out
}

// Find returns the family of a config, the class that config.json names, and the config with the defaults of that
// class behind it.
func Find(c *Config) (*Family, string, *Config, error) {
	classes, ok := c.values["architectures"].([]any)
	if _, text := c.textPart(); text["architectures"] != nil {
		classes, ok = text["architectures"].([]any) // a multimodal model may name its text model's class
	}
	if !ok || len(classes) == 0 {
		return nil, "", nil, fmt.Errorf("%w: %s: config: architectures is missing; it must name the model's class", gguf.ErrInput, c.path)
	}
	class, ok := classes[0].(string)
	if !ok {
		return nil, "", nil, fmt.Errorf("%w: %s: config: architectures must hold the name of a class (got %v)", gguf.ErrInput, c.path, classes[0])
	}
	for _, f := range families {
		if slices.Contains(f.Classes, class) {
			return f, class, c.over(f), nil
		}
	}
	return nil, "", nil, c.unsupported(class)
}

// ExpectF32 reports whether a GGUF tensor of dims dimensions is float32 whatever the file's type.
func ExpectF32(name string, dims int) bool {
	if dims <= 1 || strings.HasSuffix(name, "_norm.weight") || !strings.HasSuffix(name, ".weight") {
		return true
	}
	for _, s := range []string{"ffn_gate_inp.weight", "ffn_gate_inp_shexp.weight", "position_embd.weight", "token_types.weight", "ssm_conv1d.weight",
		"shortconv.conv.weight", "altup_correct_coef.weight", "altup_predict_coef.weight"} {
		if name == s || strings.HasSuffix(name, "."+s) {
			return true
		}
	}
	return false
}
