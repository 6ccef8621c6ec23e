package arch

import "fmt"

// t5 reads a text with an encoder and writes another with a decoder. Attention has a bias by distance, which the first layer
// holds for all (in UMT5 each its own).
var t5 = &Family{
	Classes: []string{"T5ForConditionalGeneration", "T5WithLMHeadModel"},
	Name:    "t5",
	Defaults: map[string]any{"vocab_size": 32128.0, "d_model": 512.0, "d_kv": 64.0, "d_ff": 2048.0, "num_layers": 6.0, "num_heads": 8.0,
		"relative_attention_num_buckets": 32.0, "relative_attention_max_distance": 128.0, "layer_norm_epsilon": 1e-6, "feed_forward_proj": "relu",
		"tie_word_embeddings": true, "decoder_start_token_id": 0.0},
	Describe: describeT5,
}

// mt5 are its multilingual versions.
var mt5 = &Family{
	Classes: []string{"MT5ForConditionalGeneration", "UMT5ForConditionalGeneration"},
	Name:    "t5",
	Defaults: map[string]any{"vocab_size": 250112.0, "d_model": 512.0, "d_kv": 64.0, "d_ff": 1024.0, "num_layers": 8.0, "num_heads": 6.0,
		"relative_attention_num_buckets": 32.0, "relative_attention_max_distance": 128.0, "layer_norm_epsilon": 1e-6, "feed_forward_proj": "gated-gelu",
		"tie_word_embeddings": true, "decoder_start_token_id": 0.0},
	Describe: describeT5,
}

func describeT5(c *Config) *Spec {
	c.computes(map[string][]any{"feed_forward_proj": {"relu", "gated-gelu"}, "relative_attention_max_distance": {128.0}}, "is_encoder_decoder")
	t := t5Sizes{hidden: c.Int("d_model", maxWidth), heads: c.Int("num_heads", maxWidth), ffn: c.Int("d_ff", maxWidth), buckets: c.Int("relative_attention_num_buckets", maxWidth),
		gated: c.String("feed_forward_proj") == "gated-gelu", ownBias: c.class() == "UMT5ForConditionalGeneration"}
	size, layers, vocab := c.Int("d_kv", maxWidth), c.Int("num_layers", maxLayers), c.Int("vocab_size", maxVocab)
	t.inner = t.heads * size
	decoder := c.IntOr("num_decoder_layers", maxLayers, layers)
	k := keys{
		{"context_length", c.IntOr("n_positions", maxTokens, 512)},
		{"embedding_length", t.hidden},
		{"feed_forward_length", t.ffn},
		{"block_count", layers},
		{"decoder_block_count", decoder},
		{"attention.head_count", t.heads},
		{"attention.key_length", size},
		{"attention.value_length", size},
		{"attention.layer_norm_epsilon", c.positive("layer_norm_epsilon", 1e-6)},
		{"attention.relative_buckets_count", t.buckets},
		{"attention.layer_norm_rms_epsilon", c.positive("layer_norm_epsilon", 1e-6)},
		{"decoder_start_token_id", c.count("decoder_start_token_id", vocab)},
		fileType}
	tied := c.Bool("tie_word_embeddings")
	if tied {
		c.note("tie_word_embeddings", "is true: transformers then scales the logits by 1/sqrt(d_model), which no key of GGUF says; the likeliest token stays the same")
	}
	out := []Tensor{{Source: "lm_head.weight", Name: "output.weight", Shape: []int64{vocab, t.hidden}, Optional: tied}}
	for _, name := range []string{"shared", "encoder.embed_tokens", "decoder.embed_tokens"} {
		out = append(out, Tensor{Source: name + ".weight", Name: "token_embd.weight", Shape: []int64{vocab, t.hidden}, Copy: true})
	}
	for _, part := range []struct {
		source, name string
		layers       int64
		crosses      bool
	}{{"encoder", "enc", layers, false}, {"decoder", "dec", decoder, true}} {
		for n := range part.layers {
			out = append(out, t.layer(fmt.Sprintf("%s.block.%d.layer.", part.source, n), fmt.Sprintf("%s.blk.%d.", part.name, n), n, part.crosses)...)
		}
		out = append(out, Tensor{Source: part.source + ".final_layer_norm.weight", Name: part.name + ".output_norm.weight", Shape: []int64{t.hidden}})
	}
	return &Spec{Metadata: k.of("t5"), Tensors: out, Vocab: vocab}
}

type t5Sizes struct {
	hidden, inner, heads, ffn, buckets int64
	gated, ownBias                     bool
}

// layer is a layer of the encoder, or of the decoder, which attends to the encoder's result, too.
func (t t5Sizes) layer(source, name string, n int64, crosses bool) (out []Tensor) {
	add := func(from, to string, shape ...int64) {
		out = append(out, Tensor{Source: source + from + ".weight", Name: name + to + ".weight", Shape: shape})
	}
	attention := func(module, prefix string) {
		add(module+".q", prefix+"attn_q", t.inner, t.hidden)
		add(module+".k", prefix+"attn_k", t.inner, t.hidden)
		add(module+".v", prefix+"attn_v", t.inner, t.hidden)
		add(module+".o", prefix+"attn_o", t.hidden, t.inner)
	}
	add("0.layer_norm", "attn_norm", t.hidden)
	attention("0.SelfAttention", "")
	if n == 0 || t.ownBias {
		add("0.SelfAttention.relative_attention_bias", "attn_rel_b", t.buckets, t.heads)
	}
	last := "1"
	if crosses {
		add("1.layer_norm", "cross_attn_norm", t.hidden)
		attention("1.EncDecAttention", "cross_")
		last = "2"
	}
	add(last+".layer_norm", "ffn_norm", t.hidden)
	if t.gated {
		add(last+".DenseReluDense.wi_0", "ffn_gate", t.ffn, t.hidden)
		add(last+".DenseReluDense.wi_1", "ffn_up", t.ffn, t.hidden)
	} else {
		add(last+".DenseReluDense.wi", "ffn_up", t.ffn, t.hidden)
	}
	add(last+".DenseReluDense.wo", "ffn_down", t.hidden, t.ffn)
	return out
}
