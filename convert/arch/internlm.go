package arch

// internlm2 is Llama whose queries, keys and values are one matrix: for each head of keys the queries that read it, the keys and the
// values.
var internlm2 = &Family{
	Classes: []string{"InternLM2ForCausalLM"},
	Name:    "internlm2",
	Defaults: map[string]any{"vocab_size": 103168.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "bias": {false}})
		r := yarnRope(c, d, 10000)
		size, each := d.headDim, d.heads/d.kvHeads
		// part takes heads, of each group so many from the first on.
		part := func(first, heads int64, pairs bool) Transform {
			groups := rowsOf((each+2)*size, first*size, heads*size).Order
			if !pairs {
				return Transform{Order: groups}
			}
			turn := halvesToPairs(heads * d.kvHeads)
			return Transform{Order: func(r, rows int64) int64 { return groups(turn(r, rows), rows) }}
		}
		b := body{"model.", "model.tok_embeddings", "model.norm", "output", "model.layers", noBias}
		return b.spec(c, d, "internlm2", decoderKeys(c, d, r).asGiven(r), Transform{}, func(l layer) {
			l.norm("attention_norm", "attn_norm", Transform{})
			qkv := []int64{(d.heads + 2*d.kvHeads) * size, d.hidden}
			l.cut("attention.wqkv.weight", "attn_q.weight", qkv, []int64{d.heads * size, d.hidden}, part(0, each, true))
			l.cut("attention.wqkv.weight", "attn_k.weight", qkv, []int64{d.kvHeads * size, d.hidden}, part(each, 1, true))
			l.cut("attention.wqkv.weight", "attn_v.weight", qkv, []int64{d.kvHeads * size, d.hidden}, part(each+1, 1, false))
			l.add("attention.wo", "attn_output", []int64{d.hidden, d.heads * size}, Transform{}, noBias)
			l.norm("ffn_norm", "ffn_norm", Transform{})
			l.add("feed_forward.w1", "ffn_gate", []int64{d.ffn, d.hidden}, Transform{}, noBias)
			l.add("feed_forward.w2", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, noBias)
			l.add("feed_forward.w3", "ffn_up", []int64{d.ffn, d.hidden}, Transform{}, noBias)
		})
	},
}

// internlm3 is Llama in all but its tokenizer and how its config says that there are biases.
var internlm3 = &Family{
	Classes: []string{"InternLM3ForCausalLM"},
	Name:    "llama",
	Defaults: map[string]any{"vocab_size": 128512.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 32768.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": false,
		"bias": false, "qkv_bias": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(silu)
		qkv, other := biasIf(c.Bool("qkv_bias")), biasIf(c.Bool("bias"))
		r := yarnRope(c, d, 10000)
		k := decoderKeys(c, d, r).asGiven(r).with(key{"vocab_size", d.vocab}, key{"rope.dimension_count", d.headDim})
		return decoderSpec(c, d, "llama", k, Transform{}, func(l layer) { l.llama(true, qkv, other, other) })
	},
}
