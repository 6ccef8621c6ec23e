package export

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// MLCOptions say how a folder for MLC LLM is written (github.com/mlc-ai/mlc-llm, python/mlc_llm/loader and model).
type MLCOptions struct {
	// Quantization is q4f16_1 or q0f16, as MLC calls them.
	Quantization string
	// Conversation is conv_template of mlc-chat-config.json.
	Conversation map[string]any
	// Threads is how many tensors are written at a time.
	Threads int
}

// MLCQuantizations lists those that can be written: groups of 32 weights of 4 bits, and 16-bit floats.
func MLCQuantizations() []string { return []string{"q4f16_1", "q0f16"} }

// mlcFamily is how a class of models is called in MLC: the names of its parameters, and what its config has.
type mlcFamily struct {
	model string // model_type
	// prefix stands before the names of all parameters.
	prefix string
	// layer are the tensors of a layer that there may be, as the checkpoint calls them.
	layer []string
	// rename are pairs of parts of names, the checkpoint's and MLC's.
	rename *strings.Replacer
	// qkv is the name of the matrix that q_proj, k_proj and v_proj become together, "" if they stay apart.
	qkv string
	// norms says that 1 is added to the weights of norms, which MLC multiplies with as they are.
	norms bool
	// config are the keys of model_config.
	config func(v map[string]any) map[string]any
}

var (
	mlcLayer  = []string{"input_layernorm.weight", "post_attention_layernorm.weight", "self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight", "self_attn.o_proj.weight", "mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight"}
	mlcBias   = []string{"self_attn.q_proj.bias", "self_attn.k_proj.bias", "self_attn.v_proj.bias"}
	mlcHeads  = []string{"self_attn.q_norm.weight", "self_attn.k_norm.weight"}
	mlcAround = []string{"pre_feedforward_layernorm.weight", "post_feedforward_layernorm.weight"}
	mlcPhi    = []string{"input_layernorm.weight", "post_attention_layernorm.weight", "self_attn.qkv_proj.weight", "self_attn.o_proj.weight", "mlp.gate_up_proj.weight", "mlp.down_proj.weight"}
)

// mlcFamilies are the classes that MLC has and whose parameters are known to be those of its loaders.
var mlcFamilies = map[string]mlcFamily{
	"LlamaForCausalLM":  {model: "llama", layer: mlcLayer, qkv: "qkv_proj", config: mlcLlama},
	"Qwen2ForCausalLM":  {model: "qwen2", layer: slices.Concat(mlcLayer, mlcBias), qkv: "c_attn", config: mlcQwen2},
	"Qwen3ForCausalLM":  {model: "qwen3", layer: slices.Concat(mlcLayer, mlcHeads), qkv: "c_attn", config: mlcQwen3},
	"GemmaForCausalLM":  {model: "gemma", layer: mlcLayer, qkv: "qkv_proj", norms: true, config: mlcGemma},
	"Gemma2ForCausalLM": {model: "gemma2", layer: slices.Concat(mlcLayer, mlcAround), qkv: "qkv_proj", norms: true, config: mlcGemma2},
	"Gemma3ForCausalLM": {model: "gemma3_text", prefix: "language_model.", layer: slices.Concat(mlcLayer, mlcAround, mlcHeads), norms: true, config: mlcGemma3},
	"Phi3ForCausalLM": {model: "phi3", layer: mlcPhi, config: mlcPhi3, rename: strings.NewReplacer("model.embed_tokens", "transformer.embd", "model.norm", "transformer.norm",
		"model.layers", "transformer.h", "input_layernorm", "ln", "self_attn.o_proj", "mixer.out_proj", "self_attn", "mixer")},
}

// MLCClasses lists the classes that can be written for MLC.
func MLCClasses() []string { return slices.Sorted(maps.Keys(mlcFamilies)) }

// mlcParam is a parameter of MLC, made of tensors of the checkpoint whose rows follow one another.
type mlcParam struct {
	name  string
	parts []*output
}

