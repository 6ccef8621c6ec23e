package arch

import "math"

// minicpm is Llama with factors as Granite has them, which follow from other numbers. MiniCPM 4 has two sets of factors of rotary
// frequencies for long texts (LongRoPE).
var minicpm = &Family{
	Classes: []string{"MiniCPMForCausalLM"},
	Name:    "minicpm",
	Defaults: map[string]any{"vocab_size": 32000.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": true,
		"scale_emb": 1.0, "scale_depth": 1.0, "dim_model_base": 1.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}, "mup_denominator": {32.0}, "num_experts": {0.0}, "sparse_config": {}},
			"scale_emb", "scale_depth")
		r := readRope(c, d, 10000, 0)
		r.only("default", "linear", "dynamic", "yarn", "longrope")
		k := decoderKeys(c, d, r).asGiven(r)
		s := decoderSpec(c, d, "minicpm", k.with(
			key{"embedding_scale", c.positive("scale_emb", 1)},
			key{"residual_scale", c.positive("scale_depth", 1) / math.Sqrt(float64(d.layers))},
			key{"logit_scale", float64(d.hidden) / c.positive("dim_model_base", 1)},
		), Transform{}, func(l layer) { l.llama(true, noBias, noBias, noBias) })
		if r.kind == "longrope" {
			s.Computed = r.shortOrLong(c, d, d.headDim/2)
		}
		return s
	},
}

// shortOrLong are LongRoPE's factors of n frequencies where files do not say what the original context is.
func (r rope) shortOrLong(c *Config, d dims, n int64) []Computed {
	_, factors := r.longFactors("", d, n)
	if r.original < d.context {
		c.note("rope_scaling", "has an original context of %d, and %d tokens are the whole: the reference converter does not write that, and GGUF runtimes take the factors of short texts up to %d tokens", r.original, d.context, d.context)
	}
	return factors
}

// minicpm3 has attention over latent vectors as DeepSeek V2, but rotated in halves, and MiniCPM's factors, which runtimes know.
var minicpm3 = &Family{
	Classes: []string{"MiniCPM3ForCausalLM"},
	Name:    "minicpm3",
	Defaults: map[string]any{"vocab_size": 73448.0, "hidden_size": 2560.0, "intermediate_size": 6400.0, "num_hidden_layers": 62.0,
		"num_attention_heads": 40.0, "num_key_value_heads": 40.0, "hidden_act": "silu", "max_position_embeddings": 32768.0, "rms_norm_eps": 1e-5,
		"tie_word_embeddings": true, "q_lora_rank": 768.0, "kv_lora_rank": 256.0, "qk_nope_head_dim": 64.0, "qk_rope_head_dim": 32.0, "v_head_dim": 64.0,
		"scale_emb": 12.0, "scale_depth": 1.4, "dim_model_base": 256.0},
	Describe: func(c *Config) *Spec {
		a := mla{c.IntOr("q_lora_rank", maxWidth, 0), c.Int("kv_lora_rank", maxWidth), c.Int("qk_nope_head_dim", maxWidth), c.Int("qk_rope_head_dim", maxWidth), c.Int("v_head_dim", maxWidth)}
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}, "mlp_bias": {false}, "scale_emb": {12.0}, "scale_depth": {1.4},
			"dim_model_base": {256.0}, "v_head_dim": {float64(d.hidden / d.heads)}})
		r := readRope(c, d, 10000, 0)
		r.only("default", "dynamic", "longrope")
		if r.theta != 10000 {
			r.params.fail("rope_theta", "is %v: GGUF files of this architecture compute with 10000", r.theta)
		}
		if a.query == 0 {
			c.fail("q_lora_rank", "is missing: GGUF runtimes compute queries of this architecture in two steps")
		}
		k := keys{
			fileType,
			{"context_length", d.context},
			{"embedding_length", d.hidden},
			{"block_count", d.layers},
			{"feed_forward_length", d.ffn},
			{"attention.head_count", d.heads},
			{"attention.head_count_kv", d.kvHeads},
			{"attention.layer_norm_rms_epsilon", c.positive("rms_norm_eps", 1e-5)},
			{"vocab_size", d.vocab},
			{"attention.q_lora_rank", a.query},
			{"attention.kv_lora_rank", a.latent},
			{"attention.key_length", a.plain + a.rotated},
			{"rope.dimension_count", a.rotated}}
		s := decoderSpec(c, d, "minicpm3", k, Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.latents(a)
			l.add("self_attn.kv_b_proj", "attn_kv_b", []int64{d.heads * (a.plain + a.value), a.latent}, Transform{}, noBias)
			l.add("self_attn.o_proj", "attn_output", []int64{d.hidden, d.heads * a.value}, Transform{}, noBias)
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			l.gatedFFN(noBias)
		})
		if r.kind == "longrope" {
			s.Computed = r.shortOrLong(c, d, a.rotated/2)
		}
		return s
	},
}
