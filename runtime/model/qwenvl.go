package model

// buildQwen2VL builds the text part of Qwen2-VL and Qwen2.5-VL: Qwen2 whose rotary pairs are shared among the three axes of images.
// The three positions of a text's token are the same, so that its pairs turn as in Qwen2.
func buildQwen2VL(l *loader) *graph {
	l.value("rope.dimension_sections")
	return buildQwen2(l)
}

// buildQwen3VL builds the text part of Qwen3-VL. Its first layers also add features of images, of which text has none.
func buildQwen3VL(l *loader) *graph {
	l.value("rope.dimension_sections")
	l.value("n_deepstack_layers")
	return buildQwen3(l)
}

// buildQwen3VLMoE builds the text part of Qwen3-VL with experts.
func buildQwen3VLMoE(l *loader) *graph {
	l.value("rope.dimension_sections")
	l.value("n_deepstack_layers")
	return buildQwen3MoE(l)
}
