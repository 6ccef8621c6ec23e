package arch

// nomicBert is BERT with rotary positions and gates; version 2 has experts in every other layer instead, and RoBERTa's tokenizer.
var nomicBert = &Family{
	Classes: []string{"NomicBertModel"},
	Name:    "nomic-bert",
	Defaults: map[string]any{"vocab_size": 30528.0, "hidden_size": 768.0, "num_hidden_layers": 12.0, "num_attention_heads": 12.0, "intermediate_size": 3072.0,
		"max_position_embeddings": 2048.0, "type_vocab_size": 2.0, "layer_norm_eps": 1e-12},
	Aliases: map[string]string{"n_embd": "hidden_size", "n_layer": "num_hidden_layers", "n_head": "num_attention_heads", "n_inner": "intermediate_size",
		"layer_norm_epsilon": "layer_norm_eps"},
	Describe: func(c *Config) *Spec {
		every := c.count("moe_every_n_layers", maxLayers)
		moe, activation := every > 0, "swiglu"
		if moe {
			activation = "gelu"
		}
		c.computes(map[string][]any{"activation_function": {activation}, "causal": {false}, "prenorm": {false}, "qkv_proj_bias": {moe}, "mlp_fc1_bias": {moe},
			"mlp_fc2_bias": {moe}, "rotary_emb_fraction": {1.0}, "rotary_emb_interleaved": {false}, "rotary_emb_scale_base": {}, "rotary_scaling_factor": {},
			"parallel_block": {false}, "use_rms_norm": {false}, "moe_normalize_expert_weights": {false}, "num_shared_experts": {0.0}, "expert_choice_router": {false}})
		d := readDims(c, headGiven)
		d.context = c.nomicContext()
		e := &encoder{c: c, d: d, theta: c.positive("rotary_emb_base", 1000)}
		if !moe {
			e.rotary("encoder.layers", "attn", noBias, func(l layer) {
				l.add("mlp.fc11", "ffn_up", []int64{d.ffn, d.hidden}, Transform{}, noBias)
				l.add("mlp.fc12", "ffn_gate", []int64{d.ffn, d.hidden}, Transform{}, noBias)
				l.add("mlp.fc2", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, noBias)
			})
			return e.spec("nomic-bert", e.keys(key{"attention.key_length", d.headDim}, key{"attention.value_length", d.headDim}))
		}
		n := experts(c)
		e.rotary("encoder.layers", "attn", hasBias, func(l layer) {
			if l.n%every != 1 {
				l.biasedFFN()
				return
			}
			all := []int64{n * d.ffn, d.hidden}
			l.add("mlp.router.layer", "ffn_gate_inp", []int64{n, d.hidden}, Transform{}, noBias)
			l.cut("mlp.experts.mlp.w1", "ffn_up_exps.weight", all, []int64{n, d.ffn, d.hidden}, Transform{})
			l.cut("mlp.experts.mlp.w2", "ffn_down_exps.weight", all, []int64{n, d.hidden, d.ffn}, Transform{Transpose: true})
		})
		s := e.spec("nomic-bert-moe", e.keys(key{"expert_count", n}).with(key{"moe_every_n_layers", every}, key{"expert_used_count", c.Int("moe_top_k", maxExperts)}))
		s.Name = "nomic-bert-moe"
		s.LeftOut = append(s.LeftOut, LeftOut{Prefix: "encoder.layers.", Suffix: ".mlp.experts.bias", What: "what is added behind experts, which GGUF has no place for"})
		return s
	},
}

// nomicContext is the length that models were trained for, as the reference knows them.
func (c *Config) nomicContext() int64 {
	positions, trained := c.IntOr("n_positions", maxTokens, 0), c.IntOr("max_trained_positions", maxTokens, 2048)
	switch {
	case positions == 8192 && trained == 2048: // version 1 and 1.5
		return 2048
	case positions == 2048 && trained == 2048: // version 2
		return 512
	}
	c.fail("n_positions", "is %d and max_trained_positions %d: only those of published models (8192 or 2048, and 2048) say what a model was trained for", positions, trained)
	return 1
}

// rotary adds embeddings and layers of BERTs that turn queries and keys; ffn adds a layer's feed-forward part.
func (e *encoder) rotary(layers, attention string, bias biasRule, ffn func(l layer)) {
	d := e.d
	e.add("embeddings.word_embeddings.weight", "token_embd.weight", d.vocab, d.hidden)
	e.add("embeddings.token_type_embeddings.weight", "token_types.weight", e.c.Int("type_vocab_size", maxWidth), d.hidden)
	e.out = append(e.out, bertNorm(e.prefix+"emb_ln", "token_embd_norm", d.hidden)...)
	for n := range d.layers {
		l := e.layer(layers, n)
		l.add(attention+".Wqkv", "attn_qkv", []int64{3 * d.hidden, d.hidden}, Transform{}, bias)
		l.add(attention+".out_proj", "attn_output", []int64{d.hidden, d.hidden}, Transform{}, bias)
		l.bertNorm("norm1", "attn_output_norm")
		ffn(l)
		l.bertNorm("norm2", "layer_output_norm")
	}
}

// biasedFFN adds a feed-forward part without a gate.
func (l layer) biasedFFN() {
	l.add("mlp.fc1", "ffn_up", []int64{l.d.ffn, l.d.hidden}, Transform{}, hasBias)
	l.add("mlp.fc2", "ffn_down", []int64{l.d.hidden, l.d.ffn}, Transform{}, hasBias)
}
