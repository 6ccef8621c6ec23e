package arch

// gptoss has experts whose matrices are stored input x output, gate and up in turns, all with biases, and a learned share
// of attention that goes nowhere (sinks). Every other layer attends to a sliding window.
var gptoss = &Family{
	Classes: []string{"GptOssForCausalLM"},
	Name:    "gpt-oss",
	Defaults: map[string]any{"vocab_size": 201088.0, "hidden_size": 2880.0, "intermediate_size": 2880.0, "num_hidden_layers": 36.0,
		"num_attention_heads": 64.0, "num_key_value_heads": 8.0, "head_dim": 64.0, "hidden_act": "silu", "max_position_embeddings": 131072.0,
		"rms_norm_eps": 1e-5, "tie_word_embeddings": false, "attention_bias": true, "sliding_window": 128.0, "num_local_experts": 128.0,
		"num_experts_per_tok": 4.0,
		"rope_scaling":        map[string]any{"rope_type": "yarn", "factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": false, "original_max_position_embeddings": 4096.0}},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {true}})
		c.slidesBut(d, func(n int64) bool { return n%2 == 1 }, "every second layer attends to a sliding window")
		r := yarnRope(c, d, 150000, "truncate")
		if r.kind == "yarn" && r.params.Has("truncate") && !r.params.Bool("truncate") {
			r.params.note("truncate", "is false: llama.cpp rounds the limits of YaRN's ramp in spite of it, as no key can say it")
		}
		k := decoderKeys(c, d, r).with(
			key{"attention.sliding_window", c.Int("sliding_window", maxTokens)},
			key{"expert_feed_forward_length", d.ffn})
		n := experts(c)
		return decoderSpec(c, d, "gpt-oss", k, Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.attention(false, hasBias, hasBias)
			l.plain("self_attn.sinks", "attn_sinks.weight", []int64{d.heads}, Transform{})
			l.norm("post_attention_layernorm", "post_attention_norm", Transform{})
			l.add("mlp.router", "ffn_gate_inp", []int64{n, d.hidden}, Transform{}, hasBias)
			l.turned("mlp.experts", n, d.ffn, true)
			both, half := []int64{n, 2 * d.ffn}, []int64{n, d.ffn}
			gate, up := rowsOf(2, 0, 1), rowsOf(2, 1, 1)
			gate.Run, up.Run = 1, 1
			l.cut("mlp.experts.gate_up_proj_bias", "ffn_gate_exps.bias", both, half, gate)
			l.cut("mlp.experts.gate_up_proj_bias", "ffn_up_exps.bias", both, half, up)
			l.plain("mlp.experts.down_proj_bias", "ffn_down_exps.bias", []int64{n, d.hidden}, Transform{})
		})
	},
}
