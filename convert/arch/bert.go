package arch

// Encoders: they make vectors of texts, see all of a text at once, and have no head.

// bert has norms behind attention and feed-forward part, learned positions, and embeddings for the two parts of a text.
var bert = &Family{
	Classes: []string{"BertModel"},
	Name:    "bert",
	Defaults: map[string]any{"vocab_size": 30522.0, "hidden_size": 768.0, "num_hidden_layers": 12.0, "num_attention_heads": 12.0, "intermediate_size": 3072.0,
		"hidden_act": "gelu", "max_position_embeddings": 512.0, "type_vocab_size": 2.0, "layer_norm_eps": 1e-12, "position_embedding_type": "absolute"},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": {"gelu", "gelu_new", "gelu_pytorch_tanh"}, "position_embedding_type": {"absolute"}, "is_decoder": {false}})
		k := keys{
			{"block_count", d.layers},
			{"context_length", d.context},
			{"embedding_length", d.hidden},
			{"feed_forward_length", d.ffn},
			{"attention.head_count", d.heads},
			{"attention.layer_norm_epsilon", c.positive("layer_norm_eps", 1e-12)},
			fileType,
			{"attention.causal", false},
			pooling}
		embeddings := layer{d: d, prefix: "bert"}
		out := []Tensor{
			{Source: "bert.embeddings.word_embeddings.weight", Name: "token_embd.weight", Shape: []int64{d.vocab, d.hidden}},
			{Source: "bert.embeddings.position_embeddings.weight", Name: "position_embd.weight", Shape: []int64{d.context, d.hidden}},
			{Source: "bert.embeddings.token_type_embeddings.weight", Name: "token_types.weight", Shape: []int64{c.Int("type_vocab_size", maxWidth), d.hidden}}}
		out = append(out, embeddings.bertNorm("bert.embeddings.LayerNorm", "token_embd_norm")...)
		for n := range d.layers {
			l := layer{c: c, d: d, n: n, prefix: "bert.encoder.layer", out: &out}
			square := []int64{d.hidden, d.hidden}
			l.add("attention.self.query", "attn_q", square, Transform{}, hasBias)
			l.add("attention.self.key", "attn_k", square, Transform{}, hasBias)
			l.add("attention.self.value", "attn_v", square, Transform{}, hasBias)
			l.add("attention.output.dense", "attn_output", square, Transform{}, hasBias)
			l.add("intermediate.dense", "ffn_up", []int64{d.ffn, d.hidden}, Transform{}, hasBias)
			l.add("output.dense", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, hasBias)
			out = append(out, l.bertNorm(l.source("attention.output.LayerNorm"), l.name("attn_output_norm"))...)
			out = append(out, l.bertNorm(l.source("output.LayerNorm"), l.name("layer_output_norm"))...)
		}
		s := &Spec{Metadata: k.of("bert"), Tensors: out, Vocab: d.vocab, Prefix: "bert."}
		for _, part := range []string{"bert.embeddings.position_ids", "bert.pooler.", "cls.predictions", "cls.seq_relationship"} {
			s.LeftOut = append(s.LeftOut, LeftOut{Prefix: part}) // of what the model was trained for, not of vectors
		}
		return s
	},
}

// bertNorm is a norm, whose tensors older checkpoints call gamma and beta.
func (l layer) bertNorm(source, name string) []Tensor {
	shape := []int64{l.d.hidden}
	return []Tensor{
		{Source: source + ".weight", Name: name + ".weight", Shape: shape}, {Source: source + ".bias", Name: name + ".bias", Shape: shape},
		{Source: source + ".gamma", Name: name + ".weight", Shape: shape}, {Source: source + ".beta", Name: name + ".bias", Shape: shape}}
}

// modernbert has rotary positions, gates, norms before both parts, and in two of three layers attention to what is near.
var modernbert = &Family{
	Classes: []string{"ModernBertModel"},
	Name:    "modern-bert",
	Defaults: map[string]any{"vocab_size": 50368.0, "hidden_size": 768.0, "intermediate_size": 1152.0, "num_hidden_layers": 22.0, "num_attention_heads": 12.0,
		"hidden_activation": "gelu", "max_position_embeddings": 8192.0, "norm_eps": 1e-5, "norm_bias": false, "attention_bias": false, "mlp_bias": false,
		"rope_theta": 160000.0, "rope_local_base_freq": 10000.0, "global_attn_every_n_layers": 3.0, "local_attention": 128.0},
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
		return s
	},
}
