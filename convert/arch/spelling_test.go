package arch

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// small are the sizes of a small model: the rest is left to the class.
var small = map[string]any{"num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4, "num_key_value_heads": 2,
	"vocab_size": 400, "max_position_embeddings": 512}

// describe reads small with changes as a config of class; a nil value takes a key away.
func describe(t *testing.T, class string, changes string) (map[string]any, *Spec, *Config) {
	t.Helper()
	values := maps.Clone(small)
	var more map[string]any
	require.NoError(t, json.Unmarshal([]byte("{"+changes+"}"), &more), changes)
	maps.Copy(values, more)
	values["architectures"] = []string{class}
	b, err := json.Marshal(values)
	require.NoError(t, err)
	c, err := parseConfig(b, "config.json")
	require.NoError(t, err)
	f, _, c, err := Find(c)
	require.NoError(t, err)
	spec := f.Describe(c)
	out := map[string]any{}
	for _, kv := range append(spec.Before, spec.Metadata...) {
		if len(kv.Key) > len(f.Name) {
			out[kv.Key[len(f.Name)+1:]] = kv.Value
		}
	}
	return out, spec, c
}

const (
	fours  = "1, 1, 1, 1, 1, 1, 1, 1"
	fives  = "2, 2, 2, 2, 2, 2, 2, 2"
	factor = `"short_factor": [` + fours + `], "long_factor": [` + fives + `]`
)

// TestRopeSpellings: what is said in each of the ways of transformers' versions is the same.
func TestRopeSpellings(t *testing.T) {
	for name, c := range map[string]struct {
		class     string
		spellings []string
		want      map[string]any
	}{
		"theta": {"LlamaForCausalLM", []string{`"rope_theta": 500000`, `"rope_theta": 500000.0, "rope_scaling": null`, `"rope_parameters": {"rope_theta": 500000, "rope_type": "default"}`,
			`"rope_scaling": {"rope_theta": 500000, "rope_type": "default"}`, `"rope_parameters": {"rope_type": "default"}, "rope_theta": 500000`,
			`"rope_parameters": {"full_attention": {"rope_theta": 500000}}`, `"rope_scaling": {}, "rope_parameters": {"rope_theta": 500000}`},
			map[string]any{"rope.freq_base": float32(500000), "rope.scaling.type": nil}},
		"linear": {"LlamaForCausalLM", []string{`"rope_scaling": {"type": "linear", "factor": 2}`, `"rope_scaling": {"rope_type": "linear", "factor": 2.0}`,
			`"rope_parameters": {"rope_type": "linear", "factor": 2, "rope_theta": 10000}`},
			map[string]any{"rope.freq_base": float32(10000), "rope.scaling.type": "linear", "rope.scaling.factor": float32(2)}},
		"yarn": {"Qwen3ForCausalLM", []string{
			`"rope_theta": 1e6, "rope_scaling": {"type": "yarn", "factor": 4, "original_max_position_embeddings": 128, "beta_fast": 24, "beta_slow": 2, "attention_factor": 1.25}`,
			`"rope_parameters": {"rope_theta": 1e6, "rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 128, "beta_fast": 24, "beta_slow": 2, "attn_factor": 1.25}`},
			map[string]any{"rope.freq_base": float32(1e6), "rope.scaling.type": "yarn", "rope.scaling.factor": float32(4), "rope.scaling.original_context_length": uint32(128),
				"rope.scaling.yarn_beta_fast": float32(24), "rope.scaling.yarn_beta_slow": float32(2), "rope.scaling.yarn_attn_factor": float32(1.25), "rope.scaling.yarn_ext_factor": nil}},
		"yarn of the whole context": {"Qwen2ForCausalLM", []string{`"rope_scaling": {"type": "yarn", "factor": 4, "extrapolation_factor": 1}`},
			map[string]any{"rope.scaling.original_context_length": uint32(512), "rope.scaling.yarn_ext_factor": float32(1)}},
		"dynamic": {"LlamaForCausalLM", []string{`"rope_scaling": {"type": "dynamic", "factor": 2}`}, map[string]any{"rope.scaling.type": nil, "rope.scaling.factor": nil}},
		"gemma": {"Gemma3ForCausalLM", []string{`"rope_local_base_freq": 10000, "rope_theta": 1000000, "rope_scaling": {"rope_type": "linear", "factor": 8}`,
			`"rope_scaling": {"rope_type": "linear", "factor": 8}`,
			`"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8, "rope_theta": 1000000}, "sliding_attention": {"rope_type": "default", "rope_theta": 10000}}`,
			`"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8}, "sliding_attention": null}`},
			map[string]any{"rope.freq_base": float32(1e6), "rope.freq_base_swa": float32(1e4), "rope.scaling.type": "linear", "rope.scaling.factor": float32(8)}},
		"longrope": {"Phi3ForCausalLM", []string{`"original_max_position_embeddings": 256, "rope_scaling": {"type": "su", ` + factor + `}`,
			`"original_max_position_embeddings": 256, "rope_parameters": {"rope_type": "longrope", "original_max_position_embeddings": 128, ` + factor + `}`},
			map[string]any{"rope.scaling.attn_factor": float32(1.0606601717798212), "rope.scaling.original_context_length": uint32(256), "rope.dimension_count": uint32(16)}},
		"phi yarn": {"Phi3ForCausalLM", []string{`"original_max_position_embeddings": 256, "rope_scaling": {"type": "yarn", ` + factor + `}`},
			map[string]any{"rope.scaling.attn_factor": float32(1.0606601717798212)}},
		"gemma type": {"Gemma3ForCausalLM", []string{`"rope_scaling": {"type": "linear", "factor": 8}`}, map[string]any{"rope.scaling.type": nil}},
		"partial": {"Phi3ForCausalLM", []string{`"partial_rotary_factor": 0.5`, `"rope_parameters": {"partial_rotary_factor": 0.5}`, `"partial_rotary_factor": 1, "rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}`},
			map[string]any{"rope.dimension_count": uint32(8), "rope.freq_base": float32(10000), "rope.scaling.original_context_length": uint32(4096)}},
		"sections": {"Qwen2ForCausalLM", []string{`"rope_scaling": {"type": "default", "mrope_section": [4, 2, 2]}`}, map[string]any{"rope.dimension_sections": []int32{4, 2, 2, 0}}},
	} {
		for _, s := range c.spellings {
			got, _, cfg := describe(t, c.class, s)
			require.NoError(t, cfg.Err(), "%s: %s", name, s)
			for k, v := range c.want {
				require.Equal(t, v, got[k], "%s: %s: %s", name, s, k)
			}
		}
	}
}

