package arch

// deepseek2 covers DeepSeek V2 and V3, and GLM 4.7 Flash: attention over a latent vector of which keys and values are made
// (MLA). GGUF has the matrix that makes them in two: that of keys turned per head, since it is applied to queries.

var deepseekV2 = &Family{
	Classes: []string{"DeepseekV2ForCausalLM"},
	Name:    "deepseek2",
	Defaults: map[string]any{"vocab_size": 102400.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": false,
		"attention_bias": false, "first_k_dense_replace": 0.0, "kv_lora_rank": 512.0, "q_lora_rank": 1536.0, "n_routed_experts": 64.0,
		"n_shared_experts": 2.0, "qk_nope_head_dim": 128.0, "qk_rope_head_dim": 64.0, "v_head_dim": 128.0, "routed_scaling_factor": 1.0,
		"norm_topk_prob": false, "moe_intermediate_size": 1407.0, "topk_method": "greedy"},
	Describe: func(c *Config) *Spec { return mlaSpec(c, true) },
}

var deepseekV3 = &Family{
	Classes: []string{"DeepseekV3ForCausalLM", "KimiK25ForConditionalGeneration", "KimiVLForConditionalGeneration"},
	Name:    "deepseek2",
	Defaults: map[string]any{"vocab_size": 129280.0, "hidden_size": 7168.0, "intermediate_size": 18432.0, "num_hidden_layers": 61.0,
		"num_attention_heads": 128.0, "hidden_act": "silu", "max_position_embeddings": 4096.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": false,
		"attention_bias": false, "first_k_dense_replace": 3.0, "kv_lora_rank": 512.0, "q_lora_rank": 1536.0, "n_routed_experts": 256.0,
		"n_shared_experts": 1.0, "qk_nope_head_dim": 128.0, "qk_rope_head_dim": 64.0, "v_head_dim": 128.0, "routed_scaling_factor": 2.5,
		"norm_topk_prob": true, "moe_intermediate_size": 2048.0, "n_group": 8.0, "topk_group": 4.0, "num_experts_per_tok": 8.0},
	Describe: func(c *Config) *Spec { return mlaSpec(c, true) },
}

var glm4moelite = &Family{
	Classes: []string{"Glm4MoeLiteForCausalLM"},
	Name:    "deepseek2",
	Defaults: map[string]any{"vocab_size": 154880.0, "hidden_size": 2048.0, "intermediate_size": 10240.0, "num_hidden_layers": 47.0,
		"num_attention_heads": 20.0, "hidden_act": "silu", "max_position_embeddings": 202752.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": false,
		"attention_bias": false, "first_k_dense_replace": 1.0, "kv_lora_rank": 512.0, "q_lora_rank": 768.0, "n_routed_experts": 64.0,
		"n_shared_experts": 1.0, "qk_nope_head_dim": 192.0, "qk_rope_head_dim": 64.0, "v_head_dim": 256.0, "routed_scaling_factor": 1.8,
		"norm_topk_prob": true, "moe_intermediate_size": 1536.0, "n_group": 1.0, "topk_group": 1.0, "num_experts_per_tok": 4.0},
	Describe: func(c *Config) *Spec { return mlaSpec(c, false) },
}

// youtu has no experts.
var youtu = &Family{
	Classes: []string{"YoutuForCausalLM"},
	Name:    "deepseek2",
	Defaults: map[string]any{"vocab_size": 128256.0, "hidden_size": 2048.0, "intermediate_size": 6144.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 16.0, "num_key_value_heads": 16.0, "hidden_act": "silu", "max_position_embeddings": 131072.0, "rms_norm_eps": 1e-6,
		"tie_word_embeddings": true, "attention_bias": false, "kv_lora_rank": 512.0, "q_lora_rank": 1536.0, "qk_nope_head_dim": 128.0,
		"qk_rope_head_dim": 64.0, "v_head_dim": 128.0},
	Describe: func(c *Config) *Spec { return mlaSpec(c, true) },
}

// mla are the sizes of such attention: ranks of the latent vectors of queries (0 if they have none) and of keys and values,
// and what of a head is not rotated, is rotated, and is its value.
type mla struct{ query, latent, plain, rotated, value int64 }

