package arch

import "math"

// Gemma 1 and 2: norms are stored less one, and embeddings are the head.

var gemma = &Family{
	Classes: []string{"GemmaForCausalLM"},
	Name:    "gemma",
	Defaults: map[string]any{"vocab_size": 256000.0, "hidden_size": 3072.0, "intermediate_size": 24576.0, "num_hidden_layers": 28.0,
		"num_attention_heads": 16.0, "num_key_value_heads": 16.0, "head_dim": 256.0, "max_position_embeddings": 8192.0,
		"rms_norm_eps": 1e-6, "tie_word_embeddings": true, "attention_bias": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(gemmaComputes)
		s := decoderSpec(c, d, "gemma", gemmaKeys(c, d), lessOne, func(l layer) {
			l.norm("input_layernorm", "attn_norm", lessOne)
			l.attention(false, noBias, noBias)
			l.norm("post_attention_layernorm", "ffn_norm", lessOne)
			l.gatedFFN(noBias)
		}).withoutHead()
		s.SpacePrefix = &noSpacePrefix
		return s
	},
}

// gemma2 has norms behind attention and feed-forward part too, soft limits of logits, and a sliding window in every other
// layer.
var gemma2 = &Family{
	Classes: []string{"Gemma2ForCausalLM"},
	Name:    "gemma2",
	Defaults: map[string]any{"vocab_size": 256000.0, "hidden_size": 2304.0, "intermediate_size": 9216.0, "num_hidden_layers": 26.0,
		"num_attention_heads": 8.0, "num_key_value_heads": 4.0, "head_dim": 256.0, "hidden_activation": "gelu_pytorch_tanh",
		"max_position_embeddings": 8192.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": true, "attention_bias": false,
		"query_pre_attn_scalar": 256.0, "sliding_window": 4096.0, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(gemmaComputes, "query_pre_attn_scalar", "attn_logit_softcapping", "final_logit_softcapping")
		c.gemmaScale(d, 46)
		c.slidesBut(d, func(n int64) bool { return n%2 == 1 }, "every second layer attends to a sliding window")
		k := gemmaKeys(c, d).with(
			key{"attn_logit_softcapping", c.positive("attn_logit_softcapping", 50)},
			key{"final_logit_softcapping", c.positive("final_logit_softcapping", 30)},
			key{"attention.sliding_window", c.Int("sliding_window", maxTokens)})
		s := decoderSpec(c, d, "gemma2", k, lessOne, func(l layer) { l.gemma(lessOne, false) }).withoutHead()
		s.SpacePrefix = &noSpacePrefix
		return s
	},
}

// gemmaComputes are what the graphs take for granted. The older name of the activation is passed over, as transformers
// does.
var gemmaComputes = map[string][]any{"hidden_activation": {"gelu_pytorch_tanh", "gelu_new"}, "attention_bias": {false}}

// gemmaKeys are those of the first two; that the base of rotary frequencies is 10000 is not said.
func gemmaKeys(c *Config, d dims) keys {
	plainRope(c, d)
	return keys{
		{"context_length", d.context},
		{"embedding_length", d.hidden},
		{"block_count", d.layers},
		{"feed_forward_length", d.ffn},
		{"attention.head_count", d.heads},
		{"attention.head_count_kv", d.kvHeads},
		{"attention.layer_norm_rms_epsilon", c.positive("rms_norm_eps", 1e-6)},
		{"attention.key_length", d.headDim},
		{"attention.value_length", d.headDim},
		fileType}
}

// gemma adds a layer of Gemma 2 and 3, whose norms are changed so.
func (l layer) gemma(norm Transform, headNorms bool) {
	l.norm("input_layernorm", "attn_norm", norm)
	l.attention(false, noBias, noBias)
	if headNorms {
		l.headNorms(norm)
	}
	l.norm("post_attention_layernorm", "post_attention_norm", norm)
	l.norm("pre_feedforward_layernorm", "ffn_norm", norm)
	l.gatedFFN(noBias)
	l.norm("post_feedforward_layernorm", "post_ffw_norm", norm)
}

// gemmaScale checks what attention is scaled by. No key of GGUF says it: llama.cpp takes the length of a head, and
// in the model of that many layers (27B) the width of a head's share of the embedding.
func (c *Config) gemmaScale(d dims, layers int64) {
	want := d.headDim
	if d.layers == layers {
		want = d.hidden / d.heads
	}
	if scale := c.positive("query_pre_attn_scalar", 256); math.Abs(scale-float64(want)) > 1e-6*scale {
		c.fail("query_pre_attn_scalar", "is %v: GGUF runtimes scale the attention of this model by 1/sqrt(%d)", scale, want)
	}
}
