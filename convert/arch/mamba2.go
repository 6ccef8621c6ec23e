package arch

// mamba2 has states by heads, whose decay is one number each.
var mamba2 = &Family{
	Classes: []string{"Mamba2ForCausalLM"},
	Name:    "mamba2",
	Defaults: map[string]any{"vocab_size": 32768.0, "hidden_size": 4096.0, "num_hidden_layers": 64.0, "layer_norm_epsilon": 1e-5,
		"tie_word_embeddings": false, "conv_kernel": 4.0, "state_size": 128.0, "head_dim": 64.0, "n_groups": 8.0, "expand": 2.0, "use_bias": false,
		"use_conv_bias": true, "rms_norm": true},
	Aliases: map[string]string{"d_model": "hidden_size", "n_layer": "num_hidden_layers", "dim": "hidden_size"},
	Describe: func(c *Config) *Spec {
		d := stateDims(c)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "use_bias": {false}, "use_conv_bias": {true}, "rms_norm": {true}, "expand": {2.0}})
		m := mamba2Size{inner: 2 * d.hidden, conv: c.Int("conv_kernel", maxWidth), state: c.Int("state_size", maxWidth), groups: c.Int("n_groups", maxWidth)}
		m.heads = m.inner / c.Int("head_dim", m.inner)
		m.check(c, "n_groups")
		k := stateKeys(d).with(
			key{"ssm.conv_kernel", m.conv},
			key{"ssm.inner_size", m.inner},
			key{"ssm.state_size", m.state},
			key{"ssm.time_step_rank", m.heads},
			key{"ssm.group_count", m.groups},
			key{"attention.layer_norm_rms_epsilon", c.positive("layer_norm_epsilon", 1e-5)},
			fileType)
		s := backbone.spec(c, d, "mamba2", k, Transform{}, func(l layer) {
			l.norm("norm", "attn_norm", Transform{})
			l.mamba2("mixer", m, Transform{}, Transform{})
			l.mamba2Norm("mixer", m)
		})
		s.Vocab = roundUp(d.vocab, c.IntOr("pad_vocab_size_multiple", maxVocab, 16))
		return s
	},
}

// mamba2Size are the sizes: channels, the width of their convolution, the state of each, and how many heads and groups of
// them there are.
type mamba2Size struct{ inner, conv, state, heads, groups int64 }

func (m mamba2Size) check(c *Config, key string) {
	if m.groups < 1 || m.inner%m.groups != 0 || m.heads < 1 || m.inner%m.heads != 0 {
		c.fail(key, "is %d: %d channels are not %d groups, or not %d heads", m.groups, m.inner, m.groups, m.heads)
	}
}

// mamba2 adds one but for its norm. The matrices before and behind it may change.
func (l layer) mamba2(module string, m mamba2Size, in, out Transform) {
	hidden, channels := l.d.hidden, m.inner+2*m.groups*m.state
	column := []int64{m.heads, 1}
	l.cut(module+".A_log", "ssm_a", []int64{m.heads}, column, Transform{Values: minusExp})
	l.cut(module+".D", "ssm_d", []int64{m.heads}, column, Transform{})
	l.cut(module+".conv1d.weight", "ssm_conv1d.weight", []int64{channels, 1, m.conv}, []int64{channels, m.conv}, Transform{})
	l.plain(module+".conv1d.bias", "ssm_conv1d.bias", []int64{channels}, Transform{})
	l.plain(module+".dt_bias", "ssm_dt.bias", []int64{m.heads}, Transform{})
	l.add(module+".in_proj", "ssm_in", []int64{m.inner + channels + m.heads, hidden}, in, noBias)
	l.add(module+".out_proj", "ssm_out", []int64{hidden, m.inner}, out, noBias)
}

// mamba2Norm adds the norm within, by groups.
func (l layer) mamba2Norm(module string, m mamba2Size) {
	l.cut(module+".norm.weight", "ssm_norm.weight", []int64{m.inner}, []int64{m.groups, m.inner / max(m.groups, 1)}, Transform{})
}
