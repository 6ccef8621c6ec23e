package export

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/gguf"
)

// class is a class that an architecture of GGUF may have come from.
type class struct {
	name, modelType string
	// keys are the class's names of keys that others call otherwise.
	keys map[string]string
	// fixed are values that GGUF takes for granted, and transformers does not.
	fixed map[string]any
}

var noWindow = map[string]any{"sliding_window": nil}

// classes are the candidates for an architecture: the first that agrees with the file is taken.
var classes = map[string][]class{
	"llama":      {{name: "LlamaForCausalLM", modelType: "llama"}, {name: "MixtralForCausalLM", modelType: "mixtral", fixed: noWindow}},
	"qwen2":      {{name: "Qwen2ForCausalLM", modelType: "qwen2"}},
	"qwen2moe":   {{name: "Qwen2MoeForCausalLM", modelType: "qwen2_moe", fixed: map[string]any{"norm_topk_prob": false}}},
	"qwen3":      {{name: "Qwen3ForCausalLM", modelType: "qwen3"}},
	"qwen3moe":   {{name: "Qwen3MoeForCausalLM", modelType: "qwen3_moe", fixed: map[string]any{"norm_topk_prob": true}}},
	"olmoe":      {{name: "OlmoeForCausalLM", modelType: "olmoe", fixed: map[string]any{"norm_topk_prob": false}}},
	"gemma":      {{name: "GemmaForCausalLM", modelType: "gemma"}},
	"gemma2":     {{name: "Gemma2ForCausalLM", modelType: "gemma2"}},
	"gemma3":     {{name: "Gemma3ForCausalLM", modelType: "gemma3_text"}},
	"phi3":       {{name: "Phi3ForCausalLM", modelType: "phi3"}},
	"granite":    {{name: "GraniteForCausalLM", modelType: "granite"}},
	"olmo":       {{name: "OlmoForCausalLM", modelType: "olmo"}},
	"olmo2":      {{name: "Olmo2ForCausalLM", modelType: "olmo2"}, {name: "Olmo3ForCausalLM", modelType: "olmo3"}},
	"smollm3":    {{name: "SmolLM3ForCausalLM", modelType: "smollm3"}},
	"arcee":      {{name: "ArceeForCausalLM", modelType: "arcee"}},
	"seed_oss":   {{name: "SeedOssForCausalLM", modelType: "seed_oss"}},
	"command-r":  {{name: "CohereForCausalLM", modelType: "cohere"}},
	"cohere2":    {{name: "Cohere2ForCausalLM", modelType: "cohere2"}},
	"granitemoe": {{name: "GraniteMoeForCausalLM", modelType: "granitemoe"}, {name: "GraniteMoeSharedForCausalLM", modelType: "granitemoeshared"}},
	"gpt2": {{name: "GPT2LMHeadModel", modelType: "gpt2", keys: map[string]string{"hidden_size": "n_embd", "num_hidden_layers": "n_layer",
		"num_attention_heads": "n_head", "max_position_embeddings": "n_positions", "intermediate_size": "n_inner"}}},
}

// Architectures lists those that can be exported.
func Architectures() []string { return slices.Sorted(maps.Keys(classes)) }

// plainKeys are keys of GGUF, without the architecture before them, and of config.json, which hold the same.
var plainKeys = [][2]string{
	{"block_count", "num_hidden_layers"}, {"context_length", "max_position_embeddings"}, {"embedding_length", "hidden_size"},
	{"feed_forward_length", "intermediate_size"}, {"attention.head_count", "num_attention_heads"}, {"attention.head_count_kv", "num_key_value_heads"},
	{"attention.key_length", "head_dim"}, {"attention.layer_norm_rms_epsilon", "rms_norm_eps"}, {"rope.freq_base", "rope_theta"},
	{"rope.freq_base_swa", "rope_local_base_freq"}, {"expert_used_count", "num_experts_per_tok"}, {"expert_feed_forward_length", "moe_intermediate_size"},
	{"attention.sliding_window", "sliding_window"}, {"attn_logit_softcapping", "attn_logit_softcapping"},
	{"final_logit_softcapping", "final_logit_softcapping"}, {"attention.clamp_kqv", "clip_qkv"},
}

