package model

import "github.com/carat-llm/carat/runtime/kernel"

// ffn is the feed-forward part of most models: down(act(gate(x)) * up(x)), or down(act(up(x))) without a gate.
type ffn struct {
	gate, up, down linear // width -> hidden twice, hidden -> width; gate.w is nil when there is no gate
	act            activation
	downNorm       norm // of what down multiplies; without weight there is none
}

// activation is an activation function.
type activation struct {
	gated func(p *kernel.Pool, gate, up []float32) // gate = act(gate) * up
	plain func(p *kernel.Pool, x []float32)        // x = act(x)
}

var (
	silu = activation{gated: (*kernel.Pool).SwiGLU}
	gelu = activation{gated: (*kernel.Pool).GeGLU, plain: (*kernel.Pool).GELU} // the approximation with tanh

	exactGELU   = activation{gated: (*kernel.Pool).ExactGeGLU, plain: (*kernel.Pool).ExactGELU}
	relu        = activation{plain: (*kernel.Pool).ReLU}
	reluSquared = activation{plain: (*kernel.Pool).ReLUSquared}
)

// gatedFFN loads ffn_gate, ffn_up and ffn_down.
func (l *loader) gatedFFN(p string, h hparams, act activation) *ffn {
	return &ffn{
		gate: l.linear(p+"ffn_gate", h.width, h.hidden), up: l.linear(p+"ffn_up", h.width, h.hidden),
		down: l.linear(p+"ffn_down", h.hidden, h.width), act: act,
	}
}

// fusedFFN loads gate and up from the one matrix ffn_up, one after the other.
func (l *loader) fusedFFN(p string, h hparams, act activation) *ffn {
	parts := l.fused(p+"ffn_up", h.width, h.hidden, h.hidden)
	return &ffn{gate: parts[0], up: parts[1], down: l.linear(p+"ffn_down", h.hidden, h.width), act: act}
}

// plainFFN loads ffn_up and ffn_down.
func (l *loader) plainFFN(p string, h hparams, act activation) *ffn {
	return &ffn{up: l.linear(p+"ffn_up", h.width, h.hidden), down: l.linear(p+"ffn_down", h.hidden, h.width), act: act}
}

func (f *ffn) apply(s *Session, dst, x []float32, n int) {
	mark := s.arena.mark()
	up := s.arena.floats(n * f.up.w.Rows)
	if f.gate.w == nil {
		s.apply(x, n, output{up, &f.up})
		f.act.plain(s.pool, up)
		s.apply(up, n, output{dst, &f.down})
	} else {
		gate := s.arena.floats(n * f.gate.w.Rows)
		s.apply(x, n, output{gate, &f.gate}, output{up, &f.up})
		f.act.gated(s.pool, gate, up)
		if f.downNorm.weight != nil {
			f.downNorm.apply(s, gate, gate)
		}
		s.apply(gate, n, output{dst, &f.down})
	}
	s.arena.release(mark)
}
