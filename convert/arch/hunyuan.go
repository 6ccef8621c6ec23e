package arch

import (
	"math"
	"slices"
)

// hunyuanMoE is the same with experts and one that every token uses. Its config has what could differ in a list, of each layer.
var hunyuanMoE = &Family{
	Classes: []string{"HunYuanMoEV1ForCausalLM"},
	Name:    "hunyuan-moe",
	Defaults: map[string]any{"vocab_size": 290943.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": false,
		"attention_bias": false, "num_experts": 1.0, "moe_topk": 1.0, "num_shared_expert": 1.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}, "mlp_bias": {false}, "use_mixed_mlp_moe": {true},
			"moe_layer_num_skipped": {0.0}, "norm_topk_prob": {true}}, "use_qk_norm", "use_cla")
		r, scaled := hunyuanRope(c, d, 1000)
		width, shared := c.alike("moe_intermediate_size", maxWidth, d.ffn), c.alike("num_shared_expert", maxExperts, 1)
		k := decoderKeys(c, d, r).with(
			key{"expert_shared_feed_forward_length", d.ffn},
			key{"expert_feed_forward_length", width},
			key{"expert_used_count", c.alike("moe_topk", maxExperts, 1)},
			key{"expert_shared_count", shared}).with(scaled...)
		s := decoderSpec(c, d, "hunyuan-moe", k, Transform{}, func(l layer) {
			l.llamaAttention(false, noBias, noBias)
			l.add("self_attn.query_layernorm", "attn_q_norm", []int64{d.headDim}, Transform{}, noBias)
			l.add("self_attn.key_layernorm", "attn_k_norm", []int64{d.headDim}, Transform{}, noBias)
			l.experts(expertSource{"mlp", "mlp.gate.wg", mlpExperts.matrices}, width)
			l.sharedExpert("mlp.shared_mlp", shared*d.ffn)
		})
		if c.Bool("tie_word_embeddings") {
			s = s.withoutHead()
		}
		return s
	},
}

// alike is a number, or one that is the same in a list of all layers, and def without any.
func (c *Config) alike(key string, limit, def int64) int64 {
	list := c.List(key)
	if len(list) == 0 {
		return c.IntOr(key, limit, def)
	}
	for _, v := range list {
		if v != list[0] {
			c.fail(key, "is %v: GGUF files of this architecture have one number for all layers", list)
			return def
		}
	}
	return c.with(key, list[0]).Int(key, limit)
}

// hunyuan has norms of queries and keys, behind the rotation. For long contexts it takes a larger base of frequencies.
var hunyuan = &Family{
	Classes: []string{"HunYuanDenseV1ForCausalLM"},
	Name:    "hunyuan-dense",
	Defaults: map[string]any{"vocab_size": 290943.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": false,
		"attention_bias": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}, "mlp_bias": {false}, "num_experts": {1.0}}, "use_qk_norm", "use_cla")
		r, scaled := hunyuanRope(c, d, 50)
		k := decoderKeys(c, d, r).with(scaled...)
		k = slices.DeleteFunc(k, func(k key) bool { return k.name == "expert_count" }) // a single one is none
		s := decoderSpec(c, d, "hunyuan-dense", k, Transform{}, func(l layer) {
			l.llama(false, noBias, noBias, noBias)
			l.add("self_attn.query_layernorm", "attn_q_norm", []int64{d.headDim}, Transform{}, noBias)
			l.add("self_attn.key_layernorm", "attn_k_norm", []int64{d.headDim}, Transform{}, noBias)
		})
		if c.Bool("tie_word_embeddings") {
			s = s.withoutHead()
		}
		return s
	},
}

// hunyuanRope is the rope, and what a larger base is written as; alpha is what makes it if the config does not say.
func hunyuanRope(c *Config, d dims, alpha float64) (rope, keys) {
	r := yarnRope(c, d, 10000, "alpha", "beta_fast", "beta_slow", "mscale", "mscale_all_dim")
	if r.kind != "dynamic" {
		return r, nil
	}
	r.kind = "default"
	dim := float64(d.headDim)
	base := r.theta * math.Pow(r.params.positive("alpha", alpha), dim/(dim-2))
	if r.theta != 10000 || d.context != 32<<10 && d.context != 256<<10 {
		c.fail("max_position_embeddings", "is %d, and rope_theta %v: of this scaling only 32768 or 262144 and 10000 are supported", d.context, r.theta)
	}
	return r, keys{
		{"rope.freq_base", base},
		{"rope.scaling.type", "none"},
		{"rope.scaling.factor", 1.0},
		{"rope.scaling.original_context_length", int64(256 << 10)},
		{"context_length", int64(256 << 10)}}
}
