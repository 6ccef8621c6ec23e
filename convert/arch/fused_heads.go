package arch

// Older families keep queries, keys and values of a head together in one matrix. Here all queries come first, then all keys.

var gptneox = &Family{
	Classes: []string{"GPTNeoXForCausalLM"},
	Name:    "gptneox",
	Defaults: map[string]any{"vocab_size": 50432.0, "hidden_size": 6144.0, "intermediate_size": 24576.0, "num_hidden_layers": 44.0,
		"num_attention_heads": 64.0, "hidden_act": "gelu", "max_position_embeddings": 2048.0, "layer_norm_eps": 1e-5, "tie_word_embeddings": false,
		"rotary_pct": 0.25, "use_parallel_residual": true, "attention_bias": true},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": {"gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh"}, "attention_bias": {true}, "rotary_emb_base": {10000.0}},
			"rotary_pct", "partial_rotary_factor", "use_parallel_residual")
		share := c.positive("rotary_pct", plainRope(c, d).partial)
		k := keys{ // without a file type, as the reference converter has it
			{"context_length", d.context},
			{"embedding_length", d.hidden},
			{"block_count", d.layers},
			{"feed_forward_length", d.ffn},
			{"rope.dimension_count", int64(share * float64(d.hidden/d.heads))},
			{"attention.head_count", d.heads},
			{"use_parallel_residual", c.Bool("use_parallel_residual")},
			{"attention.layer_norm_epsilon", c.positive("layer_norm_eps", 1e-5)}}
		b := body{"gpt_neox.", "gpt_neox.embed_in", "gpt_neox.final_layer_norm", "embed_out", "gpt_neox.layers", hasBias}
		return b.spec(c, d, "gptneox", k, Transform{}, func(l layer) { l.bloom("attention") })
	},
}

// bloom has a norm of the embeddings, and a bias of attention by distance in place of positions (ALiBi).
var bloom = &Family{
	Classes: []string{"BloomForCausalLM", "BloomModel"},
	Name:    "bloom",
	Defaults: map[string]any{"vocab_size": 250880.0, "hidden_size": 64.0, "num_hidden_layers": 2.0, "num_attention_heads": 8.0,
		"layer_norm_epsilon": 1e-5, "tie_word_embeddings": true, "apply_residual_connection_post_layernorm": false},
	Aliases: map[string]string{"n_embed": "hidden_size", "n_layer": "num_hidden_layers", "n_head": "num_attention_heads"},
	Describe: func(c *Config) *Spec {
		d := readOldDims(c)
		c.computes(nil)
		k := keys{
			{"context_length", c.IntOr("seq_length", maxTokens, d.hidden)},
			{"embedding_length", d.hidden},
			{"feed_forward_length", d.ffn},
			{"block_count", d.layers},
			{"attention.head_count", d.heads},
			{"attention.head_count_kv", d.heads},
			{"attention.layer_norm_epsilon", c.positive("layer_norm_epsilon", 1e-5)},
			fileType}
		b := body{"transformer.", "transformer.word_embeddings", "transformer.ln_f", "lm_head", "transformer.h", hasBias}
		s := b.spec(c, d, "bloom", k, Transform{}, func(l layer) { l.bloom("self_attention") })
		for _, part := range []string{"weight", "bias"} {
			s.Tensors = append(s.Tensors, Tensor{Source: "transformer.word_embeddings_layernorm." + part, Name: "token_embd_norm." + part, Shape: []int64{d.hidden}})
		}
		return s
	},
}

// bloom adds a layer of both.
func (l layer) bloom(attention string) {
	hidden, ffn := l.d.hidden, l.d.ffn
	l.layerNorm("input_layernorm", "attn_norm", Transform{})
	l.add(attention+".query_key_value", "attn_qkv", []int64{3 * hidden, hidden}, Transform{Order: swapped(l.d.heads, 3, hidden/l.d.heads)}, hasBias)
	l.add(attention+".dense", "attn_output", []int64{hidden, hidden}, Transform{}, hasBias)
	l.layerNorm("post_attention_layernorm", "ffn_norm", Transform{})
	l.add("mlp.dense_h_to_4h", "ffn_up", []int64{ffn, hidden}, Transform{}, hasBias)
	l.add("mlp.dense_4h_to_h", "ffn_down", []int64{hidden, ffn}, Transform{}, hasBias)
}

