package arch

import "slices"

// Hybrids of Mamba 2 and attention: Granite 4, Bamba and Nemotron-H.

// granitehybrid is Granite 4; where all layers attend, GGUF calls it granite or granitemoe.
var granitehybrid = &Family{
	Classes: []string{"GraniteMoeHybridForCausalLM"},
	Name:    "granitehybrid",
	Defaults: map[string]any{"vocab_size": 32000.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": false,
		"attention_bias": false, "embedding_multiplier": 1.0, "logits_scaling": 1.0, "residual_multiplier": 1.0, "attention_multiplier": 1.0,
		"num_local_experts": 8.0, "num_experts_per_tok": 2.0, "shared_intermediate_size": 1024.0, "mamba_n_heads": 128.0, "mamba_n_groups": 1.0,
		"mamba_d_state": 256.0, "mamba_d_conv": 4.0, "mamba_expand": 2.0, "mamba_conv_bias": true, "mamba_proj_bias": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		d.ownHeadDim = false
		h := readHybrid(c, d)
		more := graniteKeys(c).with(sharedKeys(c)...)
		name := "granitehybrid"
		switch moe := c.count("num_experts_per_tok", maxExperts) > 0; {
		case h.hasStates:
		case moe:
			name = "granitemoe"
		default:
			name = "granite"
		}
		s := h.spec(c, d, name, llamaBody, more, !h.hasStates, func(l layer) {
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			l.graniteExperts()
		})
		if h.hasStates && c.String("position_embedding_type") == "rope" {
			c.note("position_embedding_type", "is rope: the file says that there are no positions, as the reference converter writes it")
		}
		return s
	},
}

// bamba has rotary positions.
var bamba = &Family{
	Classes: []string{"BambaForCausalLM"},
	Name:    "granitehybrid",
	Defaults: map[string]any{"vocab_size": 128000.0, "hidden_size": 4096.0, "intermediate_size": 14336.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 8.0, "hidden_act": "silu", "max_position_embeddings": 262144.0, "rms_norm_eps": 1e-5,
		"tie_word_embeddings": false, "attention_bias": false, "mamba_n_heads": 128.0, "mamba_n_groups": 1.0, "mamba_d_state": 256.0, "mamba_d_conv": 4.0,
		"mamba_expand": 2.0, "mamba_conv_bias": true, "mamba_proj_bias": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		d.ownHeadDim = false
		h := readHybrid(c, d)
		b := llamaBody
		b.norm = "model.final_layernorm"
		var rotary keys
		if c.Has("attn_rotary_emb") {
			rotary = keys{{"rope.dimension_count", c.Int("attn_rotary_emb", d.headDim)}}
		} else if readRope(c, d, 10000, 0).partial != 1 {
			c.note("partial_rotary_factor", "is not 1, but attn_rotary_emb is missing: all of a head is rotated, as the reference converter writes it")
		}
		return h.spec(c, d, "granitehybrid", b, rotary, true, func(l layer) {
			l.norm("pre_ff_layernorm", "ffn_norm", Transform{})
			l.gatedFFNIn("feed_forward", noBias)
		})
	},
}

// hybrid says which layers attend, and the sizes of the state spaces in the others.
type hybrid struct {
	states    mamba2Size
	attends   []bool
	hasStates bool
	// turned says that queries and keys are reordered where layers attend.
	turned bool
}

func readHybrid(c *Config, d dims) hybrid {
	h := hybrid{attends: make([]bool, d.layers), turned: true}
	types := c.List("layer_types")
	switch {
	case types != nil:
		if int64(len(types)) != d.layers {
			c.fail("layer_types", "has %d entries, but there are %d layers", len(types), d.layers)
			break
		}
		for n, t := range types {
			h.attends[n] = t == "attention" || t == "full_attention"
			if t == "full_attention" {
				h.turned = false
			}
		}
	case c.Has("attn_layer_indices"):
		for _, x := range c.List("attn_layer_indices") {
			if n, ok := x.(float64); ok && n >= 0 && n < float64(d.layers) {
				h.attends[int64(n)] = true
			}
		}
	default:
		period, offset := c.Int("attn_layer_period", maxLayers), c.count("attn_layer_offset", maxLayers)
		for n := range h.attends {
			h.attends[n] = int64(n)%period == offset
		}
	}
	h.hasStates = slices.Contains(h.attends, false)
	if !h.turned {
		c.note("layer_types", "calls layers full_attention, as transformers 5 does: the reference converter takes none of them for attention and writes no heads of keys for them; so does carat, and runtimes do not load the file")
		h.hasStates = true
	}
	h.states = mamba2Size{inner: c.Int("mamba_expand", 16) * d.hidden, conv: c.Int("mamba_d_conv", maxWidth), state: c.Int("mamba_d_state", maxWidth),
		heads: c.Int("mamba_n_heads", maxWidth), groups: c.Int("mamba_n_groups", maxWidth)}
	if h.hasStates {
		h.states.check(c, "mamba_n_heads")
	}
	return h
}

// spec is what Granite 4 and Bamba have in common; ffn adds what follows attention or state space.
func (h hybrid) spec(c *Config, d dims, name string, b body, more keys, positions bool, ffn func(l layer)) *Spec {
	c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}, "mlp_bias": {false}, "mamba_conv_bias": {true}, "mamba_proj_bias": {false}},
		append(graniteScales, "partial_rotary_factor")...)
	r := qwenRope(c, d)
	k := textKeys(c, d, r)
	if c.Has("num_local_experts") && experts(c) == 0 {
		k = slices.Insert(k, slices.Index(k, fileType), key{"expert_count", int64(0)}, key{"expert_used_count", int64(0)})
	}
	k = k.with(key{"vocab_size", d.vocab}, key{"rope.dimension_count", d.headDim}).with(more...)
	kv := headsWhere(d, func(n int64) bool { return h.attends[n] && h.turned })
	m := h.states
	k = k.with(
		key{"ssm.conv_kernel", m.conv},
		key{"ssm.state_size", m.state},
		key{"ssm.group_count", m.groups},
		key{"ssm.inner_size", m.inner},
		key{"ssm.time_step_rank", m.heads},
		key{"attention.head_count_kv", kv},
		key{"rope.scaling.finetuned", positions})
	if !positions {
		k = k.with(key{"context_length", unlimited})
	}
	s := b.spec(c, d, name, k, Transform{}, func(l layer) {
		l.norm("input_layernorm", "attn_norm", Transform{})
		if h.attends[l.n] {
			l.attention(h.turned, noBias, noBias)
		} else {
			l.mamba2("mamba", m, Transform{}, Transform{})
			l.mamba2Norm("mamba", m)
		}
		ffn(l)
	})
	s.Name = name
	if h.hasStates {
		s.Vocab = roundUp(d.vocab, 8)
	}
	return s
}
