package model

import "github.com/carat-llm/carat/gguf"

// buildFalconH1 builds Falcon-H1: attention and Mamba-2 side by side in every layer. (The converter multiplies its factors into
// matrices.)
func buildFalconH1(l *loader) *graph {
	h, space := l.hparams(), l.ssm()
	g := &graph{ropes: l.ropes(h, halves)}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		ffnNorm := norm{weight: l.vector(p+"ffn_norm", h.width), eps: l.epsilon("attention.layer_norm_rms_epsilon")}
		g.layers = append(g.layers, &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: &bothMixers{l.attention(p, h), l.mamba2(p, h.width, space)},
			ffnNorm: ffnNorm, ffn: l.gatedFFN(p, h, silu),
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}

// bothMixers are two mixers of the same activations, whose results are added.
type bothMixers struct{ first, second mixer }

type bothStates struct{ first, second state }

func (b *bothStates) Bytes() int64 { return b.first.Bytes() + b.second.Bytes() }
func (b *bothStates) save()        { b.first.save(); b.second.save() }
func (b *bothStates) copyFrom(from state, n int) {
	f := from.(*bothStates)
	b.first.copyFrom(f.first, n)
	b.second.copyFrom(f.second, n)
}
func (b *bothStates) truncate(n int) int {
	return min(b.first.truncate(n), b.second.truncate(n)) // a session asks again with the smaller number
}

func (b *bothMixers) newState(positions int, kv gguf.Type) state {
	return &bothStates{b.first.newState(positions, kv), b.second.newState(positions, kv)}
}

func (b *bothMixers) stateBytes(positions int, kv gguf.Type) float64 {
	return b.first.stateBytes(positions, kv) + b.second.stateBytes(positions, kv)
}

func (b *bothMixers) mix(s *Session, dst, x []float32, n int, own state) {
	states, mark := own.(*bothStates), s.arena.mark()
	out := s.arena.floats(len(x))
	b.first.mix(s, dst, x, n, states.first)
	b.second.mix(s, out, x, n, states.second)
	s.pool.Add(dst, out)
	s.arena.release(mark)
}
