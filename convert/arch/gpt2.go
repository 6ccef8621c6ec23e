package arch

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
)

// gpt2 has LayerNorm, learned positions, and matrices stored input x output (Conv1D).
var gpt2 = &Family{
	Classes: []string{"GPT2LMHeadModel"},
	Name:    "gpt2",
	Metadata: func(c *Config, fileType uint32) []gguf.KV {
		width := c.Int("n_embd", maxWidth)
		k := &kvs{arch: "gpt2"}
		k.u32("block_count", c.Int("n_layer", maxLayers))
		k.u32("context_length", c.IntOr("n_ctx", maxTokens, gpt2Positions(c)))
		k.u32("embedding_length", width)
		k.u32("feed_forward_length", 4*width)
		k.u32("attention.head_count", c.Int("n_head", maxWidth))
		k.f32("attention.layer_norm_epsilon", c.Float("layer_norm_epsilon", 1e-5))
		k.fileType(fileType)
		return k.list
	},
	Tensors: func(c *Config) []Tensor {
		w := c.Int("n_embd", maxWidth)
		out := []Tensor{
			{Source: "transformer.wte.weight", Name: "token_embd.weight", Shape: []int64{c.Int("vocab_size", maxVocab), w}},
			{Source: "transformer.wpe.weight", Name: "position_embd.weight", Shape: []int64{gpt2Positions(c), w}},
			{Source: "transformer.ln_f.weight", Name: "output_norm.weight", Shape: []int64{w}},
			{Source: "transformer.ln_f.bias", Name: "output_norm.bias", Shape: []int64{w}},
			{Source: "lm_head.weight", Name: "output.weight", Shape: []int64{c.Int("vocab_size", maxVocab), w}, Optional: true},
		}
		for n := range c.Int("n_layer", maxLayers) {
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
	},
}

func gpt2Positions(c *Config) int64 { return c.Int("n_positions", maxTokens) }
