package arch

// Families that are Llama but for little.

// smollm3 leaves positions out of every fourth layer.
var smollm3 = &Family{
	Classes: []string{"SmolLM3ForCausalLM"},
	Name:    "smollm3",
	Defaults: map[string]any{"vocab_size": 128256.0, "hidden_size": 2048.0, "intermediate_size": 11008.0, "num_hidden_layers": 36.0,
		"num_attention_heads": 16.0, "num_key_value_heads": 4.0, "hidden_act": "silu", "max_position_embeddings": 32768.0, "rms_norm_eps": 1e-6,
		"tie_word_embeddings": true, "attention_bias": false, "mlp_bias": false, "rope_theta": 2000000.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "no_rope_layer_interval": {4.0}}, "no_rope_layers", "use_sliding_window")
		c.everyFourthPlain(d)
		c.fullAttention(d, 0)
		return llamaSpec(c, d, "smollm3", 10000, func(l layer) { l.llamaBiases(true) })
	},
}

// arcee has no gate: squares of what is above 0.
var arcee = &Family{
	Classes: []string{"ArceeForCausalLM"},
	Name:    "arcee",
	Defaults: map[string]any{"vocab_size": 32000.0, "hidden_size": 2560.0, "intermediate_size": 18432.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "relu2", "max_position_embeddings": 4096.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": false,
		"attention_bias": false, "mlp_bias": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headDerived)
		c.computes(map[string][]any{"hidden_act": {"relu2"}})
		attn, mlp := biasIf(c.Bool("attention_bias")), biasIf(c.Bool("mlp_bias"))
		return llamaSpec(c, d, "arcee", 10000, func(l layer) {
			l.llamaAttention(true, attn, attn)
			l.plainFFN(mlp)
		})
	},
}

// apertus has an activation whose shape is learned (xIELU): four numbers for each layer, which become metadata.
var apertus = &Family{
	Classes: []string{"ApertusForCausalLM"},
	Name:    "apertus",
	Defaults: map[string]any{"vocab_size": 131072.0, "hidden_size": 4096.0, "intermediate_size": 14336.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "xielu", "max_position_embeddings": 65536.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": false,
		"attention_bias": false, "rope_theta": 12000000.0,
		"rope_scaling": map[string]any{"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 8192.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": {"xielu"}, "attention_bias": {false}, "mlp_bias": {false}, "post_norm": {false}, "qk_norm": {true}})
		s := llamaSpec(c, d, "apertus", 10000, func(l layer) {
			l.norm("attention_layernorm", "attn_norm", Transform{})
			l.attention(false, noBias, noBias)
			l.headNorms(Transform{})
			l.norm("feedforward_layernorm", "ffn_norm", Transform{})
			l.plainFFN(noBias)
		})
		for _, name := range []string{"alpha_n", "alpha_p", "beta", "eps"} {
			s.Numbers = append(s.Numbers, Numbers{Key: "xielu." + name, Source: "model.layers.%d.mlp.act_fn." + name, Count: d.layers})
		}
		return s
	},
}

// seedoss has biases on queries, keys and values.
var seedoss = &Family{
	Classes: []string{"SeedOssForCausalLM"},
	Name:    "seed_oss",
	Defaults: map[string]any{"vocab_size": 155136.0, "hidden_size": 4096.0, "intermediate_size": 27648.0, "num_hidden_layers": 64.0,
		"num_attention_heads": 80.0, "num_key_value_heads": 8.0, "head_dim": 128.0, "hidden_act": "silu", "max_position_embeddings": 524288.0,
		"rms_norm_eps": 1e-6, "tie_word_embeddings": false, "attention_bias": true, "attention_out_bias": false, "mlp_bias": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(silu)
		qkv, out, mlp := biasIf(c.Bool("attention_bias")), biasIf(c.Bool("attention_out_bias")), biasIf(c.Bool("mlp_bias"))
		return decoderSpec(c, d, "seed_oss", decoderKeys(c, d, qwenRope(c, d)), Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.attention(false, qkv, out)
			l.norm("post_attention_layernorm", "post_attention_norm", Transform{})
			l.gatedFFN(mlp)
		})
	},
}

// llamaBiases adds Llama's layer with the biases that the config says.
func (l layer) llamaBiases(permute bool) {
	attn := biasIf(l.c.Bool("attention_bias"))
	l.llama(permute, attn, attn, biasIf(l.c.Bool("mlp_bias")))
}

// plainFFN adds up and down.
func (l layer) plainFFN(bias biasRule) { l.plainFFNIn("mlp", l.d.ffn, "", bias) }

func (l layer) plainFFNIn(module string, width int64, suffix string, bias biasRule) {
	l.add(module+".up_proj", "ffn_up"+suffix, []int64{width, l.d.hidden}, Transform{}, bias)
	l.add(module+".down_proj", "ffn_down"+suffix, []int64{l.d.hidden, width}, Transform{}, bias)
}
