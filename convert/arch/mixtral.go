package arch

// mixtral is Llama with experts; GGUF calls both llama. Its w1, w2 and w3 are gate, down and up.
var mixtral = &Family{
	Classes: []string{"MixtralForCausalLM"},
	Name:    "llama",
	Defaults: map[string]any{"vocab_size": 32000.0, "hidden_size": 4096.0, "intermediate_size": 14336.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "num_key_value_heads": 8.0, "hidden_act": "silu", "max_position_embeddings": 131072.0,
		"rms_norm_eps": 1e-5, "tie_word_embeddings": false, "num_experts_per_tok": 2.0, "num_local_experts": 8.0},
	Aliases: map[string]string{"num_experts": "num_local_experts"},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(silu)
		c.windowIgnored(d)
		return llamaSpec(c, d, "llama", 1e6, func(l layer) {
			l.llamaAttention(true, noBias, noBias)
			l.experts(mixtralExperts, d.ffn)
		})
	},
}

// mixtralExperts are the names of its experts, which others took over.
var mixtralExperts = expertSource{"block_sparse_moe", "block_sparse_moe.gate", [3][2]string{{"w1", "ffn_gate"}, {"w2", "ffn_down"}, {"w3", "ffn_up"}}}
