package model

import (
	"math"

	"github.com/carat-llm/carat/runtime/kernel"
)

// buildGemma3 builds the text part of Gemma 3: norms before and after each part, embeddings scaled by
// the root of the width, head norms, GELU gates, and five layers with a sliding window and their own
// rotary base for each layer that sees everything. (The converter adds 1 to the norms' weights.)
func buildGemma3(l *loader) *graph {
	g := l.gemma3(false)
	g.softcap = l.softcap("final_logit_softcapping")
	return g
}

// gemma3 builds Gemma 3 as a decoder or as an encoder.
func (l *loader) gemma3(encoder bool) *graph {
	h := l.hparams()
	global := l.rope(h, true)
	local := kernel.Rope{Dims: global.Dims, Neox: true, Base: l.base("rope.freq_base_swa"),
		Magnitude: l.factor("rope.scaling.attn_factor")} // scaling is for the layers that see everything
	const globalRope, localRope = 0, 1
	g := &graph{encoder: encoder, ropes: []kernel.Rope{global, local}, scale: float32(math.Sqrt(float64(h.width)))}
	pattern := l.countOr("attention.sliding_window_pattern", 6)
	window := l.count("attention.sliding_window")
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.attention(p, h)
		l.headNorms(a, p)
		a.rope, a.encoder = globalRope, encoder
		if (i+1)%pattern != 0 {
			a.rope, a.window = localRope, window
		}
		if h.layers == gemma3Layers27B {
			a.scale = float32(1 / math.Sqrt(float64(h.width/h.heads)))
		}
		g.layers = append(g.layers, &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a, postAttn: l.rmsNorm(p+"post_attention_norm", h.width),
			ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: l.gatedFFN(p, h, gelu), postFFN: l.rmsNorm(p+"post_ffw_norm", h.width),
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}

// gemma3Layers27B marks the one size whose attention scale (query_pre_attn_scalar) is not of the head's
// length; GGUF has no key for it.
const gemma3Layers27B = 62