// TestLlama3Spellings: the factors are the same tensor, and what is missing is the context.
func TestLlama3Spellings(t *testing.T) {
	const rest = `"factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 64`
	var want []float32
	for _, s := range []string{`"rope_theta": 500000, "rope_scaling": {"rope_type": "llama3", ` + rest + `}`, `"rope_theta": 500000, "rope_scaling": {"type": "llama3", ` + rest + `}`,
		`"rope_parameters": {"rope_theta": 500000, "rope_type": "llama3", ` + rest + `}`} {
		_, spec, cfg := describe(t, "LlamaForCausalLM", s)
		require.NoError(t, cfg.Err())
		require.Len(t, spec.Computed, 1, s)
		if want == nil {
			want = spec.Computed[0].Values
			require.Equal(t, float32(1), want[0])
			require.Equal(t, float32(8), want[len(want)-1])
		}
		require.Equal(t, want, spec.Computed[0].Values, s)
	}
}

// TestDefaults: a key that is missing has the default of its class, not Llama's.
func TestDefaults(t *testing.T) {
	for _, c := range []struct {
		class, take, key string
		want             any
	}{
		{"LlamaForCausalLM", "max_position_embeddings", "context_length", uint32(2048)},
		{"LlamaForCausalLM", "num_key_value_heads", "attention.head_count_kv", uint32(4)},
		{"LlamaForCausalLM", "head_dim", "attention.key_length", uint32(16)},
		{"MistralForCausalLM", "max_position_embeddings", "context_length", uint32(131072)},
		{"MixtralForCausalLM", "rms_norm_eps", "attention.layer_norm_rms_epsilon", float32(1e-5)},
		{"MixtralForCausalLM", "rope_theta", "rope.freq_base", float32(1e6)},
		{"MixtralForCausalLM", "num_experts_per_tok", "expert_used_count", uint32(2)},
		{"MixtralForCausalLM", "head_dim", "attention.key_length", nil},
		{"Qwen2ForCausalLM", "max_position_embeddings", "context_length", uint32(32768)},
		{"Qwen2MoeForCausalLM", "moe_intermediate_size", "expert_feed_forward_length", uint32(1408)},
		{"Qwen3ForCausalLM", "head_dim", "attention.key_length", uint32(128)},
		{"Qwen3ForCausalLM", "rope_theta", "rope.freq_base", float32(1e4)},
		{"Qwen3MoeForCausalLM", "num_experts", "expert_count", uint32(128)},
		{"OlmoeForCausalLM", "rms_norm_eps", "attention.layer_norm_rms_epsilon", float32(1e-5)},
		{"Gemma3ForCausalLM", "head_dim", "attention.key_length", uint32(256)},
		{"Gemma3ForCausalLM", "sliding_window", "attention.sliding_window", uint32(4096)},
		{"Gemma3ForCausalLM", "max_position_embeddings", "context_length", uint32(131072)},
		{"Phi3ForCausalLM", "rms_norm_eps", "attention.layer_norm_rms_epsilon", float32(1e-5)},
		{"Phi3ForCausalLM", "max_position_embeddings", "context_length", uint32(4096)},
		{"GPT2LMHeadModel", "n_positions", "context_length", uint32(1024)},
	} {
		values := maps.Clone(small)
		if c.class == "GPT2LMHeadModel" {
			values = map[string]any{"n_embd": 64, "n_head": 4}
		}
		if delete(values, c.take); c.class == "Qwen3MoeForCausalLM" {
			values["norm_topk_prob"] = true // which runtimes take for granted, and the class does not
		}
		values["architectures"] = []string{c.class}
		b, err := json.Marshal(values)
		require.NoError(t, err)
		cfg, err := parseConfig(b, "config.json")
		require.NoError(t, err)
		f, _, cfg, err := Find(cfg)
		require.NoError(t, err)
		spec := f.Describe(cfg)
		require.NoError(t, cfg.Err(), c.class)
		var got any
		for _, kv := range spec.Metadata {
			if kv.Key == f.Name+"."+c.key {
				got = kv.Value
			}
		}
		require.Equal(t, c.want, got, "%s without %s", c.class, c.take)
	}
}

