package arch

import "github.com/carat-llm/carat/gguf"

// mixtral is Llama with experts; GGUF calls both llama. Its w1, w2 and w3 are gate, down and up.
var mixtral = &Family{
	Classes: []string{"MixtralForCausalLM"},
	Name:    "llama",
	Metadata: func(c *Config, fileType uint32) []gguf.KV {
		d := readDims(c, 0)
		k := decoderMetadata("llama", c, d, fileType, c.Has("head_dim"))
		k.u32("vocab_size", d.vocab)
		k.u32("rope.dimension_count", d.headDim)
		return k.list
	},
	Tensors: func(c *Config) []Tensor {
		d := readDims(c, 0)
		from := expertSource{"block_sparse_moe", "block_sparse_moe.gate", [3][2]string{{"w1", "ffn_gate"}, {"w2", "ffn_down"}, {"w3", "ffn_up"}}}
		return decoderTensors(c, d, Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.attention(true, noBias, noBias)
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			l.experts(from, d.ffn)
		})
	},
}
