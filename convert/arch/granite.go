package arch

// Granite is Llama with factors for embeddings, attention, what layers add, and logits.

var granite = &Family{
	Classes: []string{"GraniteForCausalLM"},
	Name:    "granite",
	Defaults: map[string]any{"vocab_size": 32000.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": false,
		"attention_bias": false, "mlp_bias": false, "embedding_multiplier": 1.0, "logits_scaling": 1.0, "residual_multiplier": 1.0, "attention_multiplier": 1.0},
	Describe: func(c *Config) *Spec {
		attn, mlp := biasIf(c.Bool("attention_bias")), biasIf(c.Bool("mlp_bias"))
		return graniteSpec(c, "granite", nil, func(l layer) { l.llama(true, attn, attn, mlp) })
	},
}

// granitemoe has the matrices of all experts in one tensor, gate above up.
var granitemoe = &Family{
	Classes: []string{"GraniteMoeForCausalLM", "GraniteMoeSharedForCausalLM"},
	Name:    "granitemoe",
	Defaults: map[string]any{"vocab_size": 32000.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": false,
		"attention_bias": false, "embedding_multiplier": 1.0, "logits_scaling": 1.0, "residual_multiplier": 1.0, "attention_multiplier": 1.0,
		"num_local_experts": 8.0, "num_experts_per_tok": 2.0},
	Describe: func(c *Config) *Spec {
		attn := biasIf(c.Bool("attention_bias"))
		return graniteSpec(c, "granitemoe", sharedKeys(c), func(l layer) {
			l.llamaAttention(true, attn, attn)
			l.graniteExperts()
		})
	},
}

func graniteSpec(c *Config, name string, more keys, add func(l layer)) *Spec {
	d := readDims(c, headGiven)
	if c.Has("head_dim") && d.headDim != d.hidden/d.heads {
		c.fail("head_dim", "is %d: GGUF files of this architecture have hidden_size / num_attention_heads, %d", d.headDim, d.hidden/d.heads)
	}
	d.ownHeadDim = false // the reference passes over it
	c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "position_embedding_type": {"rope"}}, graniteScales...)
	k, r := llamaKeys(c, d, 10000)
	s := decoderSpec(c, d, name, k.with(graniteKeys(c)...).with(more...), Transform{}, add)
	s.Computed = r.llama3Factors(d.headDim)
	return s
}

// graniteScales are the factors, graniteKeys what they become. One of 0 is not written.
var graniteScales = []string{"attention_multiplier", "embedding_multiplier", "residual_multiplier", "logits_scaling"}

func graniteKeys(c *Config) (k keys) {
	for i, name := range []string{"attention.scale", "embedding_scale", "residual_scale", "logit_scale"} {
		if v := c.Float(graniteScales[i], 0); v != 0 {
			k = append(k, key{name, v})
		}
	}
	return k
}

// sharedKeys are the size of what all tokens use beside the experts, if there is such.
func sharedKeys(c *Config) keys {
	shared := c.count("shared_intermediate_size", maxWidth)
	return when(shared > 0, key{"expert_shared_feed_forward_length", shared})
}

// graniteExperts adds experts, and what all tokens use beside them or, without experts, alone.
func (l layer) graniteExperts() {
	hidden, width, n := l.d.hidden, l.d.ffn, l.c.count("num_local_experts", maxExperts)
	shared := l.c.count("shared_intermediate_size", maxWidth)
	suffix := ".weight"
	if n > 0 {
		suffix = "_shexp.weight"
		both, half := []int64{n, 2 * width, hidden}, []int64{n, width, hidden}
		l.add("block_sparse_moe.router.layer", "ffn_gate_inp", []int64{n, hidden}, Transform{}, noBias)
		l.cut("block_sparse_moe.input_linear.weight", "ffn_gate_exps.weight", both, half, rowsOf(2*width, 0, width))
		l.cut("block_sparse_moe.input_linear.weight", "ffn_up_exps.weight", both, half, rowsOf(2*width, width, width))
		l.plain("block_sparse_moe.output_linear.weight", "ffn_down_exps.weight", []int64{n, hidden, width}, Transform{})
	}
	if shared > 0 {
		l.cut("shared_mlp.input_linear.weight", "ffn_gate"+suffix, []int64{2 * shared, hidden}, []int64{shared, hidden}, rowsOf(2*shared, 0, shared))
		l.cut("shared_mlp.input_linear.weight", "ffn_up"+suffix, []int64{2 * shared, hidden}, []int64{shared, hidden}, rowsOf(2*shared, shared, shared))
		l.plain("shared_mlp.output_linear.weight", "ffn_down"+suffix, []int64{hidden, shared}, Transform{})
	}
}
