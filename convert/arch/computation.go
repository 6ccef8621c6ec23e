package arch

import (
	"maps"
	"reflect"
	"slices"
)

// neutral are keys of configs that change what a model computes, with the values at which they do not. A family
// that understands one names it when it calls computes; elsewhere another value is an error: the file would
// compute something else than the checkpoint.
var neutral = map[string][]any{
	"add_cross_attention":             {false},
	"alibi":                           {false},
	"attention_multiplier":            {},
	"attn_logit_softcapping":          {},
	"attn_temperature_tuning":         {false},
	"clip_qkv":                        {},
	"cross_attention_layers":          {},
	"embedding_multiplier":            {1.0},
	"final_logit_softcapping":         {},
	"is_encoder_decoder":              {false},
	"logit_scale":                     {1.0},
	"logits_scaling":                  {1.0},
	"n_group":                         {1.0},
	"no_rope_layers":                  {},
	"num_kv_shared_layers":            {0.0},
	"num_nextn_predict_layers":        {0.0},
	"parallel_attn":                   {false},
	"qk_layernorm":                    {false},
	"residual_multiplier":             {1.0},
	"scale_attn_by_inverse_layer_idx": {false},
	"scale_attn_weights":              {true},
	"scale_depth":                     {},
	"scale_emb":                       {1.0},
	"scoring_func":                    {"softmax"},
	"topk_group":                      {1.0},
	"use_bidirectional_attention":     {false},
	"use_parallel_residual":           {false},
	"use_qk_norm":                     {false},
	"use_sliding_window":              {false}, // refused more exactly where it is understood
	"use_alibi":                       {false},
	"rope_interleaved":                {false},
	"query_pre_attn_scalar":           {},
	"mup_enabled":                     {false},
	"use_mup":                         {false},
	"partial_rotary_factor":           {1.0},
	"rotary_pct":                      {1.0},
	"rope_pct":                        {1.0},
	"use_cla":                         {false},
	"activation_sparsity_pattern":     {},
	"per_layer_config":                {},
	"layernorm_sequence":              {},
	"apply_residual_connection_post_layernorm": {false},
}

// computes checks the keys that change the computation: those of neutral that are not in understood, and those of
// want, whose values the family's graph takes for granted. null, or a missing key without default, is always
// neutral.
func (c *Config) computes(want map[string][]any, understood ...string) {
	for _, key := range slices.Sorted(maps.Keys(neutral)) {
		if _, named := want[key]; !named && !slices.Contains(understood, key) {
			c.oneOf(key, neutral[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		c.oneOf(key, want[key])
	}
}

func (c *Config) oneOf(key string, values []any) {
	v := c.value(key)
	if v == nil || slices.ContainsFunc(values, func(x any) bool { return reflect.DeepEqual(x, v) }) {
		return
	}
	switch len(values) {
	case 0:
		c.fail(key, "is %v, which changes what the model computes and is not supported for this class", v)
	case 1:
		c.fail(key, "is %v: GGUF files of this architecture compute with %v", v, values[0])
	default:
		c.fail(key, "is %v: GGUF files of this architecture compute with one of %v", v, values)
	}
}

// silu are the names of the activation that gated feed-forward parts of most families have.
var silu = map[string][]any{"hidden_act": {"silu", "swish"}}

// fullAttention refuses layers that attend to a sliding window only, for families whose files cannot say so.
// from is the first layer that would slide where the config does not list the types of its layers.
func (c *Config) fullAttention(d dims, from int64) {
	slides := false
	if c.Has("layer_types") {
		slides = slices.Contains(c.List("layer_types"), any("sliding_attention"))
	} else if c.Bool("use_sliding_window") {
		slides = from < d.layers
	}
	if !slides { // transformers writes a window of 0 then
		return
	}
	if window := c.IntOr("sliding_window", maxTokens, d.context); window < d.context {
		c.fail("sliding_window", "is %d for some layers: GGUF files of this architecture attend to the whole context in all", window)
	}
}
