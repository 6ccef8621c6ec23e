package arch

// The first of the state space families: layers without attention.

var mamba1 = &Family{
	Classes: []string{"MambaForCausalLM", "FalconMambaForCausalLM"},
	Name:    "mamba",
	Defaults: map[string]any{"vocab_size": 50280.0, "hidden_size": 768.0, "num_hidden_layers": 32.0, "layer_norm_epsilon": 1e-5,
		"tie_word_embeddings": true, "conv_kernel": 4.0, "state_size": 16.0, "use_bias": false, "use_conv_bias": true},
	Aliases: map[string]string{"d_model": "hidden_size", "n_layer": "num_hidden_layers"},
	Describe: func(c *Config) *Spec {
		d := stateDims(c)
		m := mamba1Sizes(c, d, c.Int("conv_kernel", maxWidth), c.Int("state_size", maxWidth), "time_step_rank")
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "use_bias": {false}, "use_conv_bias": {true}, "intermediate_size": {float64(m.inner)}, "mixer_rms_eps": {1e-6}})
		k := stateKeys(d).with(
			key{"ssm.conv_kernel", m.conv},
			key{"ssm.inner_size", m.inner},
			key{"ssm.state_size", m.state},
			key{"ssm.time_step_rank", m.rank},
			key{"attention.layer_norm_rms_epsilon", c.positive("layer_norm_epsilon", 1e-5)},
			key{"ssm.dt_b_c_rms", c.class() == "FalconMambaForCausalLM"},
			fileType)
		s := backbone.spec(c, d, "mamba", k, Transform{}, func(l layer) {
			l.norm("norm", "attn_norm", Transform{})
			l.mamba1("mixer", m)
		})
		if c.Bool("tie_word_embeddings") {
			s = s.withoutHead()
		}
		s.Vocab = roundUp(d.vocab, c.IntOr("pad_vocab_size_multiple", maxVocab, 8))
		return s
	},
}

// backbone is how both of them call their parts.
var backbone = body{"backbone.", "backbone.embeddings", "backbone.norm_f", "lm_head", "backbone.layers", noBias}

// stateDims reads the sizes that there are without attention.
func stateDims(c *Config) dims {
	return dims{layers: c.Int("num_hidden_layers", maxLayers), hidden: c.Int("hidden_size", maxWidth/4), vocab: c.Int("vocab_size", maxVocab)}
}

// stateKeys are what such files say first. There is no limit of the context; the zeros are wanted by loaders.
func stateKeys(d dims) keys {
	return keys{
		{"context_length", unlimited},
		{"embedding_length", d.hidden},
		{"feed_forward_length", int64(0)},
		{"attention.head_count", int64(0)},
		{"block_count", d.layers}}
}

const unlimited = int64(1 << 20)

func roundUp(n, multiple int64) int64 { return (n + multiple - 1) / multiple * multiple }

// mamba1Size are the sizes of a selective state space: channels, the width of their convolution, the state of each, and
// the rank of the matrix that makes their time steps.
type mamba1Size struct{ inner, conv, state, rank int64 }

// mamba1Sizes reads them; the rank may be left to the width of the model.
func mamba1Sizes(c *Config, d dims, conv, state int64, rank string) mamba1Size {
	m := mamba1Size{2 * d.hidden, conv, state, roundUp(d.hidden, 16) / 16}
	if c.Has(rank) && c.value(rank) != "auto" {
		m.rank = c.Int(rank, maxWidth)
	}
	return m
}

// mamba1 adds one. What the state decays with is stored as the logarithm of its negative.
func (l layer) mamba1(module string, m mamba1Size) {
	hidden := l.d.hidden
	l.plain(module+".A_log", "ssm_a", []int64{m.inner, m.state}, Transform{Values: minusExp})
	l.plain(module+".D", "ssm_d", []int64{m.inner}, Transform{})
	l.cut(module+".conv1d.weight", "ssm_conv1d.weight", []int64{m.inner, 1, m.conv}, []int64{m.inner, m.conv}, Transform{})
	l.plain(module+".conv1d.bias", "ssm_conv1d.bias", []int64{m.inner}, Transform{})
	l.add(module+".in_proj", "ssm_in", []int64{2 * m.inner, hidden}, Transform{}, noBias)
	l.add(module+".x_proj", "ssm_x", []int64{m.rank + 2*m.state, m.inner}, Transform{}, noBias)
	l.add(module+".dt_proj", "ssm_dt", []int64{m.inner, m.rank}, Transform{}, hasBias)
	l.add(module+".out_proj", "ssm_out", []int64{hidden, m.inner}, Transform{}, noBias)
}

