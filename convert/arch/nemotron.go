package arch

// nemotron has LayerNorms stored less one, squares of what is above 0 in place of a gate, and rotates the front of a head.
var nemotron = &Family{
	Classes: []string{"NemotronForCausalLM"},
	Name:    "nemotron",
	Defaults: map[string]any{"vocab_size": 256000.0, "hidden_size": 6144.0, "intermediate_size": 24576.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 48.0, "hidden_act": "relu2", "max_position_embeddings": 4096.0, "norm_eps": 1e-5, "tie_word_embeddings": false,
		"attention_bias": false, "mlp_bias": false, "partial_rotary_factor": 0.5},
	Aliases: map[string]string{"rope_pct": "partial_rotary_factor", "rope_percent": "partial_rotary_factor"},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headDerived)
		c.computes(map[string][]any{"hidden_act": {"relu2"}}, "partial_rotary_factor", "rope_pct")
		r := readRope(c, d, 10000, 0)
		r.only("default", "linear", "dynamic")
		k := textKeys(c, d, r).with(
			key{"vocab_size", d.vocab},
			key{"attention.layer_norm_epsilon", c.positive("norm_eps", 1e-5)},
			key{"rope.dimension_count", int64(r.partial*float64(d.hidden)) / d.heads})
		if r.kind != "linear" {
			k = k.with(key{"rope.scaling.type", "none"})
		}
		attn, mlp, norm := biasIf(c.Bool("attention_bias")), biasIf(c.Bool("mlp_bias")), lessOne
		b := llamaBody
		b.normBias = hasBias
		return b.spec(c, d, "nemotron", k, norm, func(l layer) {
			l.layerNorm("input_layernorm", "attn_norm", norm)
			l.attention(false, attn, attn)
			l.layerNorm("post_attention_layernorm", "ffn_norm", norm)
			l.plainFFN(mlp)
		})
	},
}

// layerNorm adds a norm with a bias, which does not change.
func (l layer) layerNorm(source, name string, tr Transform) {
	l.norm(source, name, tr)
	l.plain(source+".bias", name+".bias", []int64{l.d.hidden}, Transform{})
}
