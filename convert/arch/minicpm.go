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
			_, s.Computed = r.longFactors("minicpm", d, d.headDim/2)
			if r.original < d.context {
				c.note("rope_scaling", "has an original context of %d, and %d tokens are the whole: the reference converter does not write that, and GGUF runtimes take the factors of short texts up to %d tokens", r.original, d.context, d.context)
			}
		}
		return s
	},
}
