package arch

// qwen3moe is Qwen3 with experts in place of the feed-forward part.
var qwen3moe = &Family{
	Classes: []string{"Qwen3MoeForCausalLM"},
	Name:    "qwen3moe",
	Defaults: map[string]any{"vocab_size": 151936.0, "hidden_size": 2048.0, "intermediate_size": 6144.0, "num_hidden_layers": 24.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 4.0, "hidden_act": "silu", "max_position_embeddings": 32768.0,
		"rms_norm_eps": 1e-6, "tie_word_embeddings": false, "attention_bias": false, "sliding_window": 4096.0,
		"decoder_sparse_step": 1.0, "moe_intermediate_size": 768.0, "num_experts_per_tok": 8.0, "num_experts": 128.0, "norm_topk_prob": false},
	Aliases: map[string]string{"num_local_experts": "num_experts"},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "shared_expert_intermediate_size": {0.0}}, "use_sliding_window", "use_qk_norm")
		c.fullAttention(d, 0)
		moeEverywhere(c, true)
		bias, width := biasIf(c.Bool("attention_bias")), c.Int("moe_intermediate_size", maxWidth)
		k := decoderKeys(c, d, qwenRope(c, d)).with(key{"expert_feed_forward_length", width})
		// Qwen3-Coder says that there is none.
		k = k.with(when(c.Has("shared_expert_intermediate_size"), key{"expert_shared_feed_forward_length", int64(0)})...)
		return decoderSpec(c, d, "qwen3moe", k, Transform{}, func(l layer) {
			l.qwen3Attention(bias)
			l.experts(mlpExperts, width)
		})
	},
}
