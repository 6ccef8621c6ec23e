package arch

// Qwen3-Next and Qwen 3.5: in three of four layers linear attention, a gated delta rule, takes the place of attention,
// whose output has a gate. Norms are stored less one.

var qwen3next = &Family{
	Classes: []string{"Qwen3NextForCausalLM"},
	Name:    "qwen3next",
	Defaults: map[string]any{"vocab_size": 151936.0, "hidden_size": 2048.0, "intermediate_size": 5632.0, "num_hidden_layers": 48.0,
		"num_attention_heads": 16.0, "num_key_value_heads": 2.0, "head_dim": 256.0, "hidden_act": "silu", "max_position_embeddings": 32768.0,
		"rms_norm_eps": 1e-6, "tie_word_embeddings": false, "attention_bias": false, "partial_rotary_factor": 0.25,
		"linear_conv_kernel_dim": 4.0, "linear_key_head_dim": 128.0, "linear_value_head_dim": 128.0, "linear_num_key_heads": 16.0,
		"linear_num_value_heads": 32.0, "decoder_sparse_step": 1.0, "moe_intermediate_size": 512.0,
		"shared_expert_intermediate_size": 512.0, "num_experts_per_tok": 10.0, "num_experts": 512.0, "norm_topk_prob": true},
	Describe: func(c *Config) *Spec {
		return qwenHybrid(c, "qwen3next", linearAttention.fusedTensors)
	},
}

var qwen35 = &Family{
	Classes: []string{"Qwen3_5ForCausalLM", "Qwen3_5ForConditionalGeneration"},
	Name:    "qwen35",
	Defaults: map[string]any{"vocab_size": 248320.0, "hidden_size": 4096.0, "intermediate_size": 12288.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 16.0, "num_key_value_heads": 4.0, "head_dim": 256.0, "hidden_act": "silu", "max_position_embeddings": 32768.0,
		"rms_norm_eps": 1e-6, "tie_word_embeddings": false, "attention_bias": false, "partial_rotary_factor": 0.25,
		"linear_conv_kernel_dim": 4.0, "linear_key_head_dim": 128.0, "linear_value_head_dim": 128.0, "linear_num_key_heads": 16.0,
		"linear_num_value_heads": 32.0},
	Describe: func(c *Config) *Spec {
		return qwenHybrid(c, "qwen35", linearAttention.tensors)
	},
}

var qwen35moe = &Family{
	Classes: []string{"Qwen3_5MoeForCausalLM", "Qwen3_5MoeForConditionalGeneration"},
	Name:    "qwen35moe",
	Defaults: map[string]any{"vocab_size": 248320.0, "hidden_size": 2048.0, "num_hidden_layers": 40.0,
		"num_attention_heads": 16.0, "num_key_value_heads": 2.0, "head_dim": 256.0, "hidden_act": "silu", "max_position_embeddings": 32768.0,
		"rms_norm_eps": 1e-6, "tie_word_embeddings": false, "attention_bias": false, "partial_rotary_factor": 0.25,
		"linear_conv_kernel_dim": 4.0, "linear_key_head_dim": 128.0, "linear_value_head_dim": 128.0, "linear_num_key_heads": 16.0,
		"linear_num_value_heads": 32.0, "moe_intermediate_size": 512.0, "shared_expert_intermediate_size": 512.0,
		"num_experts_per_tok": 8.0, "num_experts": 256.0},
	Describe: func(c *Config) *Spec {
		return qwenHybrid(c, "qwen35moe", linearAttention.tensors)
	},
}

// qwenHybrid is what the three have in common; linear adds a layer's linear attention.
func qwenHybrid(c *Config, name string, linear func(linearAttention, layer)) *Spec {
	d := readDims(c, headGiven)
	c.computes(silu, "partial_rotary_factor", "use_qk_norm")
	moeEverywhere(c, true)
	interval := c.IntOr("full_attention_interval", maxLayers, 4)
	full := func(n int64) bool { return (n+1)%interval == 0 }
	c.slidesBut(d, full, "linear attention but in every layer that the interval divides")
	r := qwenRope(c, d)
	a := linearAttention{conv: c.Int("linear_conv_kernel_dim", maxWidth), keyDim: c.Int("linear_key_head_dim", maxWidth),
		valueDim: c.Int("linear_value_head_dim", maxWidth), keyHeads: c.Int("linear_num_key_heads", maxWidth), valueHeads: c.Int("linear_num_value_heads", maxWidth)}
	if a.valueHeads%a.keyHeads != 0 {
		c.fail("linear_num_key_heads", "is %d, which does not divide linear_num_value_heads, %d", a.keyHeads, a.valueHeads)
	}
	k, moe := textKeys(c, d, r), experts(c) > 0
	var width, shared int64
	if moe {
		width, shared = c.Int("moe_intermediate_size", maxWidth), c.Int("shared_expert_intermediate_size", maxWidth)
		k = k.with(key{"expert_feed_forward_length", width}, key{"expert_shared_feed_forward_length", shared})
	}
	k = k.with(
		key{"ssm.conv_kernel", a.conv},
		key{"ssm.state_size", a.keyDim},
		key{"ssm.group_count", a.keyHeads},
		key{"ssm.time_step_rank", a.valueHeads},
		key{"ssm.inner_size", a.valueDim * a.valueHeads},
		key{"full_attention_interval", interval},
		key{"rope.dimension_count", int64(float64(d.headDim) * r.partial)})
	if name != "qwen3next" && !r.params.Has("mrope_section") {
		k = k.with(key{"rope.dimension_sections", []int32{11, 11, 10, 0}})
	}
	norm, bias := lessOne, biasIf(c.Bool("attention_bias"))
	s := decoderSpec(c, d, name, k, norm, func(l layer) {
		l.norm("input_layernorm", "attn_norm", norm)
		if full(l.n) {
			// Each head's query, and the gate of its output.
			l.add("self_attn.q_proj", "attn_q", []int64{2 * d.heads * d.headDim, d.hidden}, Transform{}, bias)
			l.add("self_attn.k_proj", "attn_k", []int64{d.kvHeads * d.headDim, d.hidden}, Transform{}, bias)
			l.add("self_attn.v_proj", "attn_v", []int64{d.kvHeads * d.headDim, d.hidden}, Transform{}, bias)
			l.add("self_attn.o_proj", "attn_output", []int64{d.hidden, d.heads * d.headDim}, Transform{}, bias)
			l.headNorms(norm)
		} else {
			linear(a, l)
		}
		l.norm("post_attention_layernorm", "post_attention_norm", norm)
		if !moe {
			l.gatedFFN(noBias)
			return
		}
		l.experts(mlpExperts, width)
		l.sharedExpert("mlp.shared_expert", shared)
		l.add("mlp.shared_expert_gate", "ffn_gate_inp_shexp", []int64{1, d.hidden}, Transform{}, noBias)
	})
	s.LeftOut = append(s.LeftOut, LeftOut{Prefix: "mtp.", What: nextToken}, LeftOut{Prefix: "model.mtp.", What: nextToken})
	return s
}
