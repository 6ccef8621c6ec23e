package arch

import "github.com/carat-llm/carat/gguf"

var noSpacePrefix = false

// gemma3 has norms before and after attention and FFN, stored less one; five of six layers attend to a
// sliding window only.
var gemma3 = &Family{
	Classes: []string{"Gemma3ForCausalLM"},
	Name:    "gemma3",
	Metadata: func(c *Config, fileType uint32) []gguf.KV {
		k := decoderMetadata("gemma3", c, readDims(c, 256), fileType, true)
		if c.Has("final_logit_softcapping") {
			k.f32("final_logit_softcapping", c.Float("final_logit_softcapping", 0))
		}
		k.u32("attention.sliding_window", c.Int("sliding_window", maxTokens))
		return k.list
	},
	Tensors: func(c *Config) []Tensor {
		one := Transform{AddOne: true}
		if !c.Has("tie_word_embeddings") {
			c.values["tie_word_embeddings"] = true // the family's default
		}
		return decoderTensors(c, readDims(c, 256), one, func(l layer) {
			l.norm("input_layernorm", "attn_norm", one)
			l.attention(false, noBias, noBias)
			l.headNorms(one)
			l.norm("post_attention_layernorm", "post_attention_norm", one)
			l.norm("pre_feedforward_layernorm", "ffn_norm", one)
			l.gatedFFN(noBias)
			l.norm("post_feedforward_layernorm", "post_ffw_norm", one)
		})
	},
	SpacePrefix: &noSpacePrefix,
}