// jamba has attention in every so many layers, state spaces in the others, with norms within them, and experts in every so
// many.
var jamba = &Family{
	Classes: []string{"JambaForCausalLM"},
	Name:    "jamba",
	Defaults: map[string]any{"vocab_size": 65536.0, "hidden_size": 4096.0, "intermediate_size": 14336.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 8.0, "hidden_act": "silu", "max_position_embeddings": 262144.0, "rms_norm_eps": 1e-6,
		"tie_word_embeddings": false, "num_experts_per_tok": 2.0, "num_experts": 16.0, "expert_layer_period": 2.0, "expert_layer_offset": 1.0,
		"attn_layer_period": 8.0, "attn_layer_offset": 4.0, "mamba_d_state": 16.0, "mamba_d_conv": 4.0, "mamba_expand": 2.0, "mamba_dt_rank": "auto",
		"mamba_conv_bias": true, "mamba_proj_bias": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "mamba_conv_bias": {true}, "mamba_proj_bias": {false}, "mamba_expand": {2.0}})
		m := mamba1Sizes(c, d, c.Int("mamba_d_conv", maxWidth), c.Int("mamba_d_state", maxWidth), "mamba_dt_rank")
		every := func(what string) func(n int64) bool {
			period, offset := c.Int(what+"_period", maxLayers), c.count(what+"_offset", maxLayers)
			return func(n int64) bool { return n >= offset && (n-offset)%period == 0 }
		}
		attends, hasExperts := every("attn_layer"), every("expert_layer")
		n := experts(c)
		k := keys{
			{"block_count", d.layers},
			{"context_length", d.context},
			{"embedding_length", d.hidden},
			{"feed_forward_length", d.ffn},
			{"attention.head_count", d.heads},
			{"attention.head_count_kv", headsWhere(d, attends)},
			{"ssm.conv_kernel", m.conv},
			{"ssm.inner_size", m.inner},
			{"ssm.state_size", m.state},
			{"ssm.time_step_rank", m.rank},
			{"attention.layer_norm_rms_epsilon", c.positive("rms_norm_eps", 1e-6)},
			{"expert_count", n},
			{"expert_used_count", c.Int("num_experts_per_tok", n)},
			fileType}
		b := llamaBody
		b.norm = "model.final_layernorm"
		return b.spec(c, d, "jamba", k, Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			if attends(l.n) {
				l.attention(false, noBias, noBias)
			} else {
				l.mamba1("mamba", m)
				l.add("mamba.dt_layernorm", "ssm_dt_norm", []int64{m.rank}, Transform{}, noBias)
				l.add("mamba.b_layernorm", "ssm_b_norm", []int64{m.state}, Transform{}, noBias)
				l.add("mamba.c_layernorm", "ssm_c_norm", []int64{m.state}, Transform{}, noBias)
			}
			l.norm("pre_ff_layernorm", "ffn_norm", Transform{})
			if hasExperts(l.n) {
				l.add("feed_forward.router", "ffn_gate_inp", []int64{n, d.hidden}, Transform{}, noBias)
				l.stacks(expertSource{"feed_forward", "", mlpExperts.matrices}, n, d.ffn)
				l.fused("feed_forward.experts", n, d.ffn)
				return
			}
			l.gatedFFNIn("feed_forward", noBias)
		})
	},
}

// headsWhere are the heads of keys and values of each layer: none where there is no attention.
func headsWhere(d dims, attends func(n int64) bool) []int32 {
	heads := make([]int32, d.layers)
	for n := range heads {
		if attends(int64(n)) {
			heads[n] = int32(d.kvHeads)
		}
	}
	return heads
}
