package arch

// bailingBody is how Ling and Ring call what is around the layers.
var bailingBody = body{"model.", "model.word_embeddings", "model.norm", "lm_head", "model.layers", noBias}

// bailing is Ling of 2025: DeepSeekMoE with queries, keys and values in one matrix, and experts whose weights are scaled to a sum
// of 1.
var bailing = &Family{
	Classes: []string{"BailingMoeForCausalLM"},
	Name:    "bailingmoe",
	Defaults: map[string]any{"vocab_size": 30592.0, "hidden_size": 1024.0, "num_hidden_layers": 24.0,
		"num_attention_heads": 16.0, "hidden_act": "silu", "max_position_embeddings": 16384.0, "rms_norm_eps": 1e-5,
		"tie_word_embeddings": false, "num_shared_experts": 0.0, "first_k_dense_replace": 0.0, "norm_topk_prob": true},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "use_qkv_bias": {false}, "use_bias": {false}, "norm_head": {false}, "multi_gate": {false}, "moe_layer_freq": {1.0}, "first_k_dense_replace": {0.0}})
		r := yarnRope(c, d, 10000)
		width, shared := c.Int("moe_intermediate_size", maxWidth), c.count("num_shared_experts", maxExperts)
		k := decoderKeys(c, d, r).asGiven(r).with(
			key{"rope.dimension_count", d.headDim},
			key{"leading_dense_block_count", int64(0)},
			key{"vocab_size", d.vocab},
			key{"expert_feed_forward_length", width},
			key{"expert_weights_scale", 1.0},
			key{"expert_shared_count", shared},
			key{"expert_weights_norm", c.Bool("norm_topk_prob")})
		q, kv := d.heads*d.headDim, d.kvHeads*d.headDim
		// turned is a part of the matrix from row first on, whose heads are turned in pairs.
		turned := func(first, heads int64) Transform {
			pairs := halvesToPairs(heads)
			return Transform{Order: func(r, rows int64) int64 { return first + pairs(r, rows) }}
		}
		return bailingBody.spec(c, d, "bailingmoe", k, Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			qkv := []int64{q + 2*kv, d.hidden}
			l.cut("attention.query_key_value.weight", "attn_q.weight", qkv, []int64{q, d.hidden}, turned(0, d.heads))
			l.cut("attention.query_key_value.weight", "attn_k.weight", qkv, []int64{kv, d.hidden}, turned(q, d.kvHeads))
			l.cut("attention.query_key_value.weight", "attn_v.weight", qkv, []int64{kv, d.hidden}, rowsOf(q+2*kv, q+kv, kv))
			l.add("attention.dense", "attn_output", []int64{d.hidden, q}, Transform{}, noBias)
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			l.expertsBehind(0, width, shared)
		})
	},
}

// bailing2 is Ling and Ring 2: norms of queries and keys, half of a head rotated, and experts as DeepSeek V3 has them.
var bailing2 = &Family{
	Classes: []string{"BailingMoeV2ForCausalLM"},
	Name:    "bailingmoe2",
	Defaults: map[string]any{"vocab_size": 157184.0, "hidden_size": 2048.0, "intermediate_size": 5120.0, "num_hidden_layers": 20.0,
		"num_attention_heads": 16.0, "num_key_value_heads": 4.0, "hidden_act": "silu", "max_position_embeddings": 32768.0, "rms_norm_eps": 1e-6,
		"tie_word_embeddings": false, "num_experts": 256.0, "num_shared_experts": 1.0, "num_experts_per_tok": 8.0, "n_group": 8.0, "topk_group": 4.0,
		"moe_intermediate_size": 512.0, "first_k_dense_replace": 1.0, "norm_topk_prob": true, "routed_scaling_factor": 2.5,
		"head_dim": 128.0, "partial_rotary_factor": 0.5, "score_function": "sigmoid"},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "use_qkv_bias": {false}, "use_bias": {false}, "norm_head": {false}, "use_qk_norm": {true}},
			"partial_rotary_factor", "n_group", "topk_group")
		r := yarnRope(c, d, 600000)
		n, width, dense := experts(c), c.Int("moe_intermediate_size", maxWidth), c.count("first_k_dense_replace", maxLayers)
		count := c.count("num_shared_experts", maxExperts)
		shared := c.IntOr("moe_shared_expert_intermediate_size", maxWidth, count*width)
		k := textKeys(c, d, r).with(
			key{"rope.dimension_count", int64(r.partial * float64(d.headDim))},
			key{"leading_dense_block_count", dense},
			key{"vocab_size", d.vocab},
			key{"expert_feed_forward_length", width},
			key{"expert_shared_feed_forward_length", shared},
			key{"expert_weights_scale", c.Float("routed_scaling_factor", 1)},
			key{"expert_shared_count", count},
			key{"expert_weights_norm", c.Bool("norm_topk_prob")})
		k = k.with(when(c.Has("num_nextn_predict_layers"), key{"nextn_predict_layers", int64(0)})...)
		q := d.heads * d.headDim
		return bailingBody.spec(c, d, "bailingmoe2", k, Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.add("attention.query_key_value", "attn_qkv", []int64{q + 2*d.kvHeads*d.headDim, d.hidden}, Transform{}, noBias)
			l.add("attention.query_layernorm", "attn_q_norm", []int64{d.headDim}, Transform{}, noBias)
			l.add("attention.key_layernorm", "attn_k_norm", []int64{d.headDim}, Transform{}, noBias)
			l.add("attention.dense", "attn_output", []int64{d.hidden, q}, Transform{}, noBias)
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			if l.n < dense {
				l.gatedFFN(noBias)
				return
			}
			l.experts(mlpExperts, width)
			l.plain("mlp.gate.expert_bias", "exp_probs_b.bias", []int64{n}, Transform{})
			if count > 0 {
				l.sharedExpert("mlp.shared_experts", shared)
			}
		})
	},
}
