package arch

// orion is Llama with LayerNorms, whose epsilon its config calls that of other norms.
var orion = &Family{
	Classes: []string{"OrionForCausalLM"},
	Name:    "orion",
	Defaults: map[string]any{"vocab_size": 84608.0, "hidden_size": 4096.0, "intermediate_size": 15360.0, "num_hidden_layers": 40.0,
		"num_attention_heads": 40.0, "hidden_act": "silu", "max_position_embeddings": 4096.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}})
		plainRope(c, d)
		k := keys{
			fileType,
			{"tensor_data_layout", "Meta AI original pth"},
			{"context_length", c.IntOr("max_sequence_length", maxTokens, d.context)},
			{"embedding_length", d.hidden},
			{"block_count", d.layers},
			{"feed_forward_length", d.ffn},
			{"attention.head_count", d.heads},
			{"attention.head_count_kv", d.kvHeads},
			{"attention.layer_norm_epsilon", c.positive("rms_norm_eps", 1e-5)}}
		b := llamaBody
		b.normBias = hasBias
		return b.spec(c, d, "orion", k, Transform{}, func(l layer) {
			l.layerNorm("input_layernorm", "attn_norm", Transform{})
			l.attention(false, noBias, noBias)
			l.layerNorm("post_attention_layernorm", "ffn_norm", Transform{})
			l.gatedFFN(noBias)
		})
	},
}
