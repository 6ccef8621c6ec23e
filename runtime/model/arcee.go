package model

// buildArcee builds Arcee (AFM): Llama with squared ReLU and no gate.
func buildArcee(l *loader) *graph {
	return l.plain(l.hparams(), interleaved, func(p string, h hparams) feedForward { return l.plainFFN(p, h, reluSquared) })
}