// TestComputationRefused: a key that changes the computation and that GGUF cannot say is an error that names it.
func TestComputationRefused(t *testing.T) {
	for _, c := range []struct{ class, changes, want string }{
		{"LlamaForCausalLM", `"hidden_act": "gelu"`, "hidden_act is gelu"},
		{"LlamaForCausalLM", `"rope_scaling": {"rope_type": "longrope2"}`, `rope_scaling.rope_type is "longrope2"`},
		{"LlamaForCausalLM", `"rope_scaling": {"rope_type": "linear"}`, "rope_scaling.factor is missing"},
		{"LlamaForCausalLM", `"rope_scaling": {"type": "su", ` + factor + `}`, `rope_scaling.rope_type is "longrope"`},
		{"LlamaForCausalLM", `"rope_scaling": "linear"`, "rope_scaling must be an object (got linear"},
		{"LlamaForCausalLM", `"rope_parameters": {"rope_type": "llama3", "factor": 8, "llama_4_scaling_beta": 0.1}`, "rope_parameters.llama_4_scaling_beta is 0.1"},
		{"LlamaForCausalLM", `"rope_scaling": {"type": "llama3", "factor": 0}`, "rope_scaling.factor must be a number above 0 (got 0"},
		{"LlamaForCausalLM", `"rope_theta": -1`, "rope_theta must be a number above 0 (got -1"},
		{"LlamaForCausalLM", `"partial_rotary_factor": 0.5`, "partial_rotary_factor is 0.5"},
		{"LlamaForCausalLM", `"embedding_multiplier": 12`, "embedding_multiplier is 12"},
		{"LlamaForCausalLM", `"rms_norm_eps": 0`, "bad input: config.json: config: rms_norm_eps must be a number above 0 (got 0)"},
		{"MistralForCausalLM", `"attention_bias": true`, "attention_bias is true"},
		{"Qwen2ForCausalLM", `"use_sliding_window": true, "sliding_window": 16, "max_window_layers": 1`, "sliding_window is 16"},
		{"Qwen3ForCausalLM", `"layer_types": ["full_attention", "sliding_attention"], "sliding_window": 16`, "sliding_window is 16"},
		{"Qwen3ForCausalLM", `"rope_scaling": {"type": "longrope"}`, `rope_scaling.rope_type is "longrope"`},
		{"Qwen3ForCausalLM", `"rope_scaling": {"type": "yarn", "factor": 2, "truncate": false}`, "rope_scaling.truncate is false"},
		{"Qwen2MoeForCausalLM", `"qkv_bias": false`, "qkv_bias is false"},
		{"OlmoeForCausalLM", `"rms_norm_eps": 1e-6`, "rms_norm_eps is 1e-06"},
		{"OlmoeForCausalLM", `"clip_qkv": 8`, "clip_qkv is 8"},
		{"Gemma3ForCausalLM", `"attn_logit_softcapping": 50`, "attn_logit_softcapping is 50"},
		{"Gemma3ForCausalLM", `"query_pre_attn_scalar": 168`, "query_pre_attn_scalar is 168"},
		{"Gemma3ForCausalLM", `"layer_types": ["full_attention", "sliding_attention"]`, "layer_types"},
		{"Gemma3ForCausalLM", `"sliding_window_pattern": 2`, "sliding_window_pattern"},
		{"Gemma3ForCausalLM", `"use_bidirectional_attention": true`, "use_bidirectional_attention is true"},
		{"Gemma3TextModel", `"use_bidirectional_attention": false`, "use_bidirectional_attention is not true"},
		{"Phi3ForCausalLM", `"rope_scaling": {"type": "longrope", "long_factor": [1], "short_factor": [1]}`, "bad input: config.json: config: rope_scaling.long_factor must have 8 values (got 1)"},
		{"Phi3ForCausalLM", `"rope_scaling": {"type": "longrope", "long_mscale": 1.2}`, "rope_scaling.long_mscale is 1.2"},
		{"Phi3ForCausalLM", `"partial_rotary_factor": 0.01`, "partial_rotary_factor is 0.01"},
		{"GPT2LMHeadModel", `"activation_function": "relu"`, "activation_function is relu"},
		{"GPT2LMHeadModel", `"n_embd": 64, "n_inner": 100`, "n_inner is 100"},
		{"GPT2LMHeadModel", `"scale_attn_by_inverse_layer_idx": true`, "scale_attn_by_inverse_layer_idx is true"},
	} {
		_, _, cfg := describe(t, c.class, c.changes)
		require.ErrorIs(t, cfg.Err(), gguf.ErrInput, "%s %s", c.class, c.changes)
		require.ErrorContains(t, cfg.Err(), c.want)
	}
}

