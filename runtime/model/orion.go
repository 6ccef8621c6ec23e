package model

// buildOrion builds Orion: Llama with LayerNorms and rotary positions in halves, as StableLM.
func buildOrion(l *loader) *graph { return buildStableLM(l) }
