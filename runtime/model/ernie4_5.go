package model

// buildErnie4_5 builds ERNIE 4.5: Llama.
func buildErnie4_5(l *loader) *graph { return buildPlain(l, interleaved, noExperts) }

// buildErnie4_5MoE builds ERNIE 4.5 with experts, chosen by probabilities with a correction, and some that every token uses.
func buildErnie4_5MoE(l *loader) *graph {
	h := l.withRouting(l.hparams(), softmax, true)
	h.sharedHidden = l.integerOr("expert_shared_count", 0) * h.expertHidden // the key for it has that of another part
	return l.routed(h, interleaved)
}

// routed is plain with experts in the layers that have some; h is of withRouting.
func (l *loader) routed(h hparams, neox bool) *graph {
	experts, layer := l.hasExperts(h.layers), 0
	return l.plain(h, neox, func(p string, h hparams) feedForward {
		layer++
		return l.routedFFN(p, h, experts[layer-1])
	})
}

// routedFFN loads the feed-forward part of a layer that has experts or not.
func (l *loader) routedFFN(p string, h hparams, experts bool) feedForward {
	if !experts {
		return l.gatedFFN(p, h, silu)
	}
	m := l.moe(p, h)
	if h.sharedHidden > 0 {
		l.sharedExpert(m, p, h, false)
	}
	return m
}
