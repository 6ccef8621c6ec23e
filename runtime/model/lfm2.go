package model

import "github.com/carat-llm/carat/gguf"

// shortConvolution is the mixer of LFM2: out(c * conv(b * x)), with b, c and x from one matrix.
type shortConvolution struct {
	b, c, x, out linear // width -> width
	conv         convolution
}

func (m *shortConvolution) newState(int, gguf.Type) state { return newRecurrent(m.conv.history()) }

func (m *shortConvolution) stateBytes(int, gguf.Type) float64 {
	return recurrentBytes(m.conv.history())
}

func (m *shortConvolution) mix(s *Session, dst, x []float32, n int, own state) {
	mark := s.arena.mark()
	b, c, in := s.arena.floats(len(x)), s.arena.floats(len(x)), s.arena.floats(len(x))
	s.apply(x, n, output{b, &m.b}, output{c, &m.c}, output{in, &m.x})
	s.pool.Times(b, in)
	r := own.(*recurrent)
	tokens := r.begin()
	m.conv.apply(s, in, b, r.now, n)
	r.end(tokens + n)
	s.pool.Times(in, c)
	s.apply(in, n, output{dst, &m.out})
	s.arena.release(mark)
}

// buildLFM2 builds LFM2: short convolutions in most layers, in the others attention with norms of the heads. The last norm is called
// token_embd_norm.
func buildLFM2(l *loader) *graph { return l.lfm2(l.hybridParams()) }

// buildLFM2MoE builds LFM2 with experts behind the first layers.
func buildLFM2MoE(l *loader) *graph { return l.lfm2(l.withRouting(l.hybridParams(), sigmoid, true)) }

func (l *loader) lfm2(h hparams) *graph {
	g := &graph{ropes: l.ropes(h, halves)}
	width, window := l.count("shortconv.l_cache"), l.window()
	experts := l.hasExperts(h.layers)
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		b := &block{attnNorm: l.rmsNorm(p+"attn_norm", h.width), ffnNorm: l.rmsNorm(p+"ffn_norm", h.width)}
		if h.kvHeads > 0 {
			a := l.attention(p, h)
			l.headNorms(a, p)
			a.window = window
			b.mixer = a
		} else {
			in := l.fused(p+"shortconv.in_proj", h.width, h.width, h.width, h.width)
			b.mixer = &shortConvolution{b: in[0], c: in[1], x: in[2], out: l.linear(p+"shortconv.out_proj", h.width, h.width),
				conv: l.convolution(p+"shortconv.conv", width, h.width, false)}
		}
		b.ffn = l.routedFFN(p, h, h.experts > 0 && experts[i])
		g.layers = append(g.layers, b)
	}
	return g.finish(l, h, l.rmsNorm("token_embd_norm", h.width))
}
