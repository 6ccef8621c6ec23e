package arch

// LFM 2: in most layers a short convolution takes the place of attention. The last norm is that of the embeddings.

var lfm2 = &Family{
	Classes: []string{"Lfm2ForCausalLM", "LFM2ForCausalLM"},
	Name:    "lfm2",
	Defaults: map[string]any{"vocab_size": 65536.0, "hidden_size": 2560.0, "intermediate_size": 12288.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 8.0, "max_position_embeddings": 128000.0, "norm_eps": 1e-5, "tie_word_embeddings": true,
		"conv_bias": false, "conv_L_cache": 3.0, "block_multiple_of": 256.0, "block_ffn_dim_multiplier": 1.0, "block_auto_adjust_ff_dim": true, "rope_theta": 1000000.0},
	Aliases: map[string]string{"tie_embedding": "tie_word_embeddings"},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		d.ffn = c.IntOr("block_ff_dim", maxWidth, d.ffn)
		if c.Bool("block_auto_adjust_ff_dim") {
			multiple := c.Int("block_multiple_of", maxWidth)
			d.ffn = int64(c.positive("block_ffn_dim_multiplier", 1) * float64(2*d.ffn/3))
			d.ffn = roundUp(d.ffn, multiple)
		}
		return lfmSpec(c, d, "lfm2", nil, func(l layer) { l.wFFN(d.ffn) })
	},
}

var lfm2moe = &Family{
	Classes: []string{"Lfm2MoeForCausalLM"},
	Name:    "lfm2moe",
	Defaults: map[string]any{"vocab_size": 65536.0, "hidden_size": 2048.0, "intermediate_size": 7168.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 8.0, "max_position_embeddings": 128000.0, "norm_eps": 1e-5, "tie_word_embeddings": true,
		"conv_bias": false, "conv_L_cache": 3.0, "rope_theta": 1000000.0, "moe_intermediate_size": 1792.0, "num_dense_layers": 2.0, "num_experts": 32.0,
		"num_experts_per_tok": 4.0, "use_expert_bias": true, "routed_scaling_factor": 1.0, "norm_topk_prob": true},
	Aliases: map[string]string{"tie_embedding": "tie_word_embeddings"},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		width, dense, n := c.Int("moe_intermediate_size", maxWidth), c.count("num_dense_layers", maxLayers), experts(c)
		from := expertSource{"feed_forward", "feed_forward.gate", mixtralExperts.matrices}
		more := keys{
			{"expert_feed_forward_length", width},
			{"leading_dense_block_count", dense},
			{"expert_gating_func", gateSigmoid}}
		return lfmSpec(c, d, "lfm2moe", more, func(l layer) {
			if l.n < dense {
				l.wFFN(d.ffn)
				return
			}
			l.add("feed_forward.gate", "ffn_gate_inp", []int64{n, d.hidden}, Transform{}, noBias)
			l.stacks(from, n, width)
			l.fused("feed_forward.experts", n, width)
			if c.Bool("use_expert_bias") {
				l.plain("feed_forward.expert_bias", "exp_probs_b.bias", []int64{n}, Transform{})
			}
		})
	},
}

// lfmSpec is what both have; ffn adds a layer's feed-forward part.
func lfmSpec(c *Config, d dims, name string, more keys, ffn func(l layer)) *Spec {
	c.computes(map[string][]any{"conv_bias": {false}, "routed_scaling_factor": {1.0}, "norm_topk_prob": {true}})
	attends := make([]bool, d.layers)
	types := c.List("layer_types")
	for _, x := range c.List("full_attn_idxs") {
		if n, ok := x.(float64); ok && types == nil && n >= 0 && n < float64(d.layers) {
			attends[int64(n)] = true
		}
	}
	if types != nil && int64(len(types)) != d.layers || types == nil && !c.Has("full_attn_idxs") {
		c.fail("layer_types", "must say of each of the %d layers whether it is conv or full_attention (got %v)", d.layers, types)
		types = nil
	}
	for n, t := range types {
		attends[n] = t == "full_attention"
	}
	heads := headsWhere(d, func(n int64) bool { return attends[n] })
	conv := c.Int("conv_L_cache", maxWidth)
	k := decoderKeys(c, d, qwenRope(c, d)).with(key{"attention.head_count_kv", heads}).with(more...).with(
		key{"vocab_size", d.vocab},
		key{"shortconv.l_cache", conv})
	b := llamaBody
	b.norm = "model.embedding_norm"
	s := b.spec(c, d, name, k, Transform{}, func(l layer) {
		l.norm("operator_norm", "attn_norm", Transform{})
		if attends[l.n] {
			l.add("self_attn.q_proj", "attn_q", []int64{d.heads * d.headDim, d.hidden}, Transform{}, noBias)
			l.add("self_attn.k_proj", "attn_k", []int64{d.kvHeads * d.headDim, d.hidden}, Transform{}, noBias)
			l.add("self_attn.v_proj", "attn_v", []int64{d.kvHeads * d.headDim, d.hidden}, Transform{}, noBias)
			l.add("self_attn.out_proj", "attn_output", []int64{d.hidden, d.heads * d.headDim}, Transform{}, noBias)
			l.add("self_attn.q_layernorm", "attn_q_norm", []int64{d.headDim}, Transform{}, noBias)
			l.add("self_attn.k_layernorm", "attn_k_norm", []int64{d.headDim}, Transform{}, noBias)
		} else {
			l.cut("conv.conv.weight", "shortconv.conv.weight", []int64{d.hidden, 1, conv}, []int64{d.hidden, conv}, Transform{})
			l.add("conv.in_proj", "shortconv.in_proj", []int64{3 * d.hidden, d.hidden}, Transform{}, noBias)
			l.add("conv.out_proj", "shortconv.out_proj", []int64{d.hidden, d.hidden}, Transform{}, noBias)
		}
		l.norm("ffn_norm", "ffn_norm", Transform{})
		ffn(l)
	})
	s.Tensors[1].Name = "token_embd_norm.weight"
	return s
}

// wFFN adds gate, down and up as w1, w2 and w3.
func (l layer) wFFN(width int64) {
	l.add("feed_forward.w1", "ffn_gate", []int64{width, l.d.hidden}, Transform{}, noBias)
	l.add("feed_forward.w2", "ffn_down", []int64{l.d.hidden, width}, Transform{}, noBias)
	l.add("feed_forward.w3", "ffn_up", []int64{width, l.d.hidden}, Transform{}, noBias)
}
