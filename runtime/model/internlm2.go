package model

// buildInternLM2 builds InternLM2: Llama.
func buildInternLM2(l *loader) *graph { return buildPlain(l, interleaved, noExperts) }
