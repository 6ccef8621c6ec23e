package arch

import "github.com/carat-llm/carat/gguf"

// qwen3moe is Qwen3 with experts in place of the feed-forward part.
var qwen3moe = &Family{
	Classes: []string{"Qwen3MoeForCausalLM"},
	Name:    "qwen3moe",
	Metadata: func(c *Config, fileType uint32) []gguf.KV {
		k := decoderMetadata("qwen3moe", c, readDims(c, 0), fileType, c.Has("head_dim"))
		k.u32("expert_feed_forward_length", c.Int("moe_intermediate_size", maxWidth))
		return k.list
	},
	Tensors: func(c *Config) []Tensor {
		bias := biasIf(c.Bool("attention_bias"))
		moeEverywhere(c, true)
		return decoderTensors(c, readDims(c, 0), Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.attention(false, bias, bias)
			l.headNorms(Transform{})
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			l.experts(mlpExperts, c.Int("moe_intermediate_size", maxWidth))
		})
	},
}
