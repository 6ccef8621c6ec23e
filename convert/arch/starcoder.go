package arch

// starcoder is GPT-2 with one head of keys and values, and matrices that are not turned.
var starcoder = &Family{
	Classes: []string{"GPTBigCodeForCausalLM"},
	Name:    "starcoder",
	Defaults: map[string]any{"vocab_size": 50257.0, "n_positions": 1024.0, "hidden_size": 768.0, "num_hidden_layers": 12.0, "num_attention_heads": 12.0,
		"activation_function": "gelu_pytorch_tanh", "layer_norm_epsilon": 1e-5, "multi_query": true, "tie_word_embeddings": true},
	Aliases: map[string]string{"n_embd": "hidden_size", "max_position_embeddings": "n_positions", "n_head": "num_attention_heads", "n_layer": "num_hidden_layers"},
	Describe: func(c *Config) *Spec {
		d := readOldDims(c)
		d.context = c.Int("n_positions", maxTokens)
		c.computes(map[string][]any{"activation_function": {"gelu_pytorch_tanh", "gelu_new", "gelu", "gelu_fast"}, "n_inner": {float64(d.ffn)}, "multi_query": {true}})
		k := keys{
			{"context_length", d.context},
			{"embedding_length", d.hidden},
			{"feed_forward_length", d.ffn},
			{"block_count", d.layers},
			{"attention.head_count", d.heads},
			{"attention.head_count_kv", int64(1)},
			{"attention.layer_norm_epsilon", c.positive("layer_norm_epsilon", 1e-5)},
			fileType}
		b := body{"transformer.", "transformer.wte", "transformer.ln_f", "lm_head", "transformer.h", hasBias}
		s := b.spec(c, d, "starcoder", k, Transform{}, func(l layer) {
			l.layerNorm("ln_1", "attn_norm", Transform{})
			l.add("attn.c_attn", "attn_qkv", []int64{d.hidden + 2*d.headDim, d.hidden}, Transform{}, hasBias)
			l.add("attn.c_proj", "attn_output", []int64{d.hidden, d.hidden}, Transform{}, hasBias)
			l.layerNorm("ln_2", "ffn_norm", Transform{})
			l.add("mlp.c_fc", "ffn_up", []int64{d.ffn, d.hidden}, Transform{}, hasBias)
			l.add("mlp.c_proj", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, hasBias)
		})
		s.Tensors = append(s.Tensors, Tensor{Source: "transformer.wpe.weight", Name: "position_embd.weight", Shape: []int64{d.context, d.hidden}})
		return s
	},
}

// starcoder2 has rotary positions, LayerNorms and biases.
var starcoder2 = &Family{
	Classes: []string{"Starcoder2ForCausalLM"},
	Name:    "starcoder2",
	Defaults: map[string]any{"vocab_size": 49152.0, "hidden_size": 3072.0, "intermediate_size": 12288.0, "num_hidden_layers": 30.0,
		"num_attention_heads": 24.0, "num_key_value_heads": 2.0, "hidden_act": "gelu_pytorch_tanh", "max_position_embeddings": 4096.0,
		"norm_epsilon": 1e-5, "use_bias": true, "tie_word_embeddings": true},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": {"gelu_pytorch_tanh", "gelu_new"}, "use_bias": {true}, "mlp_type": {"default"}, "norm_type": {"layer_norm"}})
		c.windowIgnored(d)
		b := llamaBody
		b.normBias = hasBias
		return b.spec(c, d, "starcoder2", decoderKeys(c, d, qwenRope(c, d)), Transform{}, func(l layer) {
			l.layerNorm("input_layernorm", "attn_norm", Transform{})
			l.attention(false, hasBias, hasBias)
			l.layerNorm("post_attention_layernorm", "ffn_norm", Transform{})
			l.add("mlp.c_fc", "ffn_up", []int64{d.ffn, d.hidden}, Transform{}, hasBias)
			l.add("mlp.c_proj", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, hasBias)
		})
	},
}