// sometimes are keys of which a class has one, which its defaults tell.
var sometimes = [][]string{
	{"expert_count", "num_local_experts", "num_experts", "n_routed_experts"},
	{"attention.layer_norm_epsilon", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"},
	{"logit_scale", "logits_scaling", "logit_scale"},
	{"attention.scale", "attention_multiplier"}, {"embedding_scale", "embedding_multiplier"}, {"residual_scale", "residual_multiplier"},
}

// recognised is a class whose description of a config is that of the file.
type recognised struct {
	class  string
	values map[string]any
	spec   *arch.Spec
}

// recognise finds the class and the config.
func recognise(src gguf.Model) (*recognised, error) {
	md := src.Metadata()
	name := md.Architecture()
	if classes[name] == nil {
		return nil, fmt.Errorf("%w: files of the architecture %q cannot be written as a checkpoint: carat knows the way back from %s", gguf.ErrInput, name, strings.Join(Architectures(), ", "))
	}
	f := &facts{md: md, arch: name, tensors: map[string]gguf.TensorInfo{}}
	for _, t := range src.Tensors() {
		f.tensors[t.Info().Name] = t.Info()
	}
	var first error
	for _, c := range classes[name] {
		r, err := f.as(c, src)
		if err == nil {
			return r, nil
		}
		if first == nil {
			first = fmt.Errorf("%w: the file cannot be written as a checkpoint of %s: %w", gguf.ErrInput, c.name, err)
		}
	}
	return nil, first
}

// facts are what a config is made of.
type facts struct {
	md      *gguf.Metadata
	arch    string
	tensors map[string]gguf.TensorInfo
}

func (f *facts) get(key string) (any, bool) { return f.md.Get(f.arch + "." + key) }

// has reports whether there is a tensor.
func (f *facts) has(name string) bool { _, ok := f.tensors[name]; return ok }

// as makes the config of a class, and checks it.
func (f *facts) as(c class, src gguf.Model) (*recognised, error) {
	family, ok := arch.FamilyOf(c.name)
	if !ok {
		return nil, fmt.Errorf("the class %s is not known", c.name)
	}
	embedding, ok := f.tensors["token_embd.weight"]
	if !ok {
		return nil, fmt.Errorf("missing tensor token_embd.weight")
	}
	v := map[string]any{"vocab_size": float64(embedding.Rows())}
	name := func(key string) string {
		if own := c.keys[key]; own != "" {
			return own
		}
		return key
	}
	for _, k := range plainKeys {
		if x, ok := f.get(k[0]); ok {
			v[name(k[1])] = number(x)
		}
	}
	for _, k := range sometimes {
		x, ok := f.get(k[0])
		if !ok {
			continue
		}
		if i := slices.IndexFunc(k[1:], func(key string) bool { _, ok := family.Defaults[key]; return ok }); i >= 0 {
			v[k[1+i]] = number(x)
		}
	}
	known := func(key string, value any) { // what the class has a key for
		if _, ok := family.Defaults[key]; ok {
			v[key] = value
		}
	}
	known("attention_bias", f.has("blk.0.attn_q.bias"))
	known("mlp_bias", f.has("blk.0.ffn_up.bias"))
	known("attention_out_bias", f.has("blk.0.attn_output.bias"))
	known("use_qk_norm", f.has("blk.0.attn_q_norm.weight"))
	v["tie_word_embeddings"] = !f.has("output.weight")
	f.special(v)
	maps.Copy(v, c.fixed)
	if err := f.rope(v); err != nil {
		return nil, err
	}
	v["architectures"], v["model_type"] = []any{c.name}, c.modelType
	variants, err := factorsOf(v, src.Tensors())
	if err != nil {
		return nil, err
	}
	for _, values := range variants {
		var spec *arch.Spec
		if spec, err = f.describe(values); err == nil {
			if err = sameComputed(spec, src.Tensors()); err == nil {
				return &recognised{c.name, values, spec}, nil
			}
		}
	}
	return nil, err
}

// describe is the family's description of a config, which agrees with the file.
func (f *facts) describe(values map[string]any) (*arch.Spec, error) {
	family, _, config, err := arch.Find(arch.MakeConfig(maps.Clone(values), "a config.json made of its metadata"))
	if err != nil {
		return nil, err
	}
	spec := family.Describe(config)
	if err := config.Err(); err != nil {
		return nil, err
	}
	return spec, f.agrees(spec)
}

// special are values that several keys of the file, or of the config, share.
func (f *facts) special(v map[string]any) {
	heads, _ := f.md.Int(f.arch + ".attention.head_count")
	hidden, _ := f.md.Int(f.arch + ".embedding_length")
	switch f.arch {
	case "gemma2", "gemma3": // attention is scaled by the length of a head, or of its share in the largest models
		layers, _ := f.md.Int(f.arch + ".block_count")
		v["query_pre_attn_scalar"] = v["head_dim"]
		if heads > 0 && (f.arch == "gemma2" && layers == 46 || f.arch == "gemma3" && layers == 62) {
			v["query_pre_attn_scalar"] = float64(hidden / heads)
		}
	case "phi3":
		if window, _ := v["sliding_window"].(float64); window == 0 {
			v["sliding_window"] = nil
		}
		if n, ok := f.md.Int("phi3.rope.scaling.original_context_length"); ok {
			v["original_max_position_embeddings"] = float64(n)
		}
		if n, ok := f.md.Int("phi3.rope.dimension_count"); ok && heads > 0 && hidden > 0 {
			v["partial_rotary_factor"] = float64(n*heads) / float64(hidden)
		}
	case "qwen2moe", "qwen3moe":
		if n, ok := f.get("expert_shared_feed_forward_length"); ok {
			v["shared_expert_intermediate_size"] = number(n)
		}
	case "granitemoe":
		if n, ok := f.get("expert_shared_feed_forward_length"); ok {
			v["shared_intermediate_size"] = number(n)
		}
	}
	if pattern, ok := f.get("attention.sliding_window_pattern"); ok {
		types := []any{}
		slides, _ := pattern.([]bool)
		for _, s := range slides {
			types = append(types, map[bool]string{true: "sliding_attention", false: "full_attention"}[s])
		}
		v["layer_types"] = types
	}
}

// rope adds what scales positions.
func (f *facts) rope(v map[string]any) error {
	kind, _ := f.md.String(f.arch + ".rope.scaling.type")
	scaling := map[string]any{"rope_type": kind}
	switch kind {
	case "linear", "yarn":
		for _, k := range [][2]string{{"factor", "factor"}, {"original_context_length", "original_max_position_embeddings"}, {"yarn_ext_factor", "extrapolation_factor"},
			{"yarn_attn_factor", "attention_factor"}, {"yarn_beta_fast", "beta_fast"}, {"yarn_beta_slow", "beta_slow"}} {
			if x, ok := f.get("rope.scaling." + k[0]); ok {
				scaling[k[1]] = number(x)
			}
		}
		v["rope_scaling"] = scaling
	case "", "none":
	default:
		return fmt.Errorf("rope.scaling.type is %q, which has no counterpart in its config.json", kind)
	}
	return nil
}

// number is a value of metadata as JSON has it. A float32 is the shortest decimal number that it is nearest to.
func number(x any) any {
	switch x := x.(type) {
	case float32:
		f, _ := strconv.ParseFloat(strconv.FormatFloat(float64(x), 'g', -1, 32), 64)
		return f
	case bool, string, float64:
		return x
	}
	if v := reflect.ValueOf(x); v.CanInt() {
		return float64(v.Int())
	} else if v.CanUint() {
		return float64(v.Uint())
	} else if v.Kind() == reflect.Slice {
		list := []any{}
		for i := range v.Len() {
			list = append(list, number(v.Index(i).Interface()))
		}
		return list
	}
	return x
}

// fractions are keys that transformers wants as numbers with a point.
var fractions = []string{"rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "rope_theta", "rope_local_base_freq", "attn_logit_softcapping",
	"final_logit_softcapping", "logit_scale", "logits_scaling", "attention_multiplier", "embedding_multiplier", "residual_multiplier", "clip_qkv",
	"partial_rotary_factor", "factor", "low_freq_factor", "high_freq_factor", "attention_factor", "extrapolation_factor", "beta_fast", "beta_slow",
	"long_factor", "short_factor", "position_embedding_base", "temperature", "top_p", "presence_penalty", "frequency_penalty", "repetition_penalty"}

// decimals is a config as it is written: 30.0 for such keys, and not 30.
func decimals(values map[string]any) map[string]any {
	out := maps.Clone(values)
	for key, v := range out {
		if inner, ok := v.(map[string]any); ok {
			out[key] = decimals(inner)
		} else if slices.Contains(fractions, key) {
			out[key] = decimal(v)
		}
	}
	return out
}

func decimal(v any) any {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return json.RawMessage(strconv.FormatFloat(v, 'f', 1, 64))
		}
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = decimal(x)
		}
		return out
	}
	return v
}

// agrees requires that a description says of every key of the architecture what the file says. What the file does not say
// other converters leave out.
func (f *facts) agrees(spec *arch.Spec) error {
	want := map[string]any{}
	for _, kv := range slices.Concat(spec.Before, spec.Metadata) {
		want[kv.Key] = kv.Value
	}
	for _, kv := range f.md.All() {
		if !strings.HasPrefix(kv.Key, f.arch+".") || kv.Key == f.arch+".vocab_size" {
			continue
		}
		w, ok := want[kv.Key]
		if !ok {
			return fmt.Errorf("metadata %s has no counterpart in its config.json", kv.Key)
		}
		if fmt.Sprint(w) != fmt.Sprint(kv.Value) {
			return fmt.Errorf("metadata %s is %.60s, but a checkpoint whose config.json says as much as this file would have %.60s", kv.Key, fmt.Sprint(kv.Value), fmt.Sprint(w))
		}
	}
	return nil
}
