package arch

// stablelm has LayerNorms, rotates a quarter of a head, and in its 12B has norms of queries and keys, one for each head.
var stablelm = &Family{
	Classes: []string{"StableLmForCausalLM", "StableLMEpochForCausalLM"},
	Name:    "stablelm",
	Defaults: map[string]any{"vocab_size": 50304.0, "hidden_size": 2560.0, "intermediate_size": 6912.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 4096.0, "layer_norm_eps": 1e-5,
		"tie_word_embeddings": false, "use_qkv_bias": false, "qk_layernorm": false, "use_parallel_residual": false, "partial_rotary_factor": 0.25},
	Aliases: map[string]string{"norm_eps": "layer_norm_eps", "rope_pct": "partial_rotary_factor"},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(silu, "partial_rotary_factor", "rope_pct", "qk_layernorm", "use_parallel_residual")
		r := plainRope(c, d)
		k := keys{
			{"context_length", d.context},
			{"embedding_length", d.hidden},
			{"block_count", d.layers},
			{"feed_forward_length", d.ffn},
			{"rope.dimension_count", int64(r.partial * float64(d.hidden/d.heads))},
			{"attention.head_count", d.heads},
			{"attention.head_count_kv", d.kvHeads},
			{"use_parallel_residual", c.Bool("use_parallel_residual")},
			{"attention.layer_norm_epsilon", c.positive("layer_norm_eps", 1e-5)},
			fileType}
		b := llamaBody
		b.normBias = hasBias
		return b.spec(c, d, "stablelm", k, Transform{}, func(l layer) {
			l.layerNorm("input_layernorm", "attn_norm", Transform{})
			l.attention(false, biasIf(c.Bool("use_qkv_bias")), noBias)
			if c.Bool("qk_layernorm") {
				for _, n := range []struct {
					source, name string
					heads        int64
				}{{"q_layernorm", "attn_q_norm", d.heads}, {"k_layernorm", "attn_k_norm", d.kvHeads}} {
					*l.out = append(*l.out, Tensor{Source: l.source("self_attn." + n.source + ".norms.%d.weight"), Name: l.name(n.name + ".weight"),
						Shape: []int64{d.headDim}, Experts: n.heads})
				}
			}
			if !c.Bool("use_parallel_residual") {
				l.layerNorm("post_attention_layernorm", "ffn_norm", Transform{})
			}
			l.gatedFFN(noBias)
		})
	},
}
