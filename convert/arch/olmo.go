package arch

// olmo has norms without weights.
var olmo = &Family{
	Classes: []string{"OlmoForCausalLM"},
	Name:    "olmo",
	Defaults: map[string]any{"vocab_size": 50304.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "tie_word_embeddings": false, "attention_bias": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}}, "clip_qkv")
		k := decoderKeys(c, d, qwenRope(c, d)).with(key{"attention.layer_norm_epsilon", 1e-5})
		if c.Has("clip_qkv") {
			k = k.with(key{"attention.clamp_kqv", c.positive("clip_qkv", 1)})
		}
		s := decoderSpec(c, d, "olmo", k, Transform{}, func(l layer) {
			l.attention(true, noBias, noBias)
			l.gatedFFN(noBias)
		})
		s.Tensors = append(s.Tensors[:1], s.Tensors[2:]...) // no last norm
		return s
	},
}

// olmo2 is OLMo 2 and 3: norms behind attention and feed-forward part, of queries and of keys over all heads together; the
// latter with a sliding window in three of four layers.
var olmo2 = &Family{
	Classes: []string{"Olmo2ForCausalLM"},
	Name:    "olmo2",
	Defaults: map[string]any{"vocab_size": 50304.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": false, "attention_bias": false},
	Describe: func(c *Config) *Spec { return olmo2Spec(c, 10000) },
}

// olmo3 is the same with a sliding window in three of four layers.
var olmo3 = &Family{
	Classes: []string{"Olmo3ForCausalLM"},
	Name:    "olmo2",
	Defaults: map[string]any{"vocab_size": 50304.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": false, "attention_bias": false,
		"sliding_window": 4096.0},
	Describe: func(c *Config) *Spec {
		if !c.Has("layer_types") {
			types := make([]any, c.Int("num_hidden_layers", maxLayers))
			for n := range types {
				if types[n] = "sliding_attention"; (n+1)%4 == 0 {
					types[n] = "full_attention"
				}
			}
			c = c.with("layer_types", types)
		}
		return olmo2Spec(c, 500000)
	},
}

func olmo2Spec(c *Config, theta float64) *Spec {
	d := readDims(c, headGiven)
	c.computes(silu)
	k := decoderKeys(c, d, yarnRope(c, d, theta))
	if c.Has("sliding_window") {
		k = k.with(slidingKeys(c, d)...)
	}
	bias := biasIf(c.Bool("attention_bias"))
	return decoderSpec(c, d, "olmo2", k, Transform{}, func(l layer) {
		l.attention(false, bias, bias)
		l.wholeNorms()
		l.postNorms()
		l.gatedFFN(noBias)
	})
}
