package model

// buildQwen2 builds Qwen2 and Qwen2.5: Llama with biases on q, k and v and rotary positions in halves.
func buildQwen2(l *loader) *graph { return buildPlain(l, true, noExperts) }
