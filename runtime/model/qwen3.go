package model

// buildQwen3 builds Qwen3: Qwen2 with an RMSNorm on each head of q and k. Its rerankers have two rows of the output alone.
func buildQwen3(l *loader) *graph {
	g := buildHeadNormed(l, noExperts)
	g.head = l.yesNo(g.width)
	return g
}

// buildQwen3MoE builds Qwen3 with experts.
func buildQwen3MoE(l *loader) *graph { return buildHeadNormed(l, normalisedExperts) }

func buildHeadNormed(l *loader, kind expertKind) *graph {
	return buildPlain(l, true, kind).blocks(func(p string, _ *block, a *attention) { l.headNorms(a, p) })
}

// headNorms loads the norms of the heads of q and k.
func (l *loader) headNorms(a *attention, p string) {
	a.qNorm = l.rmsNorm(p+"attn_q_norm", a.dim)
	a.kNorm = l.rmsNorm(p+"attn_k_norm", a.dim)
}
