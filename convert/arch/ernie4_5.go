package arch

// ERNIE 4.5. Checkpoints of Baidu's own code have fused projections.

var ernie45 = &Family{
	Classes: []string{"Ernie4_5ForCausalLM", "Ernie4_5_ForCausalLM"},
	Name:    "ernie4_5",
	Defaults: map[string]any{"vocab_size": 103424.0, "hidden_size": 1024.0, "intermediate_size": 3072.0, "num_hidden_layers": 18.0,
		"num_attention_heads": 16.0, "num_key_value_heads": 2.0, "head_dim": 128.0, "hidden_act": "silu", "max_position_embeddings": 131072.0,
		"rms_norm_eps": 1e-5, "tie_word_embeddings": true, "use_bias": false, "rope_theta": 500000.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(silu)
		bias := biasIf(c.Bool("use_bias"))
		return decoderSpec(c, d, "ernie4_5", decoderKeys(c, d, qwenRope(c, d)), Transform{}, func(l layer) {
			l.llama(false, bias, bias, bias)
			q, kv := d.heads*d.headDim, d.kvHeads*d.headDim
			l.parts("self_attn.qkv_proj.weight", d.hidden, part{"attn_q.weight", q}, part{"attn_k.weight", kv}, part{"attn_v.weight", kv})
			l.parts("mlp.up_gate_proj.weight", d.hidden, part{"ffn_gate.weight", d.ffn}, part{"ffn_up.weight", d.ffn})
		})
	},
}

// ernie45moe has experts behind the first layers, in every so many.
var ernie45moe = &Family{
	Classes: []string{"Ernie4_5_MoeForCausalLM"},
	Name:    "ernie4_5-moe",
	Defaults: map[string]any{"vocab_size": 103424.0, "hidden_size": 2560.0, "intermediate_size": 12288.0, "num_hidden_layers": 28.0,
		"num_attention_heads": 20.0, "num_key_value_heads": 4.0, "hidden_act": "silu", "max_position_embeddings": 131072.0,
		"rms_norm_eps": 1e-5, "tie_word_embeddings": true, "use_bias": false, "rope_theta": 500000.0, "moe_intermediate_size": 1536.0, "moe_k": 6.0,
		"moe_num_experts": 64.0, "moe_num_shared_experts": 2.0, "moe_layer_start_index": 1.0, "moe_layer_interval": 1.0, "moe_layer_end_index": -1.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "use_bias": {false}, "moe_gate": {"topk"}, "moe_use_aux_free": {true}}, "num_nextn_predict_layers")
		n, width, shared := c.Int("moe_num_experts", maxExperts), c.Int("moe_intermediate_size", maxWidth), c.count("moe_num_shared_experts", maxExperts)
		first, step := c.count("moe_layer_start_index", maxLayers), c.Int("moe_layer_interval", maxLayers)
		if last := c.Float("moe_layer_end_index", -1); last != -1 && last != float64(d.layers-1) {
			c.fail("moe_layer_end_index", "is %v: GGUF files of this architecture have experts up to the last layer", last)
		}
		k := decoderKeys(c, d, qwenRope(c, d)).with(
			key{"expert_count", n},
			key{"expert_used_count", c.Int("moe_k", n)},
			key{"interleave_moe_layer_step", step},
			key{"leading_dense_block_count", first},
			key{"expert_feed_forward_length", width},
			key{"expert_shared_count", shared})
		k = k.with(when(shared > 0, key{"expert_shared_feed_forward_length", d.ffn / d.kvHeads})...)
		from := expertSource{"mlp", "mlp.gate", [3][2]string{{"gate_proj", "ffn_gate"}, {"up_proj", "ffn_up"}, {"down_proj", "ffn_down"}}}
		s := decoderSpec(c, d, "ernie4_5-moe", k, Transform{}, func(l layer) {
			l.llamaAttention(false, noBias, noBias)
			if l.n < first || (l.n+1)%step != 0 {
				l.gatedFFN(noBias)
				return
			}
			l.add("mlp.gate", "ffn_gate_inp", []int64{n, d.hidden}, Transform{}, noBias)
			l.stacks(from, n, width)
			l.fused("mlp.experts", n, width)
			l.plain("mlp.moe_statics.e_score_correction_bias", "exp_probs_b.bias", []int64{1, n}, Transform{})
			if shared > 0 {
				l.sharedExpert("mlp.shared_experts", shared*width)
			}
		})
		for _, part := range []string{"mtp_block.", "mtp_emb_norm.", "mtp_hidden_norm.", "mtp_linear_proj."} {
			s.LeftOut = append(s.LeftOut, LeftOut{Prefix: "model." + part, What: nextToken})
		}
		return s
	},
}

// part is a tensor that has rows of a fused one.
type part struct {
	name string
	rows int64
}

// parts adds what a tensor of so many columns is cut in, one part under the other.
func (l layer) parts(source string, cols int64, parts ...part) {
	var all, first int64
	for _, p := range parts {
		all += p.rows
	}
	for _, p := range parts {
		l.cut(source, p.name, []int64{all, cols}, []int64{p.rows, cols}, rowsOf(all, first, p.rows))
		first += p.rows
	}
}
