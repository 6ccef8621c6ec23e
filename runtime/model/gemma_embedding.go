package model

// buildGemmaEmbedding builds EmbeddingGemma: Gemma 3 whose tokens see those behind them, too, and no output.
func buildGemmaEmbedding(l *loader) *graph {
	if l.flag("attention.causal", false) {
		l.fail("metadata %s is not false: this is no encoder", l.key("attention.causal"))
	}
	return l.gemma3(true)
}
