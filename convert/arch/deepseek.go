package arch

// deepseek is DeepSeekMoE of 2024: Llama, the first layers dense, in the others experts by their probabilities as they are, and some
// that every token uses.
var deepseek = &Family{
	Classes: []string{"DeepseekForCausalLM"},
	Name:    "deepseek",
	Defaults: map[string]any{"vocab_size": 102400.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 30.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-6,
		"tie_word_embeddings": false, "attention_bias": false, "moe_intermediate_size": 1407.0, "first_k_dense_replace": 0.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "moe_layer_freq": {1.0}, "norm_topk_prob": {false}, "scoring_func": {"softmax"}})
		r := readRope(c, d, 10000, 0)
		r.only("default")
		width, shared, dense := c.Int("moe_intermediate_size", maxWidth), c.count("n_shared_experts", maxExperts), c.count("first_k_dense_replace", maxLayers)
		bias := biasIf(c.Bool("attention_bias"))
		k := decoderKeys(c, d, r).asGiven(r).with(
			key{"rope.dimension_count", d.headDim},
			key{"rope.scaling.type", "none"},
			key{"leading_dense_block_count", dense},
			key{"vocab_size", d.vocab},
			key{"expert_feed_forward_length", width},
			key{"expert_weights_scale", 1.0},
			key{"expert_shared_count", shared})
		return decoderSpec(c, d, "deepseek", k, Transform{}, func(l layer) {
			l.llamaAttention(true, bias, bias)
			l.expertsBehind(dense, width, shared)
		})
	},
}

// expertsBehind adds the feed-forward part of a layer, which has experts behind the dense ones, and shared experts in one.
func (l layer) expertsBehind(dense, width, shared int64) {
	if l.n < dense {
		l.gatedFFN(noBias)
		return
	}
	l.experts(mlpExperts, width)
	if shared > 0 {
		l.sharedExpert("mlp.shared_experts", shared*width)
	}
}
