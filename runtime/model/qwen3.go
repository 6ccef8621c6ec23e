package model

// buildQwen3 builds Qwen3, dense or with experts: Qwen2 with an RMSNorm on each head of q and k.
func buildQwen3(l *loader) *graph {
	g := buildPlain(l, true)
	for i := range g.blocks {
		l.headNorms(&g.blocks[i].attn, layerName(i))
	}
	return g
}

// headNorms loads the norms of the heads of q and k.
func (l *loader) headNorms(a *attention, p string) {
	a.qNorm = l.rmsNorm(p+"attn_q_norm", a.dim)
	a.kNorm = l.rmsNorm(p+"attn_k_norm", a.dim)
}
