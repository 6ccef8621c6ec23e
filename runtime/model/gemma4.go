package model

import (
	"math"

	"github.com/carat-llm/carat/runtime/kernel"
)

// buildGemma4 builds the text part of Gemma 4: norms before and behind each part and of the heads of q, k and v, scores that are not
// scaled, and layers with a window, which have shorter heads and their own rotary base, among those that see everything. The small sizes
// add an input of its own to each layer; their last layers use the keys and values of earlier ones.
func buildGemma4(l *loader) *graph {
	h := l.hparams()
	if l.integerOr("expert_count", 0) > 0 {
		h = l.withExperts(h, true)
	}
	g := &graph{scale: float32(math.Sqrt(float64(h.width))), softcap: l.softcap("final_logit_softcapping"), perLayer: l.perLayerInputs(h)}
	window, sliding := l.count("attention.sliding_window"), l.slidingLayers(h.layers, 6)
	short := h
	short.dim, short.valueDim = l.countOr("attention.key_length_swa", h.dim), l.countOr("attention.value_length_swa", h.valueDim)
	global := l.rope(h, halves)
	local := l.localRope(global)
	if local.Dims = l.countOr("rope.dimension_count_swa", short.dim); local.Dims%2 != 0 || local.Dims > short.dim {
		l.fail("metadata %s is %d, expected an even number of at most %d", l.key("rope.dimension_count_swa"), local.Dims, short.dim)
	}
	const globalRope, localRope = 0, 1
	g.ropes = append(g.ropes, global, local)
	sources := sharedSources(sliding, l.sharedLayers(h.layers))
	for i := range h.layers {
		p, sizes := layerName(i), h
		if sliding[i] {
			sizes = short
		}
		sizes = sizes.layer(i)
		a := l.gemmaAttention(p, sizes, i, sources[i])
		if a.rope = globalRope; sliding[i] {
			a.rope, a.window = localRope, window
		}
		b := &gemma4Layer{block: block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a, postAttn: l.rmsNorm(p+"post_attention_norm", h.width),
			ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: l.gatedFFN(p, sizes, gelu), postFFN: l.rmsNorm(p+"post_ffw_norm", h.width),
		}, scale: 1}
		if l.has(p + "ffn_gate_inp.weight") {
			b.ffn, b.ffnNorm = l.denseAndExperts(p, sizes, b.ffn.(*ffn), b.ffnNorm), norm{}
		}
		if g.perLayer != nil {
			gate := l.perLayerGate(p, i, h, g.perLayer.size)
			b.input = &gate
		}
		if scale := l.vectorIf(p+"layer_output_scale.weight", 1); scale != nil {
			b.scale = scale[0]
		}
		g.layers = append(g.layers, b)
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}

// gemmaAttention loads attention whose scores are not scaled, with norms of the heads, that of v without weights. Without attn_v, values
// are keys before their norm. A layer whose keys and values are those of another one, source, has matrices for q only.
func (l *loader) gemmaAttention(p string, h hparams, layer, source int) *attention {
	a := h.attention()
	a.scale = 1
	a.q, a.out = l.linear(p+"attn_q", h.width, h.heads*h.dim), l.linear(p+"attn_output", h.heads*h.valueDim, h.width)
	a.qNorm = l.rmsNorm(p+"attn_q_norm", h.dim)
	if source != layer {
		a.share(source)
		l.sharesKV = true
		for _, name := range []string{"attn_k.weight", "attn_v.weight", "attn_k_norm.weight"} { // some files have them all the same
			l.asked[p+name] = true
		}
		return a
	}
	a.k, a.kNorm, a.vNorm = l.linear(p+"attn_k", h.width, h.kvHeads*h.dim), l.rmsNorm(p+"attn_k_norm", h.dim), l.plainRMSNorm(h.valueDim)
	if h.dim != h.valueDim || l.has(p+"attn_v.weight") {
		a.v = l.linear(p+"attn_v", h.width, h.kvHeads*h.valueDim)
	}
	return a
}

// gemma4Layer is a block, behind which the layer's own input of each token is added and the stream is scaled.
type gemma4Layer struct {
	block
	input *perLayerGate // nil: there is none
	scale float32       // of the stream
}

func (b *gemma4Layer) forward(s *Session, x, left []float32, n int, own state) {
	b.block.forward(s, x, left, n, own)
	if b.input != nil {
		s.pool.Add(x, left)
		b.input.apply(s, left, x, n)
	}
	if b.scale != 1 {
		s.pool.Scale(x, b.scale)
		s.pool.Scale(left, b.scale)
	}
}

// denseAndExperts is a feed-forward part and experts side by side, each with norms before and behind it. The router sees the activations
// with a norm of its own, whose weights are scaled by the root of the width.
type denseAndExperts struct {
	dense                    *ffn
	experts                  *moe
	denseNorm, postDense     norm
	expertsNorm, postExperts norm
	routerNorm               norm
}

func (l *loader) denseAndExperts(p string, h hparams, dense *ffn, denseNorm norm) *denseAndExperts {
	d := &denseAndExperts{dense: dense, denseNorm: denseNorm, postDense: l.rmsNorm(p+"post_ffw_norm_1", h.width), experts: l.moe(p, h),
		expertsNorm: l.rmsNorm(p+"pre_ffw_norm_2", h.width), postExperts: l.rmsNorm(p+"post_ffw_norm_2", h.width)}
	d.routerNorm = norm{weight: l.vector(p+"ffn_gate_inp.scale", h.width), eps: denseNorm.eps}
	kernel.Scale(d.routerNorm.weight, float32(1/math.Sqrt(float64(h.width))))
	d.experts.factors = l.vectorIf(p+"ffn_down_exps.scale", h.experts)
	for e := range d.experts.experts {
		d.experts.experts[e].act = gelu
	}
	return d
}

func (d *denseAndExperts) apply(s *Session, dst, x []float32, n int) {
	mark := s.arena.mark()
	h, routed, out := s.arena.floats(len(x)), s.arena.floats(len(x)), s.arena.floats(len(x))
	d.denseNorm.apply(s, h, x)
	d.dense.apply(s, dst, h, n)
	d.postDense.apply(s, dst, dst)
	d.expertsNorm.apply(s, h, x)
	d.routerNorm.apply(s, routed, x)
	d.experts.applyRouted(s, out, h, routed, n)
	d.postExperts.apply(s, out, out)
	s.pool.Add(dst, out)
	s.arena.release(mark)
}