// mlaSpec describes all of them; headDim says that the class puts a head_dim in its config, which the reference then
// writes the lengths in the place of.
func mlaSpec(c *Config, headDim bool) *Spec {
	a := mla{c.IntOr("q_lora_rank", maxWidth, 0), c.Int("kv_lora_rank", maxWidth), c.Int("qk_nope_head_dim", maxWidth), c.Int("qk_rope_head_dim", maxWidth), c.Int("v_head_dim", maxWidth)}
	d := readDims(c, headGiven)
	d.ownHeadDim, d.headDim, d.kvHeads = headDim || c.Has("head_dim"), a.plain+a.rotated, 1 // one latent vector is all heads' keys
	c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}, "rope_interleave": {true}, "moe_layer_freq": {1.0},
		"topk_method": {"greedy", "group_limited_greedy", "noaux_tc"}}, "n_group", "topk_group", "scoring_func", "num_nextn_predict_layers", "use_qk_norm")
	r := yarnRope(c, d, 10000, "mscale_all_dim")
	// V2 chooses experts by softmax; what came later, by sigmoids with a correction.
	softmax := c.String("topk_method") != "noaux_tc" && (c.Has("topk_method") || c.String("scoring_func") == "softmax")
	n, dense := experts(c), d.layers
	width, shared := d.ffn, int64(0)
	if n > 0 {
		dense, width = c.count("first_k_dense_replace", maxLayers), c.Int("moe_intermediate_size", maxWidth)
		shared = c.count("n_shared_experts", maxExperts)
	}
	// The reference leaves layers that predict further tokens out, but for GLM's.
	main, next := d.layers, c.count("num_nextn_predict_layers", 16)
	if !headDim {
		d.layers += next
	}
	k := decoderKeys(c, d, r).with(key{"leading_dense_block_count", dense}, key{"vocab_size", d.vocab})
	k = k.with(when(a.query > 0, key{"attention.q_lora_rank", a.query})...)
	k = k.with(
		key{"attention.kv_lora_rank", a.latent},
		key{"attention.key_length", a.latent + a.rotated},
		key{"attention.value_length", a.latent},
		key{"attention.key_length_mla", a.plain + a.rotated},
		key{"attention.value_length_mla", a.value},
		key{"expert_feed_forward_length", width},
		key{"expert_shared_count", shared})
	k = k.with(when(c.Has("routed_scaling_factor"), key{"expert_weights_scale", c.Float("routed_scaling_factor", 1)})...)
	k = k.with(when(c.Bool("norm_topk_prob"), key{"expert_weights_norm", true})...)
	k = k.with(key{"rope.dimension_count", a.rotated})
	k = k.with(when(r.params.Has("mscale_all_dim"), key{"rope.scaling.yarn_log_multiplier", 0.1 * r.params.Float("mscale_all_dim", 0)})...)
	k = k.with(when(d.layers > main, key{"nextn_predict_layers", next})...)
	s := decoderSpec(c, d, "deepseek2", k, Transform{}, func(l layer) {
		l.norm("input_layernorm", "attn_norm", Transform{})
		l.mla(a)
		l.norm("post_attention_layernorm", "ffn_norm", Transform{})
		if l.n < dense {
			l.gatedFFN(noBias)
			return
		}
		l.experts(mlpExperts, width)
		if !softmax {
			l.correction("mlp", n)
		}
		if shared > 0 {
			l.sharedExpert("mlp.shared_experts", shared*width)
		}
		if l.n >= main {
			l.nextToken()
		}
	})
	if c.Bool("tie_word_embeddings") {
		s = s.withoutHead()
	}
	return s.withoutLayers(d.layers, main+next-d.layers)
}

// latents adds what makes queries and the latent vectors of keys and values.
func (l layer) latents(a mla) {
	d, head := l.d, a.plain+a.rotated
	if a.query > 0 {
		l.add("self_attn.q_a_proj", "attn_q_a", []int64{a.query, d.hidden}, Transform{}, noBias)
		l.add("self_attn.q_a_layernorm", "attn_q_a_norm", []int64{a.query}, Transform{}, noBias)
		l.add("self_attn.q_b_proj", "attn_q_b", []int64{d.heads * head, a.query}, Transform{}, noBias)
	} else {
		l.add("self_attn.q_proj", "attn_q", []int64{d.heads * head, d.hidden}, Transform{}, noBias)
	}
	l.add("self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa", []int64{a.latent + a.rotated, d.hidden}, Transform{}, noBias)
	l.add("self_attn.kv_a_layernorm", "attn_kv_a_norm", []int64{a.latent}, Transform{}, noBias)
}

// mla adds such attention, with the matrix that makes keys and values in two.
func (l layer) mla(a mla) {
	l.latents(a)
	d := l.d
	both := []int64{d.heads * (a.plain + a.value), a.latent}
	l.cut("self_attn.kv_b_proj.weight", "attn_k_b.weight", both, []int64{d.heads, a.latent, a.plain}, Transform{Transpose: true})
	l.cut("self_attn.kv_b_proj.weight", "attn_v_b.weight", both, []int64{d.heads, a.value, a.latent}, rowsOf(a.plain+a.value, a.plain, a.value))
	l.add("self_attn.o_proj", "attn_output", []int64{d.hidden, d.heads * a.value}, Transform{}, noBias)
}