// TestPublished: keys of published configs that say what the class computes anyway.
func TestPublished(t *testing.T) {
	for class, keys := range map[string]string{
		// Qwen3-Coder-30B-A3B
		"Qwen3MoeForCausalLM": `"norm_topk_prob": true, "use_qk_norm": true, "qkv_bias": false, "shared_expert_intermediate_size": 0, "num_experts": 8, "moe_intermediate_size": 32, "mlp_only_layers": []`,
		"Qwen3ForCausalLM":    `"use_qk_norm": true`,
		"OlmoeForCausalLM":    `"use_qk_norm": true, "clip_qkv": null, "num_experts": 8, "rms_norm_eps": 1e-5`,
		// LLaMA of 2023
		"LLaMAForCausalLM": `"max_sequence_length": 2048, "pad_token_id": -1`,
	} {
		_, _, cfg := describe(t, class, keys)
		require.NoError(t, cfg.Err(), class)
		require.Empty(t, cfg.Notes(), class)
	}
	_, spec, cfg := describe(t, "Qwen3MoeForCausalLM", `"norm_topk_prob": true, "shared_expert_intermediate_size": 0, "num_experts": 8, "moe_intermediate_size": 32`)
	require.NoError(t, cfg.Err())
	require.Contains(t, spec.Metadata, gguf.KV{Key: "qwen3moe.expert_shared_feed_forward_length", Value: uint32(0)})
	_, _, cfg = describe(t, "LlamaForCausalLM", `"use_qk_norm": true`)
	require.ErrorContains(t, cfg.Err(), "use_qk_norm")
}

// TestNotes: what is converted in spite of a difference is said.
func TestNotes(t *testing.T) {
	for changes, want := range map[string]string{
		`"rope_scaling": {"type": "dynamic", "factor": 2}`:                                "config.json: rope_scaling.rope_type dynamic is left out",
		`"sliding_window": 64`:                                                            "config.json: sliding_window is 64",
		`"rope_scaling": {"type": "yarn", "factor": 4, "mscale": 1, "mscale_all_dim": 1}`: "makes the magnitude 1",
		`"rope_scaling": {"type": "yarn", "factor": 4, "attention_factor": 1.25}`:         "which computes 1.139 from the factor", // 0.1 ln 4 + 1
		`"rope_scaling": {"type": "yarn", "factor": 4, "attn_factor": 0.878}`:             "attn_factor is 0.878: transformers and llama.cpp pass over it and compute with a magnitude of 1.139",
	} {
		_, _, cfg := describe(t, "MistralForCausalLM", changes)
		require.NoError(t, cfg.Err())
		require.Contains(t, fmt.Sprint(cfg.Notes()), want)
	}
	for _, none := range []string{`"sliding_window": null`, `"sliding_window": null, "rope_scaling": {"type": "yarn", "factor": 4, "attention_factor": 1.1386294361}`} {
		_, _, cfg := describe(t, "MistralForCausalLM", none)
		require.Empty(t, cfg.Notes())
	}
	_, spec, cfg := describe(t, "Qwen3Model", `"tie_word_embeddings": true`)
	require.Contains(t, fmt.Sprint(cfg.Notes()), "a model without a head")
	require.True(t, spec.Tensors[2].Optional, "lm_head")
}
