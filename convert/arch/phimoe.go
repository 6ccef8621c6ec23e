package arch

// phimoe is Phi 3.5 MoE: Phi 3's keys, Mixtral's experts, LayerNorms and biases.
var phimoe = &Family{
	Classes: []string{"PhiMoEForCausalLM", "PhimoeForCausalLM"},
	Name:    "phimoe",
	Defaults: map[string]any{"vocab_size": 32064.0, "hidden_size": 4096.0, "intermediate_size": 6400.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 8.0, "hidden_act": "silu", "max_position_embeddings": 131072.0,
		"rms_norm_eps": 1e-5, "tie_word_embeddings": false, "num_experts_per_tok": 2.0, "num_local_experts": 16.0, "attention_bias": false,
		"lm_head_bias": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {true}, "lm_head_bias": {true}})
		r := readRope(c, d, 10000, c.IntOr("original_max_position_embeddings", maxTokens, d.context), "long_mscale", "short_mscale")
		r.only("default", "longrope")
		n := experts(c)
		k, rotary := phi3Keys(c, d, r)
		k = k.with(key{"expert_used_count", c.Int("num_experts_per_tok", n)}, key{"expert_count", n})
		b := llamaBody
		b.normBias = hasBias
		s := b.spec(c, d, "phimoe", k, Transform{}, func(l layer) {
			l.layerNorm("input_layernorm", "attn_norm", Transform{})
			l.attention(false, hasBias, hasBias)
			l.layerNorm("post_attention_layernorm", "ffn_norm", Transform{})
			l.experts(mixtralExperts, d.ffn)
		}).withHeadBias(d)
		s.Before, s.Computed = r.longFactors("phimoe", d, rotary/2)
		return s
	},
}
