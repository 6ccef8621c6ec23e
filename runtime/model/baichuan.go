package model

// buildBaichuan builds Baichuan: Llama, and the 13B, of 40 layers, with ALiBi in place of rotary positions.
func buildBaichuan(l *loader) *graph {
	switch n := l.count("block_count"); n {
	case 32:
		return buildPlain(l, interleaved, noExperts)
	case 40:
		l.value("rope.dimension_count")
		l.value("rope.freq_base")
		h := l.hparams()
		g := l.plain(h, interleaved, func(p string, h hparams) feedForward { return l.gatedFFN(p, h, silu) })
		g.ropes, g.biases = nil, []positionBias{alibi(h.heads, 8)}
		return g.blocks(func(_ string, _ *block, a *attention) { a.rope, a.bias = noRope, 1 })
	default:
		l.fail("metadata %s is %d: whether positions are rotated is known for 32 and 40 layers", l.key("block_count"), n)
		return buildPlain(l, interleaved, noExperts)
	}
}
