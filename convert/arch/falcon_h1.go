package arch

// falconh1 has attention and a state space side by side in every layer. Its many factors are multiplied into the matrices.
var falconh1 = &Family{
	Classes: []string{"FalconH1ForCausalLM"},
	Name:    "falcon-h1",
	Defaults: map[string]any{"vocab_size": 128000.0, "hidden_size": 4096.0, "intermediate_size": 14336.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 8.0, "hidden_act": "silu", "max_position_embeddings": 8192.0, "rms_norm_eps": 1e-5,
		"tie_word_embeddings": false, "mamba_d_ssm": 1024.0, "mamba_d_head": "auto", "mamba_n_heads": 128.0, "mamba_n_groups": 1.0, "mamba_d_state": 256.0,
		"mamba_d_conv": 4.0, "mamba_conv_bias": true, "mamba_proj_bias": false, "mamba_rms_norm": false, "embedding_multiplier": 1.0,
		"lm_head_multiplier": 1.0, "key_multiplier": 1.0, "attention_in_multiplier": 1.0, "attention_out_multiplier": 1.0, "ssm_in_multiplier": 1.0,
		"ssm_out_multiplier": 1.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headDerived)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}, "mlp_bias": {false}, "projectors_bias": {false},
			"mamba_conv_bias": {true}, "mamba_proj_bias": {false}}, "embedding_multiplier")
		r := readRope(c, d, 10000, 0)
		r.only("default", "dynamic")
		m := mamba2Size{inner: c.Int("mamba_d_ssm", maxWidth), conv: c.Int("mamba_d_conv", maxWidth), state: c.Int("mamba_d_state", maxWidth), groups: c.Int("mamba_n_groups", maxWidth)}
		if m.heads = c.Int("mamba_n_heads", maxWidth); c.value("mamba_d_head") != "auto" {
			m.heads = m.inner / c.Int("mamba_d_head", m.inner)
		}
		m.check(c, "mamba_n_groups")
		k := keys{
			{"context_length", d.context},
			{"embedding_length", d.hidden},
			{"feed_forward_length", d.ffn},
			{"attention.head_count", d.heads},
			{"block_count", d.layers},
			{"ssm.conv_kernel", m.conv},
			{"ssm.inner_size", m.inner},
			{"ssm.state_size", m.state},
			{"ssm.time_step_rank", m.heads},
			{"ssm.group_count", m.groups},
			{"attention.layer_norm_rms_epsilon", c.positive("rms_norm_eps", 1e-5)},
			fileType,
			{"vocab_size", d.vocab},
			{"attention.head_count_kv", d.kvHeads},
			{"attention.key_length", d.headDim},
			{"attention.value_length", d.headDim},
			{"rope.freq_base", r.theta}}
		by := func(factors ...string) Transform { return multiplied(c, factors...) }
		mlp := c.factors("mlp_multipliers", 2)
		in := by("ssm_in_multiplier")
		in.ByRow = m.zxbcdt(c.factors("ssm_multipliers", 5))
		b := llamaBody
		b.norm = "model.final_layernorm"
		s := b.spec(c, d, "falcon-h1", k, Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.mamba2("mamba", m, in, by("ssm_out_multiplier"))
			if c.Bool("mamba_rms_norm") {
				l.mamba2Norm("mamba", m)
			}
			l.add("self_attn.q_proj", "attn_q", []int64{d.heads * d.headDim, d.hidden}, by("attention_in_multiplier"), noBias)
			l.add("self_attn.k_proj", "attn_k", []int64{d.kvHeads * d.headDim, d.hidden}, by("key_multiplier", "attention_in_multiplier"), noBias)
			l.add("self_attn.v_proj", "attn_v", []int64{d.kvHeads * d.headDim, d.hidden}, by("attention_in_multiplier"), noBias)
			l.add("self_attn.o_proj", "attn_output", []int64{d.hidden, d.heads * d.headDim}, by("attention_out_multiplier"), noBias)
			l.plain("pre_ff_layernorm.weight", "ffn_norm", []int64{d.hidden}, Transform{}) // so the reference calls it
			l.add("feed_forward.gate_proj", "ffn_gate", []int64{d.ffn, d.hidden}, scaled(mlp[0]), noBias)
			l.add("feed_forward.up_proj", "ffn_up", []int64{d.ffn, d.hidden}, Transform{}, noBias)
			l.add("feed_forward.down_proj", "ffn_down", []int64{d.hidden, d.ffn}, scaled(mlp[1]), noBias)
		})
		s.Tensors[0].Transform, s.Tensors[2].Transform = by("embedding_multiplier"), by("lm_head_multiplier")
		return s
	},
}

// scaled multiplies all elements, one factor after the other.
func scaled(factors ...float32) Transform {
	return Transform{Values: func(values []float32) {
		for _, f := range factors {
			times(f)(values)
		}
	}}
}

// multiplied is scaled by keys of the config.
func multiplied(c *Config, keys ...string) Transform {
	factors := make([]float32, len(keys))
	for i, k := range keys {
		factors[i] = float32(c.Float(k, 1))
	}
	return scaled(factors...)
}

// factors reads an array of n numbers, all 1 if it is absent.
func (c *Config) factors(key string, n int64) []float32 {
	if c.Has(key) {
		if v := c.Floats(key, n); v != nil {
			return v
		}
	}
	ones := make([]float32, n)
	for i := range ones {
		ones[i] = 1
	}
	return ones
}

// zxbcdt multiplies the rows of a state space's first matrix by what they make: gates, channels, B, C and time steps.
func (m mamba2Size) zxbcdt(factors []float32) func(row int64, values []float32) {
	ends := []int64{m.inner, 2 * m.inner, 2*m.inner + m.groups*m.state, 2*m.inner + 2*m.groups*m.state}
	return func(row int64, values []float32) {
		i := 0
		for i < len(ends) && row >= ends[i] {
			i++
		}
		times(factors[i])(values)
	}
}
