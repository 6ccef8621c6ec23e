package model

// buildOLMoE builds OLMoE: rotary positions in halves, an RMSNorm over all heads of q together and over
// those of k, and experts whose weights are the router's probabilities as they are.
func buildOLMoE(l *loader) *graph {
	g := buildPlain(l, true, plainExperts)
	for i := range g.blocks {
		b, p := &g.blocks[i], layerName(i)
		b.attn.qNorm = l.rmsNorm(p+"attn_q_norm", b.attn.heads*b.attn.dim)
		b.attn.kNorm = l.rmsNorm(p+"attn_k_norm", b.attn.kvHeads*b.attn.dim)
	}
	return g
}
