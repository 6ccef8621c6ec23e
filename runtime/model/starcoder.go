package model

// buildStarCoder builds StarCoder (GPT-BigCode): GPT-2 with a single head of keys and values.
func buildStarCoder(l *loader) *graph { return buildGPT2(l) }
