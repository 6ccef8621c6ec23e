package arch

// qwen2moe is Qwen2 with experts, and beside them one that every token uses, behind a gate.
var qwen2moe = &Family{
	Classes: []string{"Qwen2MoeForCausalLM"},
	Name:    "qwen2moe",
	Defaults: map[string]any{"vocab_size": 151936.0, "hidden_size": 2048.0, "intermediate_size": 5632.0, "num_hidden_layers": 24.0,
		"num_attention_heads": 16.0, "num_key_value_heads": 16.0, "hidden_act": "silu", "max_position_embeddings": 32768.0,
		"rms_norm_eps": 1e-6, "tie_word_embeddings": false, "sliding_window": 4096.0, "max_window_layers": 28.0,
		"decoder_sparse_step": 1.0, "moe_intermediate_size": 1408.0, "shared_expert_intermediate_size": 5632.0,
		"num_experts_per_tok": 4.0, "num_experts": 60.0, "norm_topk_prob": false, "qkv_bias": true},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "qkv_bias": {true}}, "use_sliding_window")
		c.fullAttention(d, 0)
		moeEverywhere(c, false)
		width, shared := c.Int("moe_intermediate_size", maxWidth), c.Int("shared_expert_intermediate_size", maxWidth)
		k := decoderKeys(c, d, qwenRope(c, d)).with(
			key{"expert_feed_forward_length", width},
			key{"expert_shared_feed_forward_length", shared})
		return decoderSpec(c, d, "qwen2moe", k, Transform{}, func(l layer) {
			l.llamaAttention(false, hasBias, noBias)
			l.experts(mlpExperts, width)
			l.sharedExpert("mlp.shared_expert", shared)
			l.add("mlp.shared_expert_gate", "ffn_gate_inp_shexp", []int64{1, d.hidden}, Transform{}, noBias)
		})
	},
}