// NewMLCPlan finds what becomes of a model for MLC, from its headers alone. Errors wrap gguf.ErrInput.
func NewMLCPlan(src gguf.Model, o MLCOptions) (*Plan, error) {
	if !slices.Contains(MLCQuantizations(), o.Quantization) {
		return nil, fmt.Errorf("%w: unknown quantization %q of MLC; expected one of %s", gguf.ErrInput, o.Quantization, strings.Join(MLCQuantizations(), ", "))
	}
	found, err := recognise(src)
	if err != nil {
		return nil, err
	}
	family, ok := mlcFamilies[found.class]
	if !ok {
		return nil, fmt.Errorf("%w: %s cannot be written for MLC: carat knows MLC's parameters of %s", gguf.ErrInput, found.class, strings.Join(MLCClasses(), ", "))
	}
	outputs, err := layout(found.spec, src.Tensors())
	if err != nil {
		return nil, fmt.Errorf("%w: as %s: %w", gguf.ErrInput, found.class, err)
	}
	params, err := family.params(outputs)
	if err != nil {
		return nil, fmt.Errorf("%w: as MLC's %s: %w", gguf.ErrInput, family.model, err)
	}
	p := &Plan{Type: gguf.F16, Kind: o.Quantization, Class: found.class, Tensors: len(params), threads: max(1, o.Threads), small: map[string][]byte{}}
	if err := p.mlcConfig(src.Metadata(), found, family, o); err != nil {
		return nil, err
	}
	p.mlcShards(params, o.Quantization == "q4f16_1")
	for _, s := range p.shards {
		p.Files = append(p.Files, s.name)
	}
	p.Files = slices.Sorted(slices.Values(slices.Concat(p.Files, slices.Collect(maps.Keys(p.small)), tensorCaches)))
	return p, nil
}

var layerName = regexp.MustCompile(`^model\.layers\.[0-9]+\.`)

// fused is the parameter that a tensor of a layer is a part of, and its place there; names that are no part come back as they are.
func (f mlcFamily) fused(name string) (into string, place int) {
	block, matrix, _ := strings.Cut(name, ".")
	matrix, kind, _ := strings.Cut(matrix, ".")
	if i := slices.Index([]string{"q_proj", "k_proj", "v_proj"}, matrix); i >= 0 && f.qkv != "" {
		return block + "." + f.qkv + "." + kind, i
	}
	if i := slices.Index([]string{"gate_proj", "up_proj"}, matrix); i >= 0 {
		return block + ".gate_up_proj." + kind, i
	}
	return name, 0
}

// params finds the parameters that the tensors of a checkpoint become.
func (f mlcFamily) params(outputs []*output) (params []mlcParam, err error) {
	byName := map[string]int{}
	for _, o := range outputs {
		layer := layerName.FindString(o.name)
		name, place := o.name[len(layer):], 0
		if layer == "" && !slices.Contains(mlcModel, name) || layer != "" && !slices.Contains(f.layer, name) {
			return nil, fmt.Errorf("its model has no place for the tensor %s", o.name)
		}
		if f.norms && strings.HasSuffix(name, "norm.weight") {
			o.change = addOne
		}
		if layer != "" {
			name, place = f.fused(name)
		}
		name = f.prefix + layer + name
		if f.rename != nil {
			name = f.rename.Replace(name)
		}
		i, ok := byName[name]
		if !ok {
			i = len(params)
			byName[name] = i
			params = append(params, mlcParam{name: name})
		}
		p := &params[i]
		for len(p.parts) <= place {
			p.parts = append(p.parts, nil)
		}
		p.parts[place] = o
	}
	for _, p := range params {
		for _, o := range p.parts {
			if o == nil || len(o.shape) != len(p.parts[0].shape) || len(o.shape) == 2 && o.shape[1] != p.parts[0].shape[1] {
				return nil, fmt.Errorf("the parts of its parameter %s do not fit together", p.name)
			}
		}
	}
	return params, nil
}

// mlcModel are the tensors outside of layers.
var mlcModel = []string{"model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"}

func addOne(x []float32) {
	for i := range x {
		x[i]++
	}
}
