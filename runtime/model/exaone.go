package model

// buildEXAONE builds EXAONE 3: Llama with rotary positions in halves. What is added in its norms is called as the config calls it in
// files of newer converters, layer_norm_epsilon.
func buildEXAONE(l *loader) *graph {
	const name = "attention.layer_norm_rms_epsilon"
	if v, ok := l.value("attention.layer_norm_epsilon"); ok && !l.given(name) {
		l.md = l.md.Clone()
		l.md.Set(l.key(name), v)
	}
	return buildPlain(l, halves, noExperts)
}
