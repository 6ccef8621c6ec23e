package arch

// Encoders make vectors of texts, or scores: they see all of a text at once. What they were trained with beside that, the heads that
// guess masked words, is left out, as the reference does.

// bert has norms behind attention and feed-forward part, learned positions, and embeddings for the two parts of a text.
var bert = &Family{
	Classes: []string{"BertModel", "BertForMaskedLM", "BertForSequenceClassification"},
	Name:    "bert",
	Defaults: map[string]any{"vocab_size": 30522.0, "hidden_size": 768.0, "num_hidden_layers": 12.0, "num_attention_heads": 12.0, "intermediate_size": 3072.0,
		"hidden_act": "gelu", "max_position_embeddings": 512.0, "type_vocab_size": 2.0, "layer_norm_eps": 1e-12, "position_embedding_type": "absolute"},
	Describe: func(c *Config) *Spec {
		e, k := bertSpec(c, "bert.", 0)
		k = k.with(e.classifier("", "classifier")...)
		if c.classifies() {
			e.pooler = weightAndBias("bert.pooler.dense", "cls", e.d.hidden, e.d.hidden)
		}
		return e.spec("bert", k)
	},
}

// roberta is BERT whose positions are counted from the token of padding on, of which the first rows of its table are left out.
var roberta = &Family{
	Classes:  []string{"RobertaModel", "RobertaForSequenceClassification"},
	Name:     "bert",
	Defaults: robertaDefaults(50265),
	Describe: robertaSpec,
}

// xlmRoberta has a tokenizer for many languages; jina-embeddings-v3 is of this class, too.
var xlmRoberta = &Family{
	Classes:  []string{"XLMRobertaModel", "XLMRobertaForSequenceClassification"},
	Name:     "bert",
	Defaults: robertaDefaults(30522),
	Describe: func(c *Config) *Spec {
		if c.Has("lora_adaptations") {
			return jina3Spec(c)
		}
		return robertaSpec(c)
	},
}

func robertaDefaults(vocab float64) map[string]any {
	return map[string]any{"vocab_size": vocab, "hidden_size": 768.0, "num_hidden_layers": 12.0, "num_attention_heads": 12.0, "intermediate_size": 3072.0, "hidden_act": "gelu",
		"max_position_embeddings": 512.0, "type_vocab_size": 2.0, "layer_norm_eps": 1e-12, "position_embedding_type": "absolute", "pad_token_id": 1.0}
}

func robertaSpec(c *Config) *Spec {
	e, k := bertSpec(c, "roberta.", c.padding())
	e.plain = []string{"lm_head."}
	return e.spec("bert", k.with(e.classifier("classifier.dense", "classifier.out_proj")...))
}

// padding is the number of positions that come before the first of a text.
func (c *Config) padding() int64 {
	if !c.Has("pad_token_id") {
		return 0
	}
	return 1 + c.count("pad_token_id", maxVocab)
}

// bertSpec describes the body of BERT whose first tokens are at position skip.
func bertSpec(c *Config, prefix string, skip int64) (*encoder, keys) {
	d := readDims(c, headGiven)
	c.computes(map[string][]any{"hidden_act": {"gelu", "gelu_new", "gelu_pytorch_tanh"}, "position_embedding_type": {"absolute"}, "is_decoder": {false}})
	e := &encoder{c: c, d: d, prefix: prefix}
	positions := d.context
	if e.d.context = positions - skip; e.d.context < 1 {
		c.fail("max_position_embeddings", "is %d, of which the first %d are not for tokens", positions, skip)
		return e, nil
	}
	e.embeddings(Tensor{Source: "embeddings.position_embeddings.weight", Name: "position_embd.weight", Shape: []int64{positions, d.hidden},
		As: []int64{e.d.context, d.hidden}, Transform: rowsOf(positions, skip, e.d.context)})
	for n := range d.layers {
		l := e.layer("encoder.layer", n)
		e.attention(l, "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")
		l.bertNorm("attention.output.LayerNorm", "attn_output_norm")
		l.add("intermediate.dense", "ffn_up", []int64{d.ffn, d.hidden}, Transform{}, hasBias)
		l.add("output.dense", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, hasBias)
		l.bertNorm("output.LayerNorm", "layer_output_norm")
	}
	return e, e.keys()
}

