package arch

// GLM 4: half of a head is rotated, in neighbouring pairs; gate and up are one matrix.

// chatglm is what GGUF calls the first of them. Of its config the reference looks for older names of keys, and takes their
// defaults.
var chatglm = &Family{
	Classes:  []string{"GlmForCausalLM"},
	Name:     "chatglm",
	Defaults: glmDefaults,
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(silu, "partial_rotary_factor")
		r := readRope(c, d, 10000, 0)
		r.only("default")
		if r.theta != 10000 {
			r.params.note("rope_theta", "is %v: 10000 is written, as the reference converter does", r.theta)
		}
		if eps := c.positive("rms_norm_eps", 1e-5); eps != 1e-5 {
			c.note("rms_norm_eps", "is %v: 1e-05 is written, as the reference converter does", eps)
		}
		k := keys{
			{"context_length", c.IntOr("seq_length", maxTokens, d.hidden)},
			{"embedding_length", d.hidden},
			{"feed_forward_length", d.ffn},
			{"block_count", d.layers},
			{"attention.head_count", d.heads},
			{"attention.head_count_kv", d.kvHeads},
			{"attention.layer_norm_rms_epsilon", c.positive("layernorm_epsilon", 1e-5)},
			fileType,
			{"rope.dimension_count", int64(float64(d.hidden/d.heads) * r.partial)},
			{"tokenizer.ggml.add_bos_token", false},
			{"rope.freq_base", 10000.0}}
		return decoderSpec(c, d, "chatglm", k, Transform{}, func(l layer) {
			l.glm()
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
		})
	},
}

var glm4 = &Family{
	Classes:  []string{"Glm4ForCausalLM"},
	Name:     "glm4",
	Defaults: glmDefaults,
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(silu, "partial_rotary_factor")
		r := qwenRope(c, d)
		k := textKeys(c, d, r).with(key{"rope.dimension_count", int64(float64(d.headDim) * r.partial)})
		return decoderSpec(c, d, "glm4", k, Transform{}, func(l layer) {
			l.glm()
			l.norm("post_self_attn_layernorm", "post_attention_norm", Transform{})
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			l.norm("post_mlp_layernorm", "post_ffw_norm", Transform{})
		})
	},
}

var glmDefaults = map[string]any{"vocab_size": 151552.0, "hidden_size": 4096.0, "intermediate_size": 13696.0, "num_hidden_layers": 40.0,
	"num_attention_heads": 32.0, "num_key_value_heads": 2.0, "head_dim": 128.0, "hidden_act": "silu", "max_position_embeddings": 131072.0,
	"rms_norm_eps": 0.00000015625, "tie_word_embeddings": false, "attention_bias": true, "partial_rotary_factor": 0.5}

// glm adds attention and feed-forward part.
func (l layer) glm() {
	l.norm("input_layernorm", "attn_norm", Transform{})
	l.attention(false, biasIf(l.c.Bool("attention_bias")), noBias)
	l.add("mlp.gate_up_proj", "ffn_up", []int64{2 * l.d.ffn, l.d.hidden}, Transform{}, noBias)
	l.add("mlp.down_proj", "ffn_down", []int64{l.d.hidden, l.d.ffn}, Transform{}, noBias)
}

// glm4moe is GLM 4.5 to 4.7: experts behind the first layers, chosen by sigmoids with a correction, and a layer that predicts
// the token after the next.
var glm4moe = &Family{
	Classes: []string{"Glm4MoeForCausalLM"},
	Name:    "glm4moe",
	Defaults: map[string]any{"vocab_size": 151552.0, "hidden_size": 4096.0, "intermediate_size": 10944.0, "num_hidden_layers": 46.0,
		"num_attention_heads": 96.0, "num_key_value_heads": 8.0, "head_dim": 128.0, "hidden_act": "silu", "max_position_embeddings": 131072.0,
		"rms_norm_eps": 1e-5, "tie_word_embeddings": false, "attention_bias": false, "partial_rotary_factor": 0.5, "moe_intermediate_size": 1408.0,
		"num_experts_per_tok": 8.0, "n_shared_experts": 1.0, "n_routed_experts": 128.0, "routed_scaling_factor": 1.0, "n_group": 1.0,
		"topk_group": 1.0, "first_k_dense_replace": 1.0, "norm_topk_prob": true, "use_qk_norm": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(silu, "partial_rotary_factor", "n_group", "topk_group", "use_qk_norm", "num_nextn_predict_layers")
		r := qwenRope(c, d)
		n, width, shared := experts(c), c.Int("moe_intermediate_size", maxWidth), c.count("n_shared_experts", maxExperts)
		dense, next := c.count("first_k_dense_replace", maxLayers), c.count("num_nextn_predict_layers", 16)
		main := d.layers
		d.layers += next
		k := textKeys(c, d, r).with(
			key{"rope.dimension_count", int64(float64(d.headDim) * r.partial)},
			key{"expert_count", n},
			key{"expert_feed_forward_length", width},
			key{"expert_shared_count", shared},
			key{"leading_dense_block_count", dense},
			key{"expert_gating_func", gateSigmoid},
			key{"expert_weights_scale", c.Float("routed_scaling_factor", 1)},
			key{"expert_weights_norm", c.Bool("norm_topk_prob")})
		k = k.with(when(c.Has("num_nextn_predict_layers"), key{"nextn_predict_layers", next})...)
		bias := biasIf(c.Bool("attention_bias"))
		return decoderSpec(c, d, "glm4moe", k, Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.attention(false, bias, noBias)
			if c.Bool("use_qk_norm") {
				l.headNorms(Transform{})
			}
			l.norm("post_attention_layernorm", "post_attention_norm", Transform{})
			if l.n < dense {
				l.gatedFFN(noBias)
				return
			}
			l.experts(mlpExperts, width)
			l.correction("mlp", n)
			if shared > 0 {
				l.sharedExpert("mlp.shared_experts", shared*width)
			}
			if l.n >= main {
				l.nextToken()
			}
		})
	},
}
