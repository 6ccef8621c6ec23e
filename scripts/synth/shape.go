package main

import (
	"maps"
	"slices"
	"strings"
)

// shape is what the weights of a Llama have in number.
type shape struct {
	layers, width, heads, kvHeads, ffn, vocab int64
	// tied models compute logits with the token embedding and have no output.weight.
	tied bool
}

// headWidth is the elements of one head's query.
func (s shape) headWidth() int64 { return s.width / s.heads }

var shapes = map[string]shape{
	// SmolLM2-135M: widths that are multiples of 64, not of 256, so that K-quants fall back.
	"135m":    {layers: 30, width: 576, heads: 9, kvHeads: 3, ffn: 1536, vocab: 49152, tied: true},
	"1b":      {layers: 16, width: 2048, heads: 32, kvHeads: 8, ffn: 8192, vocab: 32000},
	"quarter": {layers: 4, width: 2048, heads: 32, kvHeads: 8, ffn: 8192, vocab: 8000},    // of 1b, to quantize in less time
	"7b":      {layers: 32, width: 4096, heads: 32, kvHeads: 8, ffn: 14336, vocab: 32000}, // Mistral 7B
	// tiny is for tests.
	"tiny": {layers: 2, width: 256, heads: 4, kvHeads: 2, ffn: 512, vocab: 512},
}

func shapeNames() string {
	return strings.Join(slices.Sorted(maps.Keys(shapes)), ", ")
}
