package arch

// modernbert has rotary positions, gates, norms before both parts, and in two of three layers attention to what is near.
var modernbert = &Family{
	Classes: []string{"ModernBertModel", "ModernBertForMaskedLM", "ModernBertForSequenceClassification"},
	Name:    "modern-bert",
	Defaults: map[string]any{"vocab_size": 50368.0, "hidden_size": 768.0, "intermediate_size": 1152.0, "num_hidden_layers": 22.0, "num_attention_heads": 12.0,
		"hidden_activation": "gelu", "max_position_embeddings": 8192.0, "norm_eps": 1e-5, "norm_bias": false, "attention_bias": false, "mlp_bias": false,
		"rope_theta": 160000.0, "rope_local_base_freq": 10000.0, "global_attn_every_n_layers": 3.0, "local_attention": 128.0, "classifier_pooling": "cls"},
	Aliases: map[string]string{"global_rope_theta": "rope_theta", "local_rope_theta": "rope_local_base_freq"},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_activation": {"gelu", "silu"}, "norm_bias": {false}, "attention_bias": {false}, "mlp_bias": {false}})
		every := c.Int("global_attn_every_n_layers", maxLayers)
		c.slidesBut(d, func(n int64) bool { return n%every == 0 }, "all but every so many layers attend to what is near")
		r := readRope(c, d, 160000, 0)
		r.only("default")
		if r.localSWA == 0 {
			r.localSWA = c.positive("rope_local_base_freq", 10000)
		}
		k := keys{
			{"block_count", d.layers},
			{"context_length", d.context},
			{"embedding_length", d.hidden},
			{"feed_forward_length", d.ffn},
			{"attention.head_count", d.heads},
			{"rope.freq_base", r.theta},
			{"rope.freq_base_swa", r.localSWA},
			{"attention.layer_norm_rms_epsilon", c.positive("norm_eps", 1e-5)},
			fileType,
			{"attention.causal", false},
			pooling,
			{"attention.sliding_window", c.Int("local_attention", maxTokens)},
			{"attention.sliding_window_pattern", every},
			{"rope.scaling.type", "none"},
			{"vocab_size", d.vocab},
			{"hidden_activation", c.String("hidden_activation")}}
		e := &encoder{c: c, d: d}
		k = k.before("attention.sliding_window", e.modernHead()...)
		b := body{"model.", "model.embeddings.tok_embeddings", "model.final_norm", "", "model.layers", noBias}
		s := b.spec(c, d, "modern-bert", k, Transform{}, func(l layer) {
			if l.n > 0 {
				l.norm("attn_norm", "attn_norm", Transform{})
			}
			l.add("attn.Wqkv", "attn_qkv", []int64{3 * d.hidden, d.hidden}, Transform{}, noBias)
			l.add("attn.Wo", "attn_output", []int64{d.hidden, d.hidden}, Transform{}, noBias)
			l.norm("mlp_norm", "ffn_norm", Transform{})
			l.add("mlp.Wi", "ffn_up", []int64{2 * d.ffn, d.hidden}, Transform{}, noBias)
			l.add("mlp.Wo", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, noBias)
		}).withoutHead()
		s.Tensors = append(s.Tensors, Tensor{Source: "model.embeddings.norm.weight", Name: "token_embd_norm.weight", Shape: []int64{d.hidden}})
		s.Tensors = append(s.Tensors, e.out...)
		s.LeftOut = append(s.LeftOut, LeftOut{Prefix: "decoder."})
		return s
	},
}

// modernHead adds the head of a class that has one, and returns the keys about it. The one before guesses of words is that of scores,
// but for the last matrix, and the reference keeps it.
func (e *encoder) modernHead() keys {
	c := e.c
	if c.class() == "ModernBertModel" {
		return nil
	}
	c.computes(map[string][]any{"classifier_activation": {"gelu"}, "classifier_bias": {false}, "classifier_pooling": {"cls", "mean"}})
	pooled := int64(1)
	if c.String("classifier_pooling") == "cls" {
		pooled = poolingCLS
	}
	e.add("head.dense.weight", "cls.weight", e.d.hidden, e.d.hidden)
	e.add("head.norm.weight", "cls.norm.weight", e.d.hidden)
	return keys{{"classifier.pooling_type", pooled}}.with(e.classifier("", "classifier")...)
}
