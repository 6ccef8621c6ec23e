package arch

// mpt has norms without biases, and ALiBi or learned positions.
var mpt = &Family{
	Classes: []string{"MPTForCausalLM"},
	Name:    "mpt",
	Defaults: map[string]any{"vocab_size": 50368.0, "hidden_size": 2048.0, "num_hidden_layers": 24.0, "num_attention_heads": 16.0, "max_seq_len": 2048.0,
		"expansion_ratio": 4.0, "no_bias": true, "tie_word_embeddings": true, "layer_norm_epsilon": 1e-5, "attn_config": map[string]any{"alibi": true, "alibi_bias_max": 8.0}},
	Aliases: map[string]string{"d_model": "hidden_size", "n_layers": "num_hidden_layers", "n_heads": "num_attention_heads"},
	Describe: func(c *Config) *Spec {
		d := readOldDims(c)
		d.context = c.Int("max_seq_len", maxTokens)
		c.computes(map[string][]any{"expansion_ratio": {4.0}, "layer_norm_epsilon": {1e-5}, "embedding_fraction": {1.0}})
		a := c.Sub("attn_config")
		a.computes(map[string][]any{"qk_ln": {false}, "prefix_lm": {false}, "softmax_scale": {}, "attn_type": {"multihead_attention", "grouped_query_attention", "multiquery_attention"}}, "clip_qkv", "alibi")
		d.kvHeads = a.IntOr("kv_n_heads", d.heads, d.heads)
		k := keys{ // without a file type, as the reference converter has it
			{"context_length", d.context},
			{"embedding_length", d.hidden},
			{"block_count", d.layers},
			{"feed_forward_length", d.ffn},
			{"attention.head_count", d.heads}}
		k = k.with(when(a.Has("kv_n_heads"), key{"attention.head_count_kv", d.kvHeads})...)
		k = k.with(key{"attention.layer_norm_epsilon", 1e-5})
		if a.Has("clip_qkv") {
			k = k.with(key{"attention.clamp_kqv", a.positive("clip_qkv", 1)})
		}
		slope := 0.0
		if a.Bool("alibi") {
			slope = a.Float("alibi_bias_max", 8)
		}
		k = k.with(key{"attention.max_alibi_bias", slope})
		bias := biasIf(!c.Bool("no_bias"))
		b := body{"transformer.", "transformer.wte", "transformer.norm_f", "lm_head", "transformer.blocks", bias}
		s := b.spec(c, d, "mpt", k, Transform{}, func(l layer) {
			l.add("norm_1", "attn_norm", []int64{d.hidden}, Transform{}, bias)
			l.add("attn.Wqkv", "attn_qkv", []int64{d.hidden + 2*d.kvHeads*d.headDim, d.hidden}, Transform{}, bias)
			l.add("attn.out_proj", "attn_output", []int64{d.hidden, d.hidden}, Transform{}, bias)
			l.add("norm_2", "ffn_norm", []int64{d.hidden}, Transform{}, bias)
			l.add("ffn.up_proj", "ffn_up", []int64{d.ffn, d.hidden}, Transform{}, bias)
			l.add("ffn.down_proj", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, bias)
		})
		if slope == 0 {
			s.Tensors = append(s.Tensors, Tensor{Source: "transformer.wpe.weight", Name: "position_embd.weight", Shape: []int64{d.context, d.hidden}})
		}
		return s
	},
}
