package model

// buildMiniMaxM2 builds MiniMax-M2: rotary positions in a part of each head, an RMSNorm over all heads of q together and over those of
// k, and experts in every layer, chosen by sigmoids with a correction.
func buildMiniMaxM2(l *loader) *graph {
	return l.routed(l.withRouting(l.hparams(), sigmoid, true), halves).blocks(func(p string, _ *block, a *attention) {
		a.qNorm, a.kNorm = l.rmsNorm(p+"attn_q_norm", a.heads*a.dim), l.rmsNorm(p+"attn_k_norm", a.kvHeads*a.dim)
	})
}
