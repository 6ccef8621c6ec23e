package arch

// distilbert is a smaller BERT with other names: texts have one part only.
var distilbert = &Family{
	Classes: []string{"DistilBertModel", "DistilBertForMaskedLM", "DistilBertForSequenceClassification"},
	Name:    "bert",
	Defaults: map[string]any{"vocab_size": 30522.0, "hidden_size": 768.0, "num_hidden_layers": 6.0, "num_attention_heads": 12.0, "intermediate_size": 3072.0,
		"activation": "gelu", "max_position_embeddings": 512.0},
	Aliases: map[string]string{"dim": "hidden_size", "n_layers": "num_hidden_layers", "n_heads": "num_attention_heads", "hidden_dim": "intermediate_size"},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"activation": {"gelu"}})
		e := &encoder{c: c, d: d, prefix: "distilbert.", plain: []string{"vocab_"}}
		e.add("embeddings.word_embeddings.weight", "token_embd.weight", d.vocab, d.hidden)
		e.add("embeddings.position_embeddings.weight", "position_embd.weight", d.context, d.hidden)
		e.out = append(e.out, bertNorm("distilbert.embeddings.LayerNorm", "token_embd_norm", d.hidden)...)
		for n := range d.layers {
			l := e.layer("transformer.layer", n)
			e.attention(l, "attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin")
			l.bertNorm("sa_layer_norm", "attn_output_norm")
			l.add("ffn.lin1", "ffn_up", []int64{d.ffn, d.hidden}, Transform{}, hasBias)
			l.add("ffn.lin2", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, hasBias)
			l.bertNorm("output_layer_norm", "layer_output_norm")
		}
		k := keys{{"attention.layer_norm_epsilon", 1e-12}}.with(e.keys()...) // that of the code, in front as in the reference
		return e.spec("bert", k.with(e.classifier("pre_classifier", "classifier")...))
	},
}
