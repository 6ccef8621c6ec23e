package model

// buildBitNet builds BitNet b1.58: Llama with rotary positions in halves and further norms, of the results of heads and of what the last
// matrix of the feed-forward part multiplies. Its weights are ternary.
func buildBitNet(l *loader) *graph {
	h := l.hparams()
	return buildPlain(l, halves, noExperts).blocks(func(p string, b *block, a *attention) {
		f := b.ffn.(*ffn)
		a.outNorm = l.rmsNorm(p+"attn_sub_norm", a.heads*a.valueDim)
		f.downNorm = l.rmsNorm(p+"ffn_sub_norm", h.hidden)
	})
}
