package arch

// eurobert is Llama whose tokens see those behind them, too.
var eurobert = &Family{
	Classes: []string{"EuroBertModel"},
	Name:    "eurobert",
	Defaults: map[string]any{"vocab_size": 128256.0, "hidden_size": 768.0, "intermediate_size": 3072.0, "num_hidden_layers": 12.0, "num_attention_heads": 12.0,
		"hidden_act": "silu", "max_position_embeddings": 8192.0, "rms_norm_eps": 1e-5, "rope_theta": 250000.0, "tie_word_embeddings": false,
		"attention_bias": false, "mlp_bias": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": {"silu", "swish"}, "attention_bias": {false}, "mlp_bias": {false}})
		r := readRope(c, d, 250000, 0)
		r.only("default")
		k := decoderKeys(c, d, r).with(key{"attention.causal", false}, key{"rope.scaling.type", "none"}, pooling)
		return decoderSpec(c, d, "eurobert", k, Transform{}, func(l layer) { l.llama(false, noBias, noBias, noBias) }).withoutHead()
	},
}
