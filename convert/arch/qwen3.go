package arch

import "github.com/carat-llm/carat/gguf"

// qwen3 normalises queries and keys per head instead of adding biases.
var qwen3 = &Family{
	Classes: []string{"Qwen3ForCausalLM"},
	Name:    "qwen3",
	Metadata: func(c *Config, fileType uint32) []gguf.KV {
		return decoderMetadata("qwen3", c, readDims(c, 128), fileType, true).list
	},
	Tensors: func(c *Config) []Tensor {
		bias := biasIf(c.Bool("attention_bias"))
		return decoderTensors(c, readDims(c, 128), Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.attention(false, bias, bias)
			l.headNorms(Transform{})
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			l.gatedFFN(noBias)
		})
	},
}

// headNorms are the norms of queries and keys, one weight for each dimension of a head.
func (l layer) headNorms(tr Transform) {
	l.add("self_attn.q_norm", "attn_q_norm", []int64{l.d.headDim}, tr, noBias)
	l.add("self_attn.k_norm", "attn_k_norm", []int64{l.d.headDim}, tr, noBias)
}
