package model

import (
	"math"
)

// buildT5 builds T5: an encoder of the input (see Session.Encode) and a decoder, whose tokens see the whole input, too. Scores are not
// scaled; what depends on the distance of tokens is added to them, the same in all layers of each, or by a table for each (UMT5).
func buildT5(l *loader) *graph {
	h := l.hparams()
	start := l.startToken()
	buckets := l.count("attention.relative_buckets_count")
	g := &graph{start: start, source: &graph{width: h.width, norm: l.rmsNorm("enc.output_norm", h.width)}}
	const encoderBias, decoderBias = 1, 2
	g.biases = []positionBias{l.relativeBias("enc.blk.0.", h.heads, buckets, true), l.relativeBias("dec.blk.0.", h.heads, buckets, false)}
	own := func(i int, p string, first int) int { // UMT5 has one for each layer
		if i == 0 || !l.has(p+"attn_rel_b.weight") {
			return first
		}
		g.biases = append(g.biases, l.relativeBias(p, h.heads, buckets, first == encoderBias))
		return len(g.biases)
	}
	for i := range h.layers {
		p := "enc." + layerName(i)
		a := l.t5Attention(p+"attn_", h)
		a.encoder, a.bias = true, own(i, p, encoderBias)
		g.source.layers = append(g.source.layers, &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a, ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: l.t5FFN(p, h),
		})
	}
	for i := range l.countOr("decoder_block_count", h.layers) {
		if l.err != nil { // the number may be any
			break
		}
		p := "dec." + layerName(i)
		a := l.t5Attention(p+"attn_", h)
		a.bias = own(i, p, decoderBias)
		g.layers = append(g.layers, &block{attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a}, &block{
			attnNorm: l.rmsNorm(p+"cross_attn_norm", h.width), mixer: &crossAttention{l.t5Attention(p+"cross_attn_", h)},
			ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: l.t5FFN(p, h),
		})
	}
	if !l.has("output.weight") {
		g.outputScale = float32(1 / math.Sqrt(float64(h.width))) // of models whose output is the embedding
	}
	return g.finish(l, h, l.rmsNorm("dec.output_norm", h.width))
}

// startToken reads what the decoder's sequence begins with; llama.cpp, too, takes 0, T5's padding, where the key is missing.
func (l *loader) startToken() int32 {
	const name = "decoder_start_token_id"
	if !l.given(name) {
		return 0
	}
	id, ok := l.md.Int(l.key(name))
	if !ok || id < 0 || id > math.MaxInt32 {
		v, _ := l.value(name)
		l.fail("metadata %s is %v, expected a token", l.key(name), v)
		return 0
	}
	return int32(id)
}

func (l *loader) t5Attention(p string, h hparams) *attention {
	a := h.attention()
	a.scale, a.rope = 1, noRope
	a.q, a.k = l.linear(p+"q", h.width, h.heads*h.dim), l.linear(p+"k", h.width, h.kvHeads*h.dim)
	a.v, a.out = l.linear(p+"v", h.width, h.kvHeads*h.valueDim), l.linear(p+"o", h.heads*h.valueDim, h.width)
	return a
}

// t5FFN loads the feed-forward part: GELU with a gate in T5 1.1 and its like, ReLU without one in T5.
func (l *loader) t5FFN(p string, h hparams) feedForward {
	if l.has(p + "ffn_gate.weight") {
		return l.gatedFFN(p, h, gelu)
	}
	return l.plainFFN(p, h, relu)
}
