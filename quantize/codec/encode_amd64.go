//go:build amd64 && gc && !noasm && !purego

package codec

import (
	"maps"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
)

//go:generate go -C _gen run . ..

// nativeEncoders has the encoders with assembly of each tier. Their bytes are those of the generic ones.
var nativeEncoders = map[cpu.Tier]map[gguf.Type]encoder{
	cpu.AVX2:   withIQ(lanesAVX2.encoders(), iqLanesAVX2),
	cpu.AVX512: withIQ(lanesAVX512.encoders(), iqLanesAVX512),
}

// withIQ adds the encoders of the IQ formats.
func withIQ(encoders map[gguf.Type]encoder, k *iqLanes) map[gguf.Type]encoder {
	maps.Copy(encoders, k.encoders())
	return encoders
}

func (k *lanes) encoders() map[gguf.Type]encoder {
	return map[gguf.Type]encoder{
		gguf.Q4_0: k.encodeSymmetric(gguf.Q4_0, 8, encodeQ4_0, packQ4_0, weighedQ4_0),
		gguf.Q4_1: k.encodeAffineBlocks(gguf.Q4_1, 15, encodeQ4_1, packQ4_1, weighedQ4_1),
		gguf.Q5_0: k.encodeSymmetric(gguf.Q5_0, 16, encodeQ5_0, packQ5_0, weighedQ5_0),
		gguf.Q5_1: k.encodeAffineBlocks(gguf.Q5_1, 31, encodeQ5_1, packQ5_1, weighedQ5_1),
		gguf.Q8_0: k.encodeBlocks(gguf.Q8_0, 1, encodeQ8_0),
		gguf.Q2_K: k.encodeAffine(&q2K, 84, packQ2K, encodeQ2KBlock),
		gguf.Q3_K: k.encodeQ3K,
		gguf.Q4_K: k.encodeAffine(&q4K, 144, packQ4K, encodeQ4KBlock),
		gguf.Q5_K: k.encodeAffine(&q5K, 176, packQ5K, encodeQ5KBlock),
		gguf.Q6_K: k.encodeQ6K,

		gguf.F32:   copyToF32,
		gguf.F16:   k.encodeBlocks(gguf.F16, 16, encodeF16),
		gguf.BF16:  k.encodeBlocks(gguf.BF16, 16, encodeBF16),
		gguf.MXFP4: k.encodeBlocks(gguf.MXFP4, 1, encodeMXFP4),
		gguf.TQ1_0: k.encodeTQ1,
		gguf.TQ2_0: k.encodeTQ2,
		gguf.Q1_0:  k.encodeQ1,
		gguf.Q2_0:  k.encodeQ2,
	}
}
