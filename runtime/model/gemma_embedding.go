package model

// buildGemmaEmbedding builds EmbeddingGemma: Gemma 3 whose tokens see those behind them, too, and no output. Its vectors may go through
// two more matrices, if the converter kept them.
func buildGemmaEmbedding(l *loader) *graph {
	if l.flag("attention.causal", false) {
		l.fail("metadata %s is not false: this is not an encoder", l.key("attention.causal"))
	}
	g := l.gemma3(true)
	width := g.width
	for _, name := range []string{"dense_2", "dense_3"} {
		in, out := l.integerOr(name+"_feat_in", 0), l.integerOr(name+"_feat_out", 0)
		if in == 0 && out == 0 && !l.has(name+".weight") {
			continue
		}
		if in != width {
			l.fail("metadata %s is %d, but what it is multiplied with has %d elements", l.key(name+"_feat_in"), in, width)
		}
		g.dense = append(g.dense, l.linear(name, in, out))
		width = out
	}
	return g
}
