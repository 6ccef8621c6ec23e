package model

// buildNemotronH builds Nemotron-H and Nemotron 3: each layer is either Mamba-2, attention without positions, or a feed-forward part with
// squared ReLU and no gate, which may have experts, behind a narrower vector in some sizes.
func buildNemotronH(l *loader) *graph {
	h, space := l.hybridParams(), l.ssm()
	eps := l.anyEpsilon()
	if l.given("expert_count") {
		h = l.withRouting(h, sigmoid, true)
	}
	latent := l.integerOr("moe_latent_size", 0)
	l.value("rope.dimension_count") // nothing is rotated
	g := &graph{}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		n := norm{weight: l.vector(p+"attn_norm.weight", h.width), eps: eps}
		b := &block{}
		switch {
		case l.has(p + "ssm_in.weight"):
			b.attnNorm, b.mixer = n, l.mamba2(p, h.width, space)
		case l.has(p + "attn_q.weight"):
			a := l.attention(p, l.headsOf(p, h))
			a.rope = noRope
			b.attnNorm, b.mixer = n, a
		case l.has(p + "ffn_gate_inp.weight"):
			b.ffnNorm, b.ffn = n, l.plainExperts(p, h, latent)
		default:
			if h.hidden == 0 { // the metadata of some files know nothing of it
				h.hidden = max(1, l.rows(p+"ffn_up.weight"))
			}
			b.ffnNorm, b.ffn = n, l.plainFFN(p, h, reluSquared)
		}
		g.layers = append(g.layers, b)
	}
	return g.finish(l, h, norm{weight: l.vector("output_norm.weight", h.width), eps: eps})
}

// latentMoE is experts behind a narrower vector, of which the router and the shared expert know nothing.
type latentMoE struct {
	*moe
	down, up linear // width -> latent -> width; without them the experts see all
	shared   ffn
}

// plainExperts loads experts of squared ReLU without a gate.
func (l *loader) plainExperts(p string, h hparams, latent int) *latentMoE {
	m := &latentMoE{moe: &moe{routing: h.routing, used: h.usedExperts, choice: l.vectorIf(p+"exp_probs_b.bias", h.experts)}}
	m.router = l.linear(p+"ffn_gate_inp", h.width, h.experts)
	width := h.width
	if latent > 0 {
		width = latent
		m.down, m.up = l.linear(p+"ffn_latent_down", h.width, latent), l.linear(p+"ffn_latent_up", latent, h.width)
	}
	up, down := l.stacked(p+"ffn_up_exps", width, h.expertHidden, h.experts), l.stacked(p+"ffn_down_exps", h.expertHidden, width, h.experts)
	for e := range down {
		m.experts = append(m.experts, ffn{up: up[e], down: down[e], act: reluSquared})
	}
	m.shared = ffn{up: l.linear(p+"ffn_up_shexp", h.width, h.sharedHidden), down: l.linear(p+"ffn_down_shexp", h.sharedHidden, h.width), act: reluSquared}
	return m
}

func (m *latentMoE) apply(s *Session, dst, x []float32, n int) {
	mark := s.arena.mark()
	if m.down.w == nil {
		m.moe.apply(s, dst, x, n)
	} else {
		low := s.arena.floats(n * m.down.w.Rows)
		out := s.arena.floats(len(low))
		s.apply(x, n, output{low, &m.down})
		m.applyRouted(s, out, low, x, n)
		s.apply(out, n, output{dst, &m.up})
	}
	out := s.arena.floats(len(x))
	m.shared.apply(s, out, x, n)
	s.pool.Add(dst, out)
	s.arena.release(mark)
}
