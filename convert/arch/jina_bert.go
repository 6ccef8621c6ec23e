package arch

import "strings"

// jinaBert is jina-embeddings-v2: BERT with a bias by distance (ALiBi) in place of positions, and gates.
var jinaBert = &Family{
	Classes:  []string{"JinaBertModel", "JinaBertForMaskedLM"},
	Name:     "jina-bert-v2",
	Defaults: bert.Defaults,
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": {"gelu"}, "position_embedding_type": {"alibi"}, "feed_forward_type": {"geglu"}, "is_decoder": {false}})
		e := &encoder{c: c, d: d, prefix: "bert."}
		e.embeddings()
		for n := range d.layers {
			l := e.layer("encoder.layer", n)
			e.attention(l, "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")
			l.bertNorm("attention.output.LayerNorm", "attn_output_norm")
			l.add("mlp.gated_layers", "ffn_up", []int64{2 * d.ffn, d.hidden}, Transform{}, noBias)
			l.add("mlp.wo", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, hasBias)
			l.bertNorm("mlp.layernorm", "layer_output_norm")
		}
		return e.spec("jina-bert-v2", e.keys())
	},
}

// jina3Spec describes jina-embeddings-v3: XLM-RoBERTa with rotary positions, and adapters for tasks beside the weights.
func jina3Spec(c *Config) *Spec {
	d := readDims(c, headGiven)
	c.computes(map[string][]any{"hidden_act": {"gelu"}, "position_embedding_type": {"rotary"}, "is_decoder": {false}, "use_rms_norm": {false}})
	d.context -= c.padding()
	if d.context < 1 {
		c.fail("max_position_embeddings", "is %d, fewer than positions of padding", d.context+c.padding())
	}
	e := &encoder{c: c, d: d, prefix: "roberta.", theta: c.positive("rotary_emb_base", 10000), plain: []string{"lm_head."}}
	e.rotary("encoder.layers", "mixer", hasBias, func(l layer) { l.biasedFFN() })
	s := e.spec("jina-bert-v3", e.keys())
	s.Name = "jina-bert-v3"
	const adapted = ".parametrizations.weight."
	for i, t := range s.Tensors {
		isMatrix := len(t.Shape) == 2
		if base, ok := strings.CutSuffix(t.Source, ".weight"); ok && isMatrix {
			s.Tensors[i].Source = base + adapted + "original"
			for _, half := range []string{"0.lora_A", "0.lora_B"} {
				s.LeftOut = append(s.LeftOut, LeftOut{Prefix: base + adapted + half, What: "adapters for tasks; vectors are those of no task"})
			}
		}
	}
	return s
}
