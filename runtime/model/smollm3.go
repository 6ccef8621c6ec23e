package model

// buildSmolLM3 builds SmolLM3: Llama in which every fourth layer has no positions.
func buildSmolLM3(l *loader) *graph {
	layer := 0
	return buildPlain(l, false, noExperts).blocks(func(_ string, _ *block, a *attention) {
		if layer++; layer%4 == 0 {
			a.rope = noRope
		}
	})
}
