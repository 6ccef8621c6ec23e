package arch

// Command R: one norm for attention and feed-forward part, which stand side by side; the embeddings are the head, and logits
// have a factor.

var cohere = &Family{
	Classes: []string{"CohereForCausalLM"},
	Name:    "command-r",
	Defaults: map[string]any{"vocab_size": 256000.0, "hidden_size": 8192.0, "intermediate_size": 22528.0, "num_hidden_layers": 40.0,
		"num_attention_heads": 64.0, "hidden_act": "silu", "max_position_embeddings": 8192.0, "layer_norm_eps": 1e-5, "tie_word_embeddings": true,
		"attention_bias": false, "use_qk_norm": false, "logit_scale": 0.0625},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		// max_position_embeddings is less than the context with which some were trained.
		d.context = c.IntOr("model_max_length", maxTokens, d.context)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}}, "logit_scale", "use_qk_norm")
		r := readRope(c, d, 500000, 0)
		r.only("default", "dynamic")
		k := decoderKeys(c, d, r).with(key{"logit_scale", c.Float("logit_scale", 0.0625)}, key{"rope.scaling.type", "none"})
		return decoderSpec(c, d, "command-r", k, Transform{}, func(l layer) {
			l.cohere()
			if c.Bool("use_qk_norm") {
				l.add("self_attn.q_norm", "attn_q_norm", []int64{d.heads, d.headDim}, Transform{}, noBias)
				l.add("self_attn.k_norm", "attn_k_norm", []int64{d.kvHeads, d.headDim}, Transform{}, noBias)
			}
		}).withoutHead()
	},
}

// cohere2 attends to a sliding window in three of four layers, and leaves positions out of the fourth.
var cohere2 = &Family{
	Classes: []string{"Cohere2ForCausalLM"},
	Name:    "cohere2",
	Defaults: map[string]any{"vocab_size": 256000.0, "hidden_size": 8192.0, "intermediate_size": 22528.0, "num_hidden_layers": 40.0,
		"num_attention_heads": 64.0, "hidden_act": "silu", "max_position_embeddings": 8192.0, "layer_norm_eps": 1e-5, "tie_word_embeddings": true,
		"attention_bias": false, "logit_scale": 0.0625, "sliding_window": 4096.0, "rotary_pct": 1.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headDerived)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}, "sliding_window_pattern": {4.0}, "_sliding_window_pattern": {4.0}}, "logit_scale", "rotary_pct")
		c.slidesBut(d, func(n int64) bool { return (n+1)%4 == 0 }, "of every four layers the first three attend to a sliding window")
		r := readRope(c, d, 10000, 0)
		r.only("default", "dynamic")
		k := decoderKeys(c, d, r).with(
			key{"logit_scale", c.Float("logit_scale", 0.0625)},
			key{"attention.sliding_window", c.Int("sliding_window", maxTokens)},
			key{"vocab_size", d.vocab},
			key{"rope.dimension_count", int64(c.positive("rotary_pct", 1) * float64(d.hidden/d.heads))},
			key{"rope.scaling.type", "none"})
		return decoderSpec(c, d, "cohere2", k, Transform{}, layer.cohere).withoutHead()
	},
}

func (l layer) cohere() {
	l.norm("input_layernorm", "attn_norm", Transform{})
	l.attention(false, noBias, noBias)
	l.gatedFFN(noBias)
}
