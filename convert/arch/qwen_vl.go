package arch

// The text models of Qwen's multimodal models: positions turn with time, height and width of images.

var qwen2vl = &Family{
	Classes: []string{"Qwen2VLForConditionalGeneration", "Qwen2_5_VLForConditionalGeneration"},
	Name:    "qwen2vl",
	Defaults: map[string]any{"vocab_size": 152064.0, "hidden_size": 8192.0, "intermediate_size": 29568.0, "num_hidden_layers": 80.0,
		"num_attention_heads": 64.0, "num_key_value_heads": 8.0, "hidden_act": "silu", "max_position_embeddings": 32768.0,
		"rms_norm_eps": 1e-5, "tie_word_embeddings": false, "sliding_window": 4096.0, "max_window_layers": 80.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(silu, "use_sliding_window")
		c.fullAttention(d, c.IntOr("max_window_layers", maxTokens, d.layers))
		return decoderSpec(c, d, "qwen2vl", decoderKeys(c, d, yarnRope(c, d, 1000000)), Transform{}, func(l layer) {
			l.llama(false, hasBias, noBias, noBias)
		})
	},
}

var qwen3vl = &Family{
	Classes: []string{"Qwen3VLForConditionalGeneration"},
	Name:    "qwen3vl",
	Defaults: map[string]any{"vocab_size": 151936.0, "hidden_size": 4096.0, "intermediate_size": 22016.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 32.0, "head_dim": 128.0, "hidden_act": "silu",
		"max_position_embeddings": 128000.0, "rms_norm_eps": 1e-6, "attention_bias": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(silu, "use_qk_norm")
		bias := biasIf(c.Bool("attention_bias"))
		k := decoderKeys(c, d, yarnRope(c, d, 500000)).with(key{"n_deepstack_layers", deepstack(c)})
		return decoderSpec(c, d, "qwen3vl", k, Transform{}, func(l layer) {
			l.qwen3Attention(bias)
			l.gatedFFN(noBias)
		})
	},
}

var qwen3vlmoe = &Family{
	Classes: []string{"Qwen3VLMoeForConditionalGeneration"},
	Name:    "qwen3vlmoe",
	Defaults: map[string]any{"vocab_size": 151936.0, "hidden_size": 2048.0, "intermediate_size": 5632.0, "num_hidden_layers": 24.0,
		"num_attention_heads": 16.0, "num_key_value_heads": 16.0, "head_dim": 128.0, "hidden_act": "silu", "max_position_embeddings": 128000.0,
		"rms_norm_eps": 1e-6, "attention_bias": false, "tie_word_embeddings": true, "decoder_sparse_step": 1.0, "moe_intermediate_size": 1408.0, "num_experts_per_tok": 4.0, "num_experts": 60.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(silu, "use_qk_norm")
		moeEverywhere(c, true)
		bias, width, n := biasIf(c.Bool("attention_bias")), c.Int("moe_intermediate_size", maxWidth), experts(c)
		k := decoderKeys(c, d, yarnRope(c, d, 500000)).with(
			key{"expert_feed_forward_length", width},
			key{"n_deepstack_layers", deepstack(c)})
		return decoderSpec(c, d, "qwen3vlmoe", k, Transform{}, func(l layer) {
			l.qwen3Attention(bias)
			l.add("mlp.gate", "ffn_gate_inp", []int64{n, d.hidden}, Transform{}, noBias)
			l.stacks(mlpExperts, n, width)
			l.turned("mlp.experts", n, width, false)
			if 2*width != d.hidden { // as transformers 5 saves them, where shapes tell
				l.fused("mlp.experts", n, width)
			}
		})
	},
}

// deepstack is how many of the vision model's layers go to the text model.
func deepstack(c *Config) int64 {
	return int64(len(c.Sub("vision_config").List("deepstack_visual_indexes")))
}
