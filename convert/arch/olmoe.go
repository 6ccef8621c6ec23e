package arch

import "github.com/carat-llm/carat/gguf"

// olmoe has experts, and norms of queries and keys over all their heads together.
var olmoe = &Family{
	Classes: []string{"OlmoeForCausalLM"},
	Name:    "olmoe",
	Metadata: func(c *Config, fileType uint32) []gguf.KV {
		c.values["rms_norm_eps"] = 1e-5 // the model's code has it fixed, and so has the reference
		return decoderMetadata("olmoe", c, readDims(c, 0), fileType, c.Has("head_dim")).list
	},
	Tensors: func(c *Config) []Tensor {
		d := readDims(c, 0)
		moeEverywhere(c, false)
		if c.Has("clip_qkv") {
			c.fail("clip_qkv", "is %v: GGUF files of this architecture do not clip queries, keys and values", c.values["clip_qkv"])
		}
		bias := biasIf(c.Bool("attention_bias"))
		return decoderTensors(c, d, Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.attention(false, bias, bias)
			l.add("self_attn.q_norm", "attn_q_norm", []int64{d.heads * d.headDim}, Transform{}, noBias)
			l.add("self_attn.k_norm", "attn_k_norm", []int64{d.kvHeads * d.headDim}, Transform{}, noBias)
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			l.experts(mlpExperts, d.ffn)
		})
	},
}