// encoder gathers what is made of a checkpoint of BERT's kind.
type encoder struct {
	c      *Config
	d      dims
	prefix string  // of all tensors but those of heads
	theta  float64 // the base of rotary positions; 0: positions are learned, or there are none
	out    []Tensor
	pooler []Tensor // see Spec
	plain  []string // prefixes of what is left out without a word
}

// keys are those that all have; more stand before the type of the file.
func (e *encoder) keys(more ...key) keys {
	k := keys{
		{"block_count", e.d.layers},
		{"context_length", e.d.context},
		{"embedding_length", e.d.hidden},
		{"feed_forward_length", e.d.ffn},
		{"attention.head_count", e.d.heads}}
	k = k.with(when(e.theta > 0, key{"rope.freq_base", e.theta})...)
	k = k.with(key{"attention.layer_norm_epsilon", e.c.positive("layer_norm_eps", 1e-12)})
	return k.with(more...).with(fileType, key{"attention.causal", false}, pooling)
}

// embeddings adds those of tokens and types, the norm behind them, and more.
func (e *encoder) embeddings(more ...Tensor) {
	e.add("embeddings.word_embeddings.weight", "token_embd.weight", e.d.vocab, e.d.hidden)
	e.add("embeddings.token_type_embeddings.weight", "token_types.weight", e.c.Int("type_vocab_size", maxWidth), e.d.hidden)
	e.out = append(e.out, bertNorm(e.prefix+"embeddings.LayerNorm", "token_embd_norm", e.d.hidden)...)
	for _, t := range more {
		t.Source = e.prefix + t.Source
		e.out = append(e.out, t)
	}
}

// add appends one tensor.
func (e *encoder) add(source, name string, shape ...int64) {
	e.out = append(e.out, Tensor{Source: e.prefix + source, Name: name, Shape: shape})
}

// layer is layer n of the list that the checkpoint calls module.
func (e *encoder) layer(module string, n int64) layer {
	return layer{c: e.c, d: e.d, n: n, prefix: e.prefix + module, out: &e.out}
}

// attention adds square projections with biases.
func (e *encoder) attention(l layer, q, k, v, out string) {
	for _, x := range [][2]string{{q, "attn_q"}, {k, "attn_k"}, {v, "attn_v"}, {out, "attn_output"}} {
		l.add(x[0], x[1], []int64{e.d.hidden, e.d.hidden}, Transform{}, hasBias)
	}
}

// bertNorm adds a norm, whose tensors older checkpoints call gamma and beta.
func (l layer) bertNorm(source, name string) {
	*l.out = append(*l.out, bertNorm(l.source(source), l.name(name), l.d.hidden)...)
}

func bertNorm(source, name string, n int64) (out []Tensor) {
	for _, x := range [][2]string{{"weight", "weight"}, {"bias", "bias"}, {"gamma", "weight"}, {"beta", "bias"}} {
		out = append(out, Tensor{Source: source + "." + x[0], Name: name + "." + x[1], Shape: []int64{n}})
	}
	return out
}

// spec puts all together. The pooler and heads for masked words are of what the model was trained for, not of vectors.
func (e *encoder) spec(arch string, k keys) *Spec {
	s := &Spec{Metadata: k.of(arch), Tensors: e.out, Vocab: e.d.vocab, Prefix: e.prefix, Pooler: e.pooler}
	for _, part := range append([]string{e.prefix + "embeddings.position_ids", e.prefix + "pooler.", "cls.predictions", "cls.seq_relationship"}, e.plain...) {
		s.LeftOut = append(s.LeftOut, LeftOut{Prefix: part})
	}
	return s
}
