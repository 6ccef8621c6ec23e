package arch

// Limits of a config: far above any model, low enough that nothing derived from them overflows.
const (
	maxLayers  = 1000
	maxExperts = 4096
	maxWidth   = 1 << 20
	maxVocab   = 1 << 22
	maxTokens  = 1 << 30
)

// dims are the sizes that all decoder families share.
type dims struct {
	layers, hidden, ffn, heads, kvHeads, headDim, vocab, context int64
	// ownHeadDim says that config.json, or the class, has a length of heads of its own.
	ownHeadDim bool
}

// headRule is how a config class derives head_dim when the config has none.
type headRule int

const (
	headGiven   headRule = iota // it stays without one: hidden/heads, and no lengths in GGUF
	headDerived                 // hidden/heads takes its place
)

// readDims reads them.
func readDims(c *Config, rule headRule) dims {
	d := dims{layers: c.Int("num_hidden_layers", maxLayers), hidden: c.Int("hidden_size", maxWidth),
		heads: c.Int("num_attention_heads", maxWidth), vocab: c.Int("vocab_size", maxVocab), context: c.Int("max_position_embeddings", maxTokens)}
	if _, each := c.value("intermediate_size").([]any); each {
		d.ffn = 1 // the family reads them
	} else if experts(c) == 0 || c.Has("intermediate_size") {
		d.ffn = c.Int("intermediate_size", maxWidth)
	}
	d.kvHeads = c.IntOr("num_key_value_heads", maxWidth, d.heads)
	d.ownHeadDim = c.Has("head_dim") || rule == headDerived
	d.headDim = c.IntOr("head_dim", maxWidth, d.hidden/d.heads)
	if d.heads%d.kvHeads != 0 {
		c.fail("num_key_value_heads", "is %d, which does not divide num_attention_heads, %d", d.kvHeads, d.heads)
	}
	if d.headDim%2 != 0 || d.headDim == 0 {
		c.fail("head_dim", "must be even (got %d)", d.headDim)
	}
	return d
}
