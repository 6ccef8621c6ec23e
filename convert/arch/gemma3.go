package arch

var noSpacePrefix = false

// gemma3 has norms before and after attention and FFN, stored less one; five of six layers attend to a
// sliding window only.
var gemma3 = &Family{
	Classes: []string{"Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"},
	Name:    "gemma3",
	Defaults: map[string]any{"vocab_size": 262208.0, "hidden_size": 2304.0, "intermediate_size": 9216.0, "num_hidden_layers": 26.0,
		"num_attention_heads": 8.0, "num_key_value_heads": 4.0, "head_dim": 256.0, "hidden_activation": "gelu_pytorch_tanh",
		"max_position_embeddings": 131072.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": true, "attention_bias": false,
		"query_pre_attn_scalar": 256.0, "sliding_window": 4096.0, "sliding_window_pattern": 6.0},
	Describe: func(c *Config) *Spec { return gemma3Spec(c, "gemma3", false) },
}

// gemmaEmbedding is EmbeddingGemma: the same without a head, which sees all of a text at once.
var gemmaEmbedding = &Family{
	Classes:  []string{"Gemma3TextModel"},
	Name:     "gemma-embedding",
	Defaults: gemma3.Defaults,
	Describe: func(c *Config) *Spec { return gemma3Spec(c, "gemma-embedding", true).withoutHead() },
}

func gemma3Spec(c *Config, name string, bothWays bool) *Spec {
	d := readDims(c, headGiven)
	understood := []string{"query_pre_attn_scalar", "final_logit_softcapping"}
	if bothWays {
		understood = append(understood, "use_bidirectional_attention")
		if !c.Bool("use_bidirectional_attention") {
			c.fail("use_bidirectional_attention", "is not true: GGUF files of this architecture see all of a text at once")
		}
	}
	c.computes(gemmaComputes, understood...)
	c.gemmaScale(d, 62)
	c.gemmaPattern(d)
	r := gemmaRope(c, d)
	r.only("default", "linear", "dynamic", "yarn")
	if p := c.Sub("rope_scaling"); r.kind != "default" && p.Has("type") && !p.Has("rope_type") {
		// transformers 5 puts rope_type: default in front of it.
		p.note("type", "is %s: transformers does not read it for this class, and neither does the reference converter; rope_type would be read", r.kind)
		r.kind = "default"
	}
	soft := c.Float("final_logit_softcapping", 0)
	k := decoderKeys(c, d, r).with(when(soft != 0, key{"final_logit_softcapping", soft})...)
	k = k.with(key{"attention.sliding_window", c.Int("sliding_window", maxTokens)})
	s := decoderSpec(c, d, name, k, lessOne, func(l layer) { l.gemma(lessOne, true) })
	s.SpacePrefix = &noSpacePrefix
	return s
}

// gemmaPattern checks which layers slide. GGUF runtimes take every sixth for one that attends to all.
func (c *Config) gemmaPattern(d dims) {
	if pattern := c.IntOr("sliding_window_pattern", maxLayers, 6); !c.Has("layer_types") && pattern != 6 {
		c.fail("sliding_window_pattern", "is %d: GGUF runtimes take every sixth layer for one that attends to the whole context", pattern)
	}
	c.slidesBut(d, func(n int64) bool { return (n+1)%6 == 0 }, "of every six layers the first five attend to a sliding window")
}

// slidesBut checks that the layers which attend to the whole context are those that GGUF runtimes take for them.
func (c *Config) slidesBut(d dims, full func(n int64) bool, rule string) {
	types := c.List("layer_types")
	if types == nil {
		return
	}
	if int64(len(types)) != d.layers {
		c.fail("layer_types", "has %d entries, but there are %d layers", len(types), d.layers)
		return
	}
	for n := range d.layers {
		if (types[n] == "full_attention") != full(n) {
			c.fail("layer_types", "makes layer %d %v, which differs from what GGUF runtimes compute: %s", n, types[n], rule)
			return
		}
	}
}
