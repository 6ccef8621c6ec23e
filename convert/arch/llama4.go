package arch

import "slices"

// llama4 has experts in every so many layers, of which a token uses one beside a shared one. Positions are left out of every
// fourth layer; the others attend to chunks of the context.
var llama4 = &Family{
	Classes: []string{"Llama4ForCausalLM", "Llama4ForConditionalGeneration"},
	Name:    "llama4",
	Defaults: map[string]any{"vocab_size": 202048.0, "hidden_size": 5120.0, "intermediate_size": 8192.0, "intermediate_size_mlp": 16384.0,
		"num_hidden_layers": 48.0, "num_attention_heads": 40.0, "num_key_value_heads": 8.0, "head_dim": 128.0, "hidden_act": "silu",
		"max_position_embeddings": 131072.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": false, "attention_bias": false,
		"num_experts_per_tok": 1.0, "num_local_experts": 16.0, "interleave_moe_layer_step": 1.0, "rope_theta": 500000.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}, "attention_chunk_size": {8192.0}, "floor_scale": {8192.0}, "attn_scale": {0.1}},
			"no_rope_layers", "use_qk_norm", "attn_temperature_tuning")
		c.everyFourthPlain(d)
		width, step, n := d.ffn, c.Int("interleave_moe_layer_step", maxLayers), experts(c)
		d.ffn = c.Int("intermediate_size_mlp", maxWidth) // of layers without experts
		k, r := llamaKeys(c, d, 500000)
		k = k.with(
			key{"interleave_moe_layer_step", step},
			key{"expert_feed_forward_length", width})
		if types := c.List("layer_types"); len(types) > 0 && !slices.ContainsFunc(types, func(t any) bool { return t != "full_attention" }) {
			k = k.with(key{"attention.sliding_window", int64(0)})
		}
		s := decoderSpec(c, d, "llama4", k, Transform{}, func(l layer) {
			l.llamaAttention(false, noBias, noBias)
			if (l.n+1)%step != 0 {
				l.gatedFFNIn("feed_forward", noBias)
				return
			}
			l.add("feed_forward.router", "ffn_gate_inp", []int64{n, d.hidden}, Transform{}, noBias)
			l.turned("feed_forward.experts", n, width, false)
			l.sharedExpert("feed_forward.shared_expert", width)
		})
		s.Computed = r.llama3Factors(d.headDim)
		return s
	},
}
