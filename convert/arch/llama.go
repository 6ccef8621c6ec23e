package arch

// llama covers Llama 1-3. Rows of queries and keys are reordered per head: ggml rotates neighbouring pairs here,
// transformers the two halves.
var llama = &Family{
	Classes: []string{"LlamaForCausalLM", "LLaMAForCausalLM", "LlamaModel", "VLlama3ForCausalLM", "LlavaForConditionalGeneration", "IQuestCoderForCausalLM"},
	Name:    "llama",
	Defaults: map[string]any{"vocab_size": 32000.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-6,
		"tie_word_embeddings": false, "attention_bias": false, "mlp_bias": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headDerived)
		c.computes(silu)
		if _, inner := c.textPart(); inner != nil {
			c.oneOf("model_type", []any{"llama", "mistral", "vllama3"}) // what a wrapper's text model may be
		}
		attn, mlp := biasIf(c.Bool("attention_bias")), biasIf(c.Bool("mlp_bias"))
		return llamaSpec(c, d, "llama", 10000, func(l layer) { l.llama(true, attn, attn, mlp) })
	},
}

// llamaSpec is what all classes that are like Llama have in common, whatever GGUF calls them.
func llamaSpec(c *Config, d dims, name string, theta float64, add func(l layer)) *Spec {
	k, r := llamaKeys(c, d, theta)
	s := decoderSpec(c, d, name, k, Transform{}, add)
	s.Computed = r.llama3Factors(d.headDim)
	return s
}

// llamaKeys are their keys, and the rope, whose factors are a tensor in Llama 3.1's scaling.
func llamaKeys(c *Config, d dims, theta float64) (keys, rope) {
	r := readRope(c, d, theta, 0)
	r.only("default", "linear", "dynamic", "yarn", "llama3")
	return decoderKeys(c, d, r).with(key{"vocab_size", d.vocab}, key{"rope.dimension_count", d.headDim}), r
}
