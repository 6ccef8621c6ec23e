package arch

// EXAONE 4 has norms behind attention and feed-forward part, and a sliding window in three of four layers of its larger model.
var exaone4 = &Family{
	Classes: []string{"Exaone4ForCausalLM"},
	Name:    "exaone4",
	Defaults: map[string]any{"vocab_size": 102400.0, "hidden_size": 4096.0, "intermediate_size": 16384.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-5,
		"tie_word_embeddings": false, "sliding_window": 4096.0, "sliding_window_pattern": 4.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		k, r := exaoneKeys(c, d)
		s := decoderSpec(c, d, "exaone4", k, Transform{}, func(l layer) {
			l.attention(false, noBias, noBias)
			l.headNorms(Transform{})
			l.postNorms()
			l.gatedFFN(noBias)
		})
		s.Computed = r.llama3Factors(d.headDim)
		return s
	},
}

// exaonemoe has norms before both again, experts behind the first layers, and layers that predict further tokens.
var exaonemoe = &Family{
	Classes: []string{"ExaoneMoeForCausalLM", "ExaoneMoEForCausalLM"},
	Name:    "exaone-moe",
	Defaults: map[string]any{"vocab_size": 102400.0, "hidden_size": 4096.0, "intermediate_size": 16384.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-5,
		"tie_word_embeddings": false, "sliding_window": 4096.0, "sliding_window_pattern": 4.0, "first_k_dense_replace": 1.0, "moe_intermediate_size": 1024.0,
		"num_experts": 64.0, "num_experts_per_tok": 8.0, "num_shared_experts": 1.0, "norm_topk_prob": true, "routed_scaling_factor": 2.5, "n_group": 1.0, "topk_group": 1.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		main, next := d.layers, c.count("num_nextn_predict_layers", 16)
		k, r := exaoneKeys(c, d)
		n, width, shared := experts(c), c.Int("moe_intermediate_size", maxWidth), c.count("num_shared_experts", maxExperts)
		dense := c.count("first_k_dense_replace", maxLayers)
		if !c.Has("first_k_dense_replace") {
			dense = c.count("first_last_k_dense_replace", maxLayers)
		}
		d.layers += next
		k = k.with(
			key{"block_count", d.layers},
			key{"expert_feed_forward_length", width},
			key{"expert_shared_count", shared},
			key{"expert_shared_feed_forward_length", width * shared},
			key{"expert_weights_scale", c.Float("routed_scaling_factor", 1)},
			key{"expert_weights_norm", c.Bool("norm_topk_prob")},
			key{"leading_dense_block_count", dense},
			key{"nextn_predict_layers", next},
			key{"rope.scaling.type", "none"})
		s := decoderSpec(c, d, "exaone-moe", k, Transform{}, func(l layer) {
			if l.n >= main {
				l.prefix, l.first = "mtp.layers", main
			}
			l.llamaAttention(false, noBias, noBias)
			l.headNorms(Transform{})
			if l.n < dense || l.n >= main {
				l.gatedFFN(noBias)
			} else {
				l.experts(mlpExperts, width)
				l.correction("mlp", n)
				l.sharedExpert("mlp.shared_experts", shared*width)
			}
			if l.n >= main {
				l.sharedNextToken("mtp")
			}
		})
		s.Computed = r.llama3Factors(d.headDim)
		return s
	},
}

// exaoneKeys are what both have. Where the config does not list the types of layers, a pattern says them.
func exaoneKeys(c *Config, d dims) (keys, rope) {
	c.computes(silu, "n_group", "topk_group", "num_nextn_predict_layers")
	r := readRope(c, d, 10000, 0)
	r.only("default", "linear", "dynamic", "yarn", "llama3")
	k := decoderKeys(c, d, r).with(key{"vocab_size", d.vocab})
	switch {
	case !c.Has("sliding_window"):
	case c.Has("layer_types"):
		k = k.with(slidingKeys(c, d)...)
	default:
		pattern := make([]bool, d.layers)
		letters, _ := c.value("sliding_window_pattern").(string)
		for n := range pattern {
			if letters != "" { // LLLG
				pattern[n] = letters[n%len(letters)] == 'L'
			} else {
				pattern[n] = int64(n+1)%c.Int("sliding_window_pattern", maxLayers) != 0
			}
		}
		k = k.with(key{"attention.sliding_window", c.Int("sliding_window", maxTokens)}, key{"attention.sliding_window_pattern", pattern})
	}
	return k, r
}
