package arch

import "fmt"

// gpt2 has LayerNorm, learned positions, and matrices stored input x output (Conv1D).
var gpt2 = &Family{
	Classes: []string{"GPT2LMHeadModel"},
	Name:    "gpt2",
	Defaults: map[string]any{"vocab_size": 50257.0, "n_positions": 1024.0, "n_embd": 768.0, "n_layer": 12.0, "n_head": 12.0,
		"activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "tie_word_embeddings": true},
	Aliases: map[string]string{"hidden_size": "n_embd", "max_position_embeddings": "n_positions", "num_attention_heads": "n_head",
		"num_hidden_layers": "n_layer"},
	Describe: func(c *Config) *Spec {
		width, layers, positions, vocab := c.Int("n_embd", maxWidth), c.Int("n_layer", maxLayers), c.Int("n_positions", maxTokens), c.Int("vocab_size", maxVocab)
		c.computes(map[string][]any{"activation_function": {"gelu_new", "gelu_pytorch_tanh", "gelu_fast"}, "n_inner": {4 * float64(width)}})
		heads := c.Int("n_head", maxWidth)
		if width%heads != 0 {
			c.fail("n_head", "is %d, which does not divide n_embd, %d", heads, width)
		}
		k := keys{
			{"block_count", layers},
			{"context_length", c.IntOr("n_ctx", maxTokens, positions)},
			{"embedding_length", width},
			{"feed_forward_length", 4 * width},
			{"attention.head_count", heads},
			{"attention.layer_norm_epsilon", c.positive("layer_norm_epsilon", 1e-5)},
			fileType}
		return &Spec{Metadata: k.of("gpt2"), Tensors: gpt2Tensors(width, layers, positions, vocab), Vocab: vocab, Prefix: "transformer."}
	},
}

func gpt2Tensors(w, layers, positions, vocab int64) []Tensor {
	out := []Tensor{
		{Source: "transformer.wte.weight", Name: "token_embd.weight", Shape: []int64{vocab, w}},
		{Source: "transformer.wpe.weight", Name: "position_embd.weight", Shape: []int64{positions, w}},
		{Source: "transformer.ln_f.weight", Name: "output_norm.weight", Shape: []int64{w}},
		{Source: "transformer.ln_f.bias", Name: "output_norm.bias", Shape: []int64{w}},
		{Source: "lm_head.weight", Name: "output.weight", Shape: []int64{vocab, w}, Optional: true},
	}
	for n := range layers {
		add := func(source, name string, shape ...int64) {
			from, to := fmt.Sprintf("transformer.h.%d.%s", n, source), fmt.Sprintf("blk.%d.%s", n, name)
			out = append(out,
				Tensor{Source: from + ".weight", Name: to + ".weight", Shape: shape, Transform: Transform{Transpose: len(shape) == 2}},
				Tensor{Source: from + ".bias", Name: to + ".bias", Shape: shape[len(shape)-1:]})
		}
		add("ln_1", "attn_norm", w)
		add("attn.c_attn", "attn_qkv", w, 3*w)
		add("attn.c_proj", "attn_output", w, w)
		add("ln_2", "ffn_norm", w)
		add("mlp.c_fc", "ffn_up", w, 4*w)
		add("mlp.c_proj", "ffn_down", 4*w, w)
	}
	return out
}
