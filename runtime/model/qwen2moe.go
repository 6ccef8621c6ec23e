package model

// buildQwen2MoE builds Qwen2 with experts, whose weights are the router's probabilities as they are, and
// one that is shared by all tokens.
func buildQwen2MoE(l *loader) *graph {
	h := l.hparams()
	g := buildPlain(l, true, plainExperts)
	for i := range g.blocks {
		m := &g.blocks[i].moe
		l.sharedExpert(m, layerName(i), h)
	}
	return g
}
