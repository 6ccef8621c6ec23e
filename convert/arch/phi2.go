package arch

// phi2 has one LayerNorm for attention and feed-forward part, which stand side by side, and biases everywhere.
var phi2 = &Family{
	Classes: []string{"PhiForCausalLM"},
	Name:    "phi2",
	Defaults: map[string]any{"vocab_size": 51200.0, "hidden_size": 2048.0, "intermediate_size": 8192.0, "num_hidden_layers": 24.0,
		"num_attention_heads": 32.0, "hidden_act": "gelu_new", "max_position_embeddings": 2048.0, "layer_norm_eps": 1e-5,
		"tie_word_embeddings": false, "partial_rotary_factor": 0.5, "qk_layernorm": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": {"gelu_new", "gelu_pytorch_tanh"}, "intermediate_size": {4 * float64(d.hidden)}, "num_key_value_heads": {float64(d.heads)}}, "partial_rotary_factor")
		r := plainRope(c, d)
		k := keys{
			{"context_length", c.IntOr("n_positions", maxTokens, d.context)},
			{"embedding_length", d.hidden},
			{"feed_forward_length", 4 * d.hidden},
			{"block_count", d.layers},
			{"attention.head_count", d.heads},
			{"attention.head_count_kv", d.heads},
			{"attention.layer_norm_epsilon", c.positive("layer_norm_eps", 1e-5)},
			{"rope.dimension_count", int64(r.partial*float64(d.hidden)) / d.heads},
			fileType,
			{"tokenizer.ggml.add_bos_token", false}}
		b := llamaBody
		b.norm, b.normBias = "model.final_layernorm", hasBias
		s := b.spec(c, d, "phi2", k, Transform{}, func(l layer) {
			l.layerNorm("input_layernorm", "attn_norm", Transform{})
			l.add("self_attn.q_proj", "attn_q", []int64{d.hidden, d.hidden}, Transform{}, hasBias)
			l.add("self_attn.k_proj", "attn_k", []int64{d.hidden, d.hidden}, Transform{}, hasBias)
			l.add("self_attn.v_proj", "attn_v", []int64{d.hidden, d.hidden}, Transform{}, hasBias)
			l.add("self_attn.dense", "attn_output", []int64{d.hidden, d.hidden}, Transform{}, hasBias)
			l.add("mlp.fc1", "ffn_up", []int64{d.ffn, d.hidden}, Transform{}, hasBias)
			l.add("mlp.fc2", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, hasBias)
		})
		return s.withHeadBias(d)
	},
}

// withHeadBias adds the bias of the head.
func (s *Spec) withHeadBias(d dims) *Spec {
	s.Tensors = append(s.Tensors, Tensor{Source: "lm_head.bias", Name: "output.bias", Shape: []int64{d.vocab}})
	return s
}

// plainRope is that of families whose files do not say the base of the frequencies.
func plainRope(c *Config, d dims) rope {
	r := readRope(c, d, 10000, 0)
	r.only("default", "dynamic")
	if r.theta != 10000 {
		r.params.fail("rope_theta", "is %v: GGUF files of this architecture compute with 10000", r.theta)
	}
	return r
}
