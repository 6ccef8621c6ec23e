package arch

// qwen2 has biases on queries, keys and values.
var qwen2 = &Family{
	Classes: []string{"Qwen2ForCausalLM", "Qwen2Model"},
	Name:    "qwen2",
	Defaults: map[string]any{"vocab_size": 151936.0, "hidden_size": 4096.0, "intermediate_size": 22016.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 32768.0,
		"rms_norm_eps": 1e-6, "tie_word_embeddings": false, "sliding_window": 4096.0, "max_window_layers": 28.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(silu, "use_sliding_window")
		c.fullAttention(d, c.IntOr("max_window_layers", maxTokens, d.layers))
		return decoderSpec(c, d, "qwen2", decoderKeys(c, d, qwenRope(c, d)), Transform{}, func(l layer) {
			l.llama(false, hasBias, noBias, noBias)
		})
	},
}

// qwenRope is the rope of families without tensors of factors.
func qwenRope(c *Config, d dims) rope { return yarnRope(c, d, 10000) }

// yarnRope is the same for classes with another base; more are keys of the object that the family understands by itself.
func yarnRope(c *Config, d dims, theta float64, more ...string) rope {
	r := readRope(c, d, theta, 0, more...)
	r.only("default", "linear", "dynamic", "yarn")
	return r
}

// kormo is Llama under Qwen2's name, without biases and rotated in halves.
var kormo = &Family{
	Classes: []string{"KORMoForCausalLM"},
	Name:    "qwen2",
	Defaults: map[string]any{"vocab_size": 112576.0, "hidden_size": 6144.0, "intermediate_size": 21504.0, "num_hidden_layers": 48.0,
		"num_attention_heads": 40.0, "num_key_value_heads": 8.0, "hidden_act": "silu", "max_position_embeddings": 131072.0, "rms_norm_eps": 1e-5,
		"tie_word_embeddings": false, "attention_bias": false, "mlp_bias": false, "rope_theta": 500000.0, "head_dim": 128.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}, "mlp_bias": {false}})
		return decoderSpec(c, d, "qwen2", decoderKeys(c, d, qwenRope(c, d)), Transform{}, func(l layer) {
			l.norm("pre_attention_layernorm", "attn_norm", Transform{})
			l.attention(false, noBias, noBias)
			l.norm("pre_mlp_layernorm", "ffn_norm", Transform{})
			l.gatedFFN(noBias)
		})
	},
}
