package arch

// mistral3 is the text model of Mistral 3 and Ministral 3: Llama's graph under a name of its own, since the latter's attention
// grows with the position.
var mistral3 = &Family{
	Classes: []string{"Mistral3ForConditionalGeneration", "Ministral3ForCausalLM"},
	Name:    "mistral3",
	Defaults: map[string]any{"vocab_size": 131072.0, "hidden_size": 4096.0, "intermediate_size": 14336.0, "num_hidden_layers": 34.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 8.0, "head_dim": 128.0, "hidden_act": "silu", "max_position_embeddings": 262144.0,
		"rms_norm_eps": 1e-5, "tie_word_embeddings": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headDerived)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}, "mlp_bias": {false}})
		c.windowIgnored(d)
		r := yarnRope(c, d, 10000, "mscale_all_dim", "llama_4_scaling_beta", "max_position_embeddings")
		k := decoderKeys(c, d, r).with(key{"vocab_size", d.vocab}, key{"rope.dimension_count", d.headDim})
		switch kind := c.String("model_type"); {
		case kind == "ministral3" || c.class() == "Ministral3ForCausalLM":
			if r.kind != "yarn" {
				r.params.fail("rope_type", "is %q: this model's positions are scaled with yarn", r.kind)
			}
			k = k.with(
				key{"rope.scaling.yarn_log_multiplier", r.params.Float("mscale_all_dim", 1)},
				key{"attention.temperature_scale", r.params.Float("llama_4_scaling_beta", 0.1)})
		case kind == "mistral4":
			c.fail("model_type", "is %q, which is not supported", kind)
		}
		return decoderSpec(c, d, "mistral3", k, Transform{}, func(l layer) {
			l.llama(true, noBias, noBias, noBias)
		})
	},
}
