package arch

// olmoe has experts, and norms of queries and keys over all their heads together.
var olmoe = &Family{
	Classes: []string{"OlmoeForCausalLM"},
	Name:    "olmoe",
	Defaults: map[string]any{"vocab_size": 50304.0, "hidden_size": 2048.0, "intermediate_size": 2048.0, "num_hidden_layers": 16.0,
		"num_attention_heads": 16.0, "hidden_act": "silu", "max_position_embeddings": 4096.0, "rms_norm_eps": 1e-5,
		"tie_word_embeddings": false, "attention_bias": false, "num_experts_per_tok": 8.0, "num_experts": 64.0, "norm_topk_prob": false},
	Aliases: map[string]string{"num_local_experts": "num_experts"},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		// The reference writes an epsilon of 1e-5 whatever the config says.
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "rms_norm_eps": {1e-5}}, "use_qk_norm")
		moeEverywhere(c, false)
		bias := biasIf(c.Bool("attention_bias"))
		return decoderSpec(c, d, "olmoe", decoderKeys(c, d, qwenRope(c, d)), Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.attention(false, bias, bias)
			l.wholeNorms()
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			l.experts(mlpExperts, d.ffn)
		})
	},
}
