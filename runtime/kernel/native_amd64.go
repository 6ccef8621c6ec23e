//go:build amd64 && gc && !noasm && !purego

package kernel

import "github.com/carat-llm/carat/internal/cpu"

// native has what tiers add.
var native = map[cpu.Tier]func(t *tier){
	cpu.AVX2: func(t *tier) {
		t.vectors, t.products, t.dense = vectorsAVX2, productsAVX2, denseAVX2
	},
	cpu.AVXVNNI: func(t *tier) {
		t.narrow, t.wide, t.bytes = tileNarrowAVXVNNI, tileWideAVXVNNI, tileBytesAVXVNNI
	},
	cpu.AVX512: func(t *tier) { t.vectors, t.products, t.dense = vectorsAVX512, productsAVX512, denseAVX512 },
	cpu.AMX: func(t *tier) {
		t.tilesBF16, t.toBF16, t.roundBF16, t.transpose = tilesBF16AMX, toBF16AVX512, roundBF16Row, transposeBlocks
		t.attentionBF16, t.exact = attentionAMX, tileExactAMX
	},
}
