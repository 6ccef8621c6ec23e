package arch

// exaone is EXAONE 3 and 3.5: Llama under GPT-2's names, rotated in halves.
var exaone = &Family{
	Classes: []string{"ExaoneForCausalLM"},
	Name:    "exaone",
	Defaults: map[string]any{"vocab_size": 102400.0, "hidden_size": 2048.0, "num_hidden_layers": 32.0, "num_attention_heads": 32.0,
		"activation_function": "silu", "max_position_embeddings": 2048.0, "layer_norm_epsilon": 1e-5, "tie_word_embeddings": true},
	Aliases: map[string]string{"num_layers": "num_hidden_layers"},
	Describe: func(c *Config) *Spec {
		if !c.Has("intermediate_size") {
			c = c.with("intermediate_size", float64(4*c.Int("hidden_size", maxWidth/4)))
		}
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"activation_function": {"silu", "swish"}})
		r := readRope(c, d, 10000, 0)
		r.only("default", "linear", "dynamic", "yarn", "llama3")
		k := decoderKeys(c, d, r).with(key{"rope.dimension_count", d.hidden / d.heads})
		b := body{"transformer.", "transformer.wte", "transformer.ln_f", "lm_head", "transformer.h", noBias}
		s := b.spec(c, d, "exaone", k, Transform{}, func(l layer) {
			l.norm("ln_1", "attn_norm", Transform{})
			for _, p := range []struct {
				source, name string
				rows         int64
			}{{"q_proj", "attn_q", d.heads}, {"k_proj", "attn_k", d.kvHeads}, {"v_proj", "attn_v", d.kvHeads}} {
				l.add("attn.attention."+p.source, p.name, []int64{p.rows * d.headDim, d.hidden}, Transform{}, noBias)
			}
			l.add("attn.attention.out_proj", "attn_output", []int64{d.hidden, d.heads * d.headDim}, Transform{}, noBias)
			l.norm("ln_2", "ffn_norm", Transform{})
			l.add("mlp.c_fc_0", "ffn_gate", []int64{d.ffn, d.hidden}, Transform{}, noBias)
			l.add("mlp.c_fc_1", "ffn_up", []int64{d.ffn, d.hidden}, Transform{}, noBias)
			l.add("mlp.c_proj", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, noBias)
		})
		s.Computed = r.llama3Factors(d.headDim)
		return s
	},
}
