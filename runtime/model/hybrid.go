package model

import "github.com/carat-llm/carat/gguf"

// buildJamba builds Jamba: attention without positions in some layers, in the others Mamba whose dt, B and C are normalised, and experts
// in every second layer.
func buildJamba(l *loader) *graph {
	h, space := l.hybridParams(), l.ssm()
	if l.given("expert_count") {
		h = l.withExperts(h, false)
	}
	g := &graph{}
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		b := &block{attnNorm: l.rmsNorm(p+"attn_norm", h.width), ffnNorm: l.rmsNorm(p+"ffn_norm", h.width)}
		if h.kvHeads > 0 {
			a := l.attention(p, h)
			a.rope = noRope
			b.mixer = a
		} else {
			m := l.mamba(p, h.width, space)
			m.lowNorm, m.bNorm = l.rmsNorm(p+"ssm_dt_norm", space.rank), l.rmsNorm(p+"ssm_b_norm", space.states)
			m.cNorm = l.rmsNorm(p+"ssm_c_norm", space.states)
			b.mixer = m
		}
		if h.experts > 0 && l.has(p+"ffn_gate_inp.weight") {
			b.ffn = l.moe(p, h)
		} else {
			b.ffn = l.gatedFFN(p, h, silu)
		}
		g.layers = append(g.layers, b)
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}

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

// buildGraniteHybrid builds Granite 4 and Bamba: attention in some layers, in the others Mamba-2, and in some sizes experts with one that
// every token uses. Whether positions are turned is said by a key of another name.
func buildGraniteHybrid(l *loader) *graph {
	h, space := l.hybridParams(), l.ssm()
	g := &graph{ropes: l.ropes(h, interleaved)}
	turned := l.flag("rope.scaling.finetuned", true)
	if l.integerOr("expert_count", 0) > 0 {
		h = l.withExperts(h, true)
	} else {
		l.value("expert_used_count")
	}
	shared := l.integerOr("expert_shared_feed_forward_length", 0)
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		b := &block{attnNorm: l.rmsNorm(p+"attn_norm", h.width), ffnNorm: l.rmsNorm(p+"ffn_norm", h.width)}
		if l.has(p+"attn_q.weight") || h.kvHeads > 0 {
			a := l.attention(p, l.headsOf(p, h))
			if !turned {
				a.rope = noRope
			}
			b.mixer = a
		} else {
			b.mixer = l.mamba2(p, h.width, space)
		}
		if h.experts > 0 {
			m := l.moe(p, h)
			if h.sharedHidden = shared; shared > 0 {
				l.sharedExpert(m, p, h, false)
			}
			b.ffn = m
		} else {
			b.ffn = l.gatedFFN(p, h, silu)
		}
		g.layers = append(g.layers, b)
	}
	return l.graniteFactors(g.finish(l, h, l.rmsNorm("output_norm", h.width)))
}

// headsOf is h with the key-value heads that the key matrix has, where the metadata say 0.
func (l *loader) headsOf(p string, h hparams) hparams {
	if h.kvHeads == 0 {
		if h.kvHeads = l.rows(p+"attn_k.weight") / max(1, h.dim); h.kvHeads == 0 || h.heads%h.kvHeads != 0 {
			l.fail("tensor %sattn_k.weight: %d attention heads are not a multiple of %d key-value heads", p, h.heads, h.kvHeads)
			h.kvHeads = h.heads
		}
	}
	return h
}

// buildNemotronH builds Nemotron-H and Nemotron 3: each layer is either Mamba-2, attention without positions, or a feed-forward part with
// squared ReLU and no gate, which may have experts, behind a narrower vector in some sizes.
func buildNemotronH(l *loader) *graph {
	h, space := l.hybridParams(), l.ssm()
	eps := l.anyEpsilon()
	if l.given("expert_count") {
		h = l.withRouting(h, sigmoid, true)
	}
	latent := l.integerOr("moe_latent_size", 0)
	l.value("rope.dimension_count") // nothing is turned
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
