package model

// buildEXAONE builds EXAONE 3: Llama with rotary positions in halves.
func buildEXAONE(l *loader) *graph { return buildPlain(l, halves, noExperts) }