// falcon has as many groups as heads of keys: the queries of a group, its key and its value.
var falcon = &Family{
	Classes: []string{"FalconForCausalLM"},
	Name:    "falcon",
	Defaults: map[string]any{"vocab_size": 65024.0, "hidden_size": 4544.0, "num_hidden_layers": 32.0, "num_attention_heads": 71.0,
		"layer_norm_epsilon": 1e-5, "tie_word_embeddings": true, "multi_query": true, "new_decoder_architecture": false, "bias": false,
		"parallel_attn": true, "activation": "gelu", "alibi": false},
	Aliases: map[string]string{"n_embed": "hidden_size", "n_layer": "num_hidden_layers", "n_head": "num_attention_heads", "n_head_kv": "num_kv_heads"},
	Describe: func(c *Config) *Spec {
		d := readOldDims(c)
		c.computes(map[string][]any{"parallel_attn": {true}, "bias": {false}, "activation": {"gelu"}, "ffn_hidden_size": {float64(d.ffn)}})
		plainRope(c, d)
		d.kvHeads = c.IntOr("num_kv_heads", d.heads, d.heads)
		if c.Bool("multi_query") && !c.Bool("new_decoder_architecture") {
			d.kvHeads = 1
		}
		if d.heads%d.kvHeads != 0 {
			c.fail("num_kv_heads", "is %d, which does not divide num_attention_heads, %d", d.kvHeads, d.heads)
		}
		k := keys{
			{"context_length", int64(2048)},
			{"tensor_data_layout", "jploski"},
			{"embedding_length", d.hidden},
			{"feed_forward_length", d.ffn},
			{"block_count", d.layers},
			{"attention.head_count", d.heads},
			{"attention.head_count_kv", d.kvHeads},
			{"attention.layer_norm_epsilon", c.positive("layer_norm_epsilon", 1e-5)},
			fileType}
		size, each := d.headDim, d.heads/d.kvHeads
		qkv := func(r, _ int64) int64 {
			head, within := r/size, r%size
			switch group := head - d.heads; {
			case head < d.heads:
				head += head / each * 2
			case group < d.kvHeads:
				head = group*(each+2) + each
			default:
				head = (group-d.kvHeads)*(each+2) + each + 1
			}
			return head*size + within
		}
		norms := 1.0
		if c.Bool("new_decoder_architecture") {
			norms = c.Float("num_ln_in_parallel_attn", 2)
		}
		b := body{"transformer.", "transformer.word_embeddings", "transformer.ln_f", "lm_head", "transformer.h", hasBias}
		return b.spec(c, d, "falcon", k, Transform{}, func(l layer) {
			if norms == 2 {
				l.layerNorm("ln_attn", "attn_norm_2", Transform{})
				l.layerNorm("ln_mlp", "attn_norm", Transform{})
			} else {
				l.layerNorm("input_layernorm", "attn_norm", Transform{})
			}
			l.add("self_attention.query_key_value", "attn_qkv", []int64{(d.heads + 2*d.kvHeads) * size, d.hidden}, Transform{Order: qkv}, noBias)
			l.add("self_attention.dense", "attn_output", []int64{d.hidden, d.hidden}, Transform{}, noBias)
			l.add("mlp.dense_h_to_4h", "ffn_up", []int64{d.ffn, d.hidden}, Transform{}, noBias)
			l.add("mlp.dense_4h_to_h", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, noBias)
		})
	},
}

// readOldDims reads the sizes of families whose feed-forward part is four times as wide as the rest, and whose config says
// no context.
func readOldDims(c *Config) dims {
	d := dims{layers: c.Int("num_hidden_layers", maxLayers), hidden: c.Int("hidden_size", maxWidth/4), heads: c.Int("num_attention_heads", maxWidth), vocab: c.Int("vocab_size", maxVocab)}
	d.ffn, d.kvHeads, d.headDim, d.context = 4*d.hidden, d.heads, max(d.hidden/d.heads, 1), 2048
	if d.hidden%d.heads != 0 {
		c.fail("num_attention_heads", "is %d, which does not divide hidden_size, %d", d.heads, d.hidden)
	}
	return d
}
