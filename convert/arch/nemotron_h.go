package arch

import "strings"

// nemotronh has layers of one kind each: state space (M), attention (*), feed-forward (-) or experts (E), which have no
// gate.
var nemotronh = &Family{
	Classes: []string{"NemotronHForCausalLM"},
	Name:    "nemotron_h",
	Defaults: map[string]any{"vocab_size": 131072.0, "hidden_size": 4096.0, "intermediate_size": 21504.0, "num_attention_heads": 32.0,
		"num_key_value_heads": 8.0, "max_position_embeddings": 4096.0, "layer_norm_epsilon": 1e-5, "tie_word_embeddings": false, "attention_bias": false,
		"mlp_bias": false, "mlp_hidden_act": "relu2", "mamba_hidden_act": "silu", "mamba_num_heads": 128.0, "mamba_head_dim": 64.0, "n_groups": 8.0,
		"ssm_state_size": 128.0, "conv_kernel": 4.0, "use_bias": false, "use_conv_bias": true, "mamba_proj_bias": false},
	Aliases: map[string]string{"attention_head_dim": "head_dim"},
	Describe: func(c *Config) *Spec {
		kinds := nemotronKinds(c)
		if !c.Has("num_hidden_layers") { // transformers 5 leaves it out
			c = c.with("num_hidden_layers", float64(len(kinds)))
		}
		d := readDims(c, headDerived)
		if int64(len(kinds)) != d.layers {
			c.fail("hybrid_override_pattern", "has %d layers, but num_hidden_layers is %d", len(kinds), d.layers)
			return &Spec{}
		}
		moe, name := c.Has("num_experts_per_tok"), "nemotron_h"
		c.computes(map[string][]any{"mlp_hidden_act": {"relu2"}, "mamba_hidden_act": {"silu"}, "attention_bias": {false}, "mlp_bias": {false}, "use_bias": {false},
			"use_conv_bias": {true}, "mamba_proj_bias": {false}, "moe_latent_size": {}}, "n_group", "topk_group", "num_nextn_predict_layers", "partial_rotary_factor")
		m := mamba2Size{conv: c.Int("conv_kernel", maxWidth), state: c.Int("ssm_state_size", maxWidth), heads: c.Int("mamba_num_heads", maxWidth), groups: c.Int("n_groups", maxWidth)}
		m.inner = m.heads * c.Int("mamba_head_dim", maxWidth/m.heads)
		m.check(c, "n_groups")
		ffn := make([]int32, d.layers)
		width, ffnKind := d.ffn, '-'
		var n, expertWidth, shared int64
		if moe {
			name, ffnKind = "nemotron_h_moe", 'E'
			n, expertWidth, shared = experts(c), c.Int("moe_intermediate_size", maxWidth), c.Int("moe_shared_expert_intermediate_size", maxWidth)
			width = expertWidth
		}
		for i, kind := range kinds {
			if kind == ffnKind {
				ffn[i] = int32(width)
			}
		}
		k := keys{
			{"block_count", d.layers},
			{"context_length", unlimited},
			{"embedding_length", d.hidden},
			{"feed_forward_length", ffn},
			{"attention.head_count", d.heads},
			{"attention.head_count_kv", headsWhere(d, func(n int64) bool { return kinds[n] == '*' })}}
		if c.Has("rope_theta") {
			k = append(k, key{"rope.freq_base", c.positive("rope_theta", 10000)})
		}
		k = k.with(epsilons(c)...).with(expertKeys(c)...)
		k = k.with(
			fileType,
			key{"vocab_size", d.vocab},
			key{"rope.dimension_count", d.hidden / d.heads},
			key{"ssm.conv_kernel", m.conv},
			key{"ssm.state_size", m.state},
			key{"ssm.group_count", m.groups},
			key{"ssm.inner_size", m.inner},
			key{"ssm.time_step_rank", m.heads},
			key{"rope.scaling.finetuned", false},
			key{"attention.key_length", d.headDim},
			key{"attention.value_length", d.headDim})
		k = k.with(when(moe,
			key{"expert_feed_forward_length", expertWidth},
			key{"expert_shared_feed_forward_length", shared},
			key{"expert_shared_count", c.count("n_shared_experts", maxExperts)},
			key{"expert_weights_norm", c.Bool("norm_topk_prob")},
			key{"expert_weights_scale", c.Float("routed_scaling_factor", 1)})...)
		s := backbone.spec(c, d, name, k, Transform{}, func(l layer) {
			l.norm("norm", "attn_norm", Transform{})
			switch kinds[l.n] {
			case 'M':
				l.mamba2("mixer", m, Transform{}, Transform{})
				l.mamba2Norm("mixer", m)
			case '*':
				l.attentionIn("mixer", true, noBias, noBias)
			case '-':
				l.plainFFNIn("mixer", d.ffn, "", noBias)
			default:
				l.add("mixer.gate", "ffn_gate_inp", []int64{n, d.hidden}, Transform{}, noBias)
				l.plain("mixer.gate.e_score_correction_bias", "exp_probs_b.bias", []int64{n}, Transform{})
				*l.out = append(*l.out,
					Tensor{Source: l.source("mixer.experts.%d.down_proj.weight"), Name: l.name("ffn_down_exps.weight"), Shape: []int64{d.hidden, expertWidth}, Experts: n},
					Tensor{Source: l.source("mixer.experts.%d.up_proj.weight"), Name: l.name("ffn_up_exps.weight"), Shape: []int64{expertWidth, d.hidden}, Experts: n})
				l.plainFFNIn("mixer.shared_experts", shared, "_shexp", noBias)
			}
		})
		s.Name, s.Vocab = name, roundUp(d.vocab, 8)
		s.LeftOut = append(s.LeftOut, LeftOut{Prefix: "mtp.", What: nextToken})
		return s
	},
}

// nemotronKinds are the kinds of the layers, a letter each.
func nemotronKinds(c *Config) []rune {
	if letters, ok := c.value("hybrid_override_pattern").(string); ok {
		for _, kind := range letters {
			if !strings.ContainsRune("M*-E", kind) {
				c.fail("hybrid_override_pattern", "is %q: it must say M, *, - or E of each layer", letters)
				return nil
			}
		}
		return []rune(letters)
	}
	names := map[any]rune{"mamba": 'M', "linear_attention": 'M', "attention": '*', "full_attention": '*', "mlp": '-', "moe": 'E'}
	var kinds []rune
	for _, t := range c.List("layers_block_type") {
		s, _ := t.(string)
		if names[s] == 0 {
			c.fail("layers_block_type", "holds %v: it must say mamba, attention, mlp or moe of each layer", t)
			return nil
		}
		kinds = append(kinds, names[s])
	}
	return kinds
}
