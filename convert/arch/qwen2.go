package arch

import "github.com/carat-llm/carat/gguf"

// qwen2 has biases on queries, keys and values.
var qwen2 = &Family{
	Classes: []string{"Qwen2ForCausalLM"},
	Name:    "qwen2",
	Metadata: func(c *Config, fileType uint32) []gguf.KV {
		return decoderMetadata("qwen2", c, readDims(c, 0), fileType, c.Has("head_dim")).list
	},
	Tensors: func(c *Config) []Tensor {
		return decoderTensors(c, readDims(c, 0), Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.attention(false, hasBias, noBias)
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			l.gatedFFN(noBias)
		})
	},
}
