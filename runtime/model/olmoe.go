package model

// buildOLMoE builds OLMoE: rotary positions in halves, an RMSNorm over all heads of q together and over
// those of k, and experts whose weights are the router's probabilities as they are.
func buildOLMoE(l *loader) *graph {
	return buildPlain(l, true, plainExperts).blocks(func(p string, _ *block, a *attention) {
		a.qNorm = l.rmsNorm(p+"attn_q_norm", a.heads*a.dim)
		a.kNorm = l.rmsNorm(p+"attn_k_norm", a.kvHeads*a.dim)
	})
}
