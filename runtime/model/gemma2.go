package model

import "math"

// buildGemma2 builds Gemma 2: Gemma with norms before and after each part, limits of scores and logits, and a sliding window in
// every second layer, beginning with the first.
func buildGemma2(l *loader) *graph {
	softcap, window := l.softcap("attn_logit_softcapping"), l.count("attention.sliding_window")
	g, layer := buildGemma(l), 0
	g.softcap = l.softcap("final_logit_softcapping")
	return g.blocks(func(p string, b *block, a *attention) {
		b.postAttn, b.postFFN = l.rmsNorm(p+"post_attention_norm", g.width), l.rmsNorm(p+"post_ffw_norm", g.width)
		if a.softcap, a.window = softcap, 0; layer%2 == 0 {
			a.window = window
		}
		if len(g.layers) == gemma2Layers27B {
			a.scale = float32(1 / math.Sqrt(float64(g.width/a.heads)))
		}
		layer++
	})
}

// gemma2Layers27B marks the one size whose attention scale is not of the head's length; see gemma3Layers27B.
const gemma2Layers27B = 46
