package arch

// neobert has rotary positions in pairs of neighbours, norms before both parts, and gates.
var neobert = &Family{
	Classes: []string{"NeoBERT", "NeoBERTLMHead", "NeoBERTForSequenceClassification"},
	Name:    "neo-bert",
	Defaults: map[string]any{"vocab_size": 30522.0, "hidden_size": 768.0, "num_hidden_layers": 28.0, "num_attention_heads": 12.0, "intermediate_size": 3072.0,
		"norm_eps": 1e-6, "max_position_embeddings": 1024.0},
	Aliases: map[string]string{"max_length": "max_position_embeddings"},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": {"swiglu"}, "rms_norm": {true}, "rope": {true}})
		d.ffn = 2 * d.ffn / 3 // of which the config counts the gates, too
		e := &encoder{c: c, d: d, prefix: "model.", plain: []string{"decoder."}}
		e.add("encoder.weight", "token_embd.weight", d.vocab, d.hidden)
		e.add("layer_norm.weight", "enc.output_norm.weight", d.hidden)
		for n := range d.layers {
			l := e.layer("transformer_encoder", n)
			l.norm("attention_norm", "attn_norm", Transform{})
			l.add("qkv", "attn_qkv", []int64{3 * d.hidden, d.hidden}, Transform{}, noBias)
			l.add("wo", "attn_output", []int64{d.hidden, d.hidden}, Transform{}, noBias)
			l.norm("ffn_norm", "ffn_norm", Transform{})
			l.add("ffn.w12", "ffn_up", []int64{2 * d.ffn, d.hidden}, Transform{}, noBias)
			l.add("ffn.w3", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, noBias)
		}
		k := keys{
			{"block_count", d.layers},
			{"context_length", d.context},
			{"embedding_length", d.hidden},
			{"feed_forward_length", d.ffn},
			{"attention.head_count", d.heads},
			{"attention.layer_norm_rms_epsilon", c.positive("norm_eps", 1e-6)},
			fileType,
			{"attention.causal", false}}
		k = k.with(e.classifier("dense", "classifier")...)
		return e.spec("neo-bert", k.with(key{"rope.freq_base", 10000.0}, key{"rope.scaling.type", "none"}, key{PoolingType, poolingCLS}))
	},
}

// poolingCLS is GGUF's number for the vector of the first token.
const poolingCLS int64 = 2
