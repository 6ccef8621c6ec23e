package arch

// baichuan is Llama with queries, keys and values in one matrix. The 13B, by its 40 layers, has a bias of attention by distance in place
// of positions (ALiBi).
var baichuan = &Family{
	Classes: []string{"BaichuanForCausalLM", "BaiChuanForCausalLM"},
	Name:    "baichuan",
	Defaults: map[string]any{"vocab_size": 64000.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 4096.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": false},
	Aliases: map[string]string{"model_max_length": "max_position_embeddings"},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(silu)
		r := plainRope(c, d)
		if d.layers != 32 && d.layers != 40 {
			c.fail("num_hidden_layers", "is %d: GGUF runtimes know by 32 or 40 layers whether positions are rotated", d.layers)
		}
		if d.kvHeads != d.heads {
			c.fail("num_key_value_heads", "is %d: GGUF files of this architecture have as many as num_attention_heads, %d", d.kvHeads, d.heads)
		}
		if c.Has("z_loss_weight") {
			c.note("z_loss_weight", "tells Baichuan 2, which computes with rows of lm_head scaled to a length of 1: the reference converter leaves them as they are, and so is this file")
		}
		k := decoderKeys(c, d, r).asGiven(r)
		if !c.Has("num_key_value_heads") {
			k = k.without("attention.head_count_kv")
		}
		k = k.with(key{"tensor_data_layout", "Meta AI original pth"}, key{"rope.dimension_count", d.headDim})
		part := func(n int64) Transform {
			pairs := halvesToPairs(d.heads)
			return Transform{Order: func(r, rows int64) int64 { return n*d.hidden + pairs(r, rows) }}
		}
		return decoderSpec(c, d, "baichuan", k, Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			qkv, one := []int64{3 * d.hidden, d.hidden}, []int64{d.hidden, d.hidden}
			l.cut("self_attn.W_pack.weight", "attn_q.weight", qkv, one, part(0))
			l.cut("self_attn.W_pack.weight", "attn_k.weight", qkv, one, part(1))
			l.cut("self_attn.W_pack.weight", "attn_v.weight", qkv, one, rowsOf(3*d.hidden, 2*d.hidden, d.hidden))
			l.add("self_attn.o_proj", "attn_output", one, Transform{}, noBias)
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			l.gatedFFN(noBias)
		})
	},
}
