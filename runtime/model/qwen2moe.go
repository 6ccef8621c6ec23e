package model

// buildQwen2MoE builds Qwen2 with experts, whose weights are the router's probabilities as they are, and
// one that is shared by all tokens.
func buildQwen2MoE(l *loader) *graph {
	h := l.hparams()
	h.sharedHidden = l.countOr("expert_shared_feed_forward_length", h.hidden)
	return buildPlain(l, true, plainExperts).blocks(func(p string, b *block, _ *attention) {
		l.sharedExpert(b.ffn.(*moe), p, h, true)
	})
}
