package model

import "github.com/carat-llm/carat/runtime/kernel"

// convolution is a causal one over tokens, of each channel by itself: bias + the sum of taps times the last tokens' elements.
type convolution struct {
	taps     [][]float32 // of the tokens from the earliest to the current one, an element for each channel
	bias     []float32   // nil: none
	channels int
	act      bool // SiLU of the result
}

// convolution loads name.weight, width x channels, and name.bias when there is one.
func (l *loader) convolution(name string, width, channels int, act bool) convolution {
	bias := l.vectorIf(name+".bias", channels)
	return convolution{taps: l.columns(name+".weight", width, channels), bias: bias, channels: channels, act: act}
}

// history is the number of elements of tokens before the current ones that are needed.
func (c *convolution) history() int { return (len(c.taps) - 1) * c.channels }

// apply computes n rows of x into dst, which follow the tokens of past, and moves past behind them.
func (c *convolution) apply(s *Session, dst, x, past []float32, n int) {
	s.convolving = convolving{c, dst, x, past, n}
	s.pool.Do((c.channels+convolved-1)/convolved, &s.convolving)
}

// convolving is the task of convolution.apply.
type convolving struct {
	*convolution
	dst, x, past []float32
	n            int
}

// convolved is the number of channels of a chunk.
const convolved = 64

// Chunk implements kernel.Task.
func (t *convolving) Chunk(_ *kernel.Scratch, chunk int) {
	first, end := chunk*convolved, min(t.channels, (chunk+1)*convolved)
	before := len(t.taps) - 1
	// row is that of token i of x, negative for those before.
	row := func(i int) []float32 {
		if i < 0 {
			return t.past[(before+i)*t.channels:][first:end]
		}
		return t.x[i*t.channels:][first:end]
	}
	for i := range t.n {
		out := t.dst[i*t.channels:][first:end]
		if clear(out); t.bias != nil {
			copy(out, t.bias[first:end])
		}
		for j, taps := range t.taps {
			for c, v := range row(i + j - before) {
				out[c] += float32(v * taps[first+c])
			}
		}
		if t.act {
			kernel.SiLU(out)
		}
	}
	for i := range before { // from the earliest on, so that nothing is overwritten that is still needed
		copy(t.past[i*t.channels:][first:end], row(t.n-before+i))
	}
}
