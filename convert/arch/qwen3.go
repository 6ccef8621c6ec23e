package arch

// qwen3 normalises queries and keys per head instead of adding biases.
var qwen3 = &Family{
	Classes: []string{"Qwen3ForCausalLM", "Qwen3Model"},
	Name:    "qwen3",
	Defaults: map[string]any{"vocab_size": 151936.0, "hidden_size": 4096.0, "intermediate_size": 22016.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 32.0, "head_dim": 128.0, "hidden_act": "silu",
		"max_position_embeddings": 32768.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": false, "attention_bias": false,
		"sliding_window": 4096.0, "max_window_layers": 28.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(silu, "use_sliding_window", "use_qk_norm") // the norms are always there
		c.fullAttention(d, c.IntOr("max_window_layers", maxTokens, d.layers))
		bias := biasIf(c.Bool("attention_bias"))
		return decoderSpec(c, d, "qwen3", decoderKeys(c, d, qwenRope(c, d)), Transform{}, func(l layer) {
			l.qwen3Attention(bias)
			l.gatedFFN(noBias)
		})
	},
}

// qwen3Attention adds what stands before the feed-forward part.
func (l layer) qwen3Attention(bias biasRule) {
	l.norm("input_layernorm", "attn_norm", Transform{})
	l.attention(false, bias, bias)
	l.headNorms(Transform{})
	l.norm("post_attention_layernorm", "ffn_norm", Transform{})
}

// headNorms are the norms of queries and keys, one weight for each dimension of a head.
func (l layer) headNorms(tr Transform) {
	l.add("self_attn.q_norm", "attn_q_norm", []int64{l.d.headDim}, tr, noBias)
	l.add("self_attn.k_norm", "attn_k_norm", []int64{l.d.headDim}, tr, noBias)
}

// wholeNorms are those over all heads together.
func (l layer) wholeNorms() {
	l.add("self_attn.q_norm", "attn_q_norm", []int64{l.d.heads * l.d.headDim}, Transform{}, noBias)
	l.add("self_attn.k_norm", "attn_k_norm", []int64{l.d.kvHeads * l.d.headDim}, Transform{}, noBias)
}
