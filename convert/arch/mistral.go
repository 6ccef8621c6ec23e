package arch

// mistral is Llama's graph with more key-value heads by default, and a sliding window that GGUF's llama does not
// have: up to its length nothing changes.
var mistral = &Family{
	Classes: []string{"MistralForCausalLM"},
	Name:    "llama",
	Defaults: map[string]any{"vocab_size": 32000.0, "hidden_size": 4096.0, "intermediate_size": 14336.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 8.0, "hidden_act": "silu", "max_position_embeddings": 131072.0,
		"rms_norm_eps": 1e-6, "tie_word_embeddings": false, "sliding_window": 4096.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headDerived)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}, "mlp_bias": {false}})
		c.windowIgnored(d)
		return llamaSpec(c, d, "llama", 10000, func(l layer) { l.llama(true, noBias, noBias, noBias) })
	},
}

// windowIgnored notes a sliding window that the reference converter leaves out, too.
func (c *Config) windowIgnored(d dims) {
	if window := c.IntOr("sliding_window", maxTokens, d.context); window < d.context {
		c.note("sliding_window", "is %d: GGUF files of this architecture attend to the whole context, which is the same up to that many tokens", window)
	}
}
