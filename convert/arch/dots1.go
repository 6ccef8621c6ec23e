package arch

// dots1 has DeepSeek V3's experts and Qwen3's attention.
var dots1 = &Family{
	Classes: []string{"Dots1ForCausalLM"},
	Name:    "dots1",
	Defaults: map[string]any{"vocab_size": 152064.0, "hidden_size": 4608.0, "intermediate_size": 10944.0, "num_hidden_layers": 62.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-6,
		"tie_word_embeddings": false, "attention_bias": false, "moe_intermediate_size": 1408.0, "first_k_dense_replace": 0.0, "norm_topk_prob": false,
		"n_group": 1.0, "topk_group": 1.0, "routed_scaling_factor": 1.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "scoring_func": {"noaux_tc", "sigmoid"}}, "n_group", "topk_group", "use_sliding_window", "use_qk_norm")
		c.fullAttention(d, d.layers)
		n, width, shared := experts(c), c.Int("moe_intermediate_size", maxWidth), c.count("n_shared_experts", maxExperts)
		dense, bias := c.count("first_k_dense_replace", maxLayers), biasIf(c.Bool("attention_bias"))
		k := decoderKeys(c, d, qwenRope(c, d)).with(
			key{"expert_feed_forward_length", width},
			key{"leading_dense_block_count", dense},
			key{"expert_shared_count", shared},
			key{"expert_weights_scale", c.Float("routed_scaling_factor", 1)},
			key{"expert_weights_norm", c.Bool("norm_topk_prob")})
		return decoderSpec(c, d, "dots1", k, Transform{}, func(l layer) {
			l.llamaAttention(false, bias, bias)
			l.headNorms(Transform{})
			if l.n < dense {
				l.gatedFFN(noBias)
				return
			}
			l.experts(mlpExperts, width)
			l.correction("mlp", n)
			if shared > 0 {
				l.sharedExpert("mlp.shared_experts", shared*width)
			}
		})
	},
}

// minimaxm2 names its experts as Mixtral does, chooses them by sigmoids with a correction, and rotates the front of a head.
var minimaxm2 = &Family{
	Classes: []string{"MiniMaxM2ForCausalLM"},
	Name:    "minimax-m2",
	Defaults: map[string]any{"vocab_size": 200064.0, "hidden_size": 3072.0, "intermediate_size": 1536.0, "num_hidden_layers": 62.0,
		"num_attention_heads": 48.0, "num_key_value_heads": 8.0, "head_dim": 128.0, "hidden_act": "silu", "max_position_embeddings": 196608.0,
		"rms_norm_eps": 1e-6, "tie_word_embeddings": false, "num_local_experts": 256.0, "num_experts_per_tok": 8.0, "rotary_dim": 64.0, "rope_theta": 5000000.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "qk_norm_type": {"per_layer"}, "shared_intermediate_size": {0.0}},
			"scoring_func", "use_qk_norm", "partial_rotary_factor")
		r := qwenRope(c, d)
		k := textKeys(c, d, r).with(
			key{"expert_feed_forward_length", d.ffn},
			key{"rope.dimension_count", c.Int("rotary_dim", d.headDim)})
		n := experts(c)
		return decoderSpec(c, d, "minimax-m2", k, Transform{}, func(l layer) {
			l.llamaAttention(false, noBias, noBias)
			l.wholeNorms()
			l.experts(mixtralExperts, d.ffn)
			l.correction("block_sparse_moe", n)
		})
	},
}

// afmoe is Arcee's Trinity: norms before and behind both parts, a gate on what attention makes, experts behind the first
// layers.
var afmoe = &Family{
	Classes: []string{"AfmoeForCausalLM"},
	Name:    "afmoe",
	Defaults: map[string]any{"vocab_size": 200192.0, "hidden_size": 2048.0, "intermediate_size": 6144.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 16.0, "head_dim": 128.0, "hidden_act": "silu", "max_position_embeddings": 16384.0,
		"rms_norm_eps": 1e-5, "tie_word_embeddings": false, "moe_intermediate_size": 1408.0, "num_dense_layers": 1.0, "num_experts": 64.0,
		"num_experts_per_tok": 6.0, "num_shared_experts": 2.0, "route_scale": 1.0, "sliding_window": 1024.0, "global_attn_every_n_layers": 4.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "global_attn_every_n_layers": {4.0}, "attention_bias": {false}}, "score_func", "mup_enabled", "n_group", "topk_group")
		c.slidesBut(d, func(n int64) bool { return (n+1)%4 == 0 }, "of every four layers the first three attend to a sliding window")
		if !c.Bool("mup_enabled") {
			c.note("mup_enabled", "is not true: llama.cpp scales embeddings by the square root of hidden_size all the same, as no key can say it")
		}
		n, width, shared, dense := experts(c), c.Int("moe_intermediate_size", maxWidth), c.count("num_shared_experts", maxExperts), c.count("num_dense_layers", maxLayers)
		k := decoderKeys(c, d, qwenRope(c, d)).with(
			key{"vocab_size", d.vocab},
			key{"rope.dimension_count", d.headDim},
			key{"expert_shared_count", shared},
			key{"expert_feed_forward_length", width},
			key{"leading_dense_block_count", dense})
		k = k.with(when(c.Has("route_norm"), key{"expert_weights_norm", c.Bool("route_norm")})...)
		k = k.with(key{"expert_weights_scale", c.Float("route_scale", 1)}, key{"attention.sliding_window", c.Int("sliding_window", maxTokens)})
		from := expertSource{"mlp", "mlp.router.gate", [3][2]string{{"gate_proj", "ffn_gate"}, {"up_proj", "ffn_up"}, {"down_proj", "ffn_down"}}}
		return decoderSpec(c, d, "afmoe", k, Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.attention(false, noBias, noBias)
			l.headNorms(Transform{})
			l.add("self_attn.gate_proj", "attn_gate", []int64{d.heads * d.headDim, d.hidden}, Transform{}, noBias)
			l.norm("post_attention_layernorm", "post_attention_norm", Transform{})
			l.norm("pre_mlp_layernorm", "ffn_norm", Transform{})
			l.norm("post_mlp_layernorm", "post_ffw_norm", Transform{})
			if l.n < dense {
				l.gatedFFN(noBias)
				return
			}
			l.experts(from, width)
			l.plain("mlp.expert_bias", "exp_probs_b.bias", []int64{n}, Transform{})
			if shared > 0 {
				l.sharedExpert("mlp.shared_experts", shared*width)
			}
		})
	},
}
