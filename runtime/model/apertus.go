package model

import "github.com/carat-llm/carat/runtime/kernel"

// buildApertus builds Apertus: norms of the heads and xIELU without a gate, whose parameters are keys of their own.
func buildApertus(l *loader) *graph {
	h, layer := l.hparams(), 0
	positive, negative := l.floats("xielu.alpha_p", h.layers), l.floats("xielu.alpha_n", h.layers)
	beta, eps := l.floats("xielu.beta", h.layers), l.floats("xielu.eps", h.layers)
	return l.plain(h, halves, func(p string, h hparams) feedForward {
		act := kernel.XIELU(kernel.Softplus(positive[layer]), beta[layer]+kernel.Softplus(negative[layer]), beta[layer], eps[layer])
		layer++
		return l.plainFFN(p, h, activation{plain: act})
	}).blocks(func(p string, _ *block, a *attention) { l.headNorms(a, p) })
}

// floats reads a key without the architecture's name, with a number for each layer or one for all.
func (l *loader) floats(key string, layers int) []float32 {
	out := make([]float32, layers)
	v, _ := l.md.Get(key)
	switch list := v.(type) {
	case []float32:
		if len(list) == layers {
			return list
		}
	default:
		if f, ok := l.md.Float(key); ok {
			for i := range out {
				out[i] = float32(f)
			}
			return out
		}
	}
	l.fail("metadata %s is %v, expected %d numbers", key, v, layers)
	return out
}
