package arch

import "github.com/carat-llm/carat/gguf"

// qwen2moe is Qwen2 with experts, and beside them one that every token uses, behind a gate.
var qwen2moe = &Family{
	Classes: []string{"Qwen2MoeForCausalLM"},
	Name:    "qwen2moe",
	Metadata: func(c *Config, fileType uint32) []gguf.KV {
		k := decoderMetadata("qwen2moe", c, readDims(c, 0), fileType, c.Has("head_dim"))
		k.u32("expert_feed_forward_length", c.Int("moe_intermediate_size", maxWidth))
		k.u32("expert_shared_feed_forward_length", c.Int("shared_expert_intermediate_size", maxWidth))
		return k.list
	},
	Tensors: func(c *Config) []Tensor {
		d := readDims(c, 0)
		shared := c.Int("shared_expert_intermediate_size", maxWidth)
		moeEverywhere(c, false)
		return decoderTensors(c, d, Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.attention(false, hasBias, noBias)
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			l.experts(mlpExperts, c.Int("moe_intermediate_size", maxWidth))
			l.add("mlp.shared_expert.gate_proj", "ffn_gate_shexp", []int64{shared, d.hidden}, Transform{}, noBias)
			l.add("mlp.shared_expert.up_proj", "ffn_up_shexp", []int64{shared, d.hidden}, Transform{}, noBias)
			l.add("mlp.shared_expert.down_proj", "ffn_down_shexp", []int64{d.hidden, shared}, Transform{}, noBias)
			l.add("mlp.shared_expert_gate", "ffn_gate_inp_shexp", []int64{1, d.hidden}, Transform{}, noBias)
		})
	},
}
