package codec

import (
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
)

// Codec encodes and decodes one tensor type.
type Codec struct {
	Type gguf.Type
	// Decode fills dst from src: len(dst) elements, src holding as many encoded. It is the fastest code that the
	// processor has.
	Decode func(dst []float32, src []byte)
	// Encode fills dst from src, rows x cols row-major, cols a multiple of the block size. weights is nil or
	// holds one weight a column, finite and not negative. Elements must be finite.
	Encode func(dst []byte, src []float32, cols int, weights []float32)
	// IgnoresWeights says that Encode makes no use of weights.
	IgnoresWeights bool
	// Activations says that the format is for activations in dot products, not for files.
	Activations bool
}

// codecs lists the formats. A new one is a new file and a line here.
var codecs = accelerate(map[gguf.Type]*Codec{
	gguf.F32:  {Type: gguf.F32, Decode: decodeF32, Encode: encodeF32, IgnoresWeights: true},
	gguf.F16:  {Type: gguf.F16, Decode: decodeF16, Encode: encodeF16, IgnoresWeights: true},
	gguf.BF16: {Type: gguf.BF16, Decode: decodeBF16, Encode: encodeBF16, IgnoresWeights: true},
	gguf.Q4_0: {Type: gguf.Q4_0, Decode: decodeQ4_0, Encode: encodeQ4_0},
	gguf.Q4_1: {Type: gguf.Q4_1, Decode: decodeQ4_1, Encode: encodeQ4_1},
	gguf.Q5_0: {Type: gguf.Q5_0, Decode: decodeQ5_0, Encode: encodeQ5_0},
	gguf.Q5_1: {Type: gguf.Q5_1, Decode: decodeQ5_1, Encode: encodeQ5_1},
	gguf.Q8_0: {Type: gguf.Q8_0, Decode: decodeQ8_0, Encode: encodeQ8_0, IgnoresWeights: true},
	gguf.Q2_K: {Type: gguf.Q2_K, Decode: decodeQ2K, Encode: encodeQ2K},
	gguf.Q3_K: {Type: gguf.Q3_K, Decode: decodeQ3K, Encode: encodeQ3K},
	gguf.Q4_K: {Type: gguf.Q4_K, Decode: decodeQ4K, Encode: encodeQ4K},
	gguf.Q5_K: {Type: gguf.Q5_K, Decode: decodeQ5K, Encode: encodeQ5K},
	gguf.Q6_K: {Type: gguf.Q6_K, Decode: decodeQ6K, Encode: encodeQ6K},

	gguf.IQ2_XXS: {Type: gguf.IQ2_XXS, Decode: decodeIQ2XXS, Encode: encodeIQ2XXS},
	gguf.IQ2_XS:  {Type: gguf.IQ2_XS, Decode: decodeIQ2XS, Encode: encodeIQ2XS},
	gguf.IQ2_S:   {Type: gguf.IQ2_S, Decode: decodeIQ2S, Encode: encodeIQ2S},
	gguf.IQ3_XXS: {Type: gguf.IQ3_XXS, Decode: decodeIQ3XXS, Encode: encodeIQ3XXS},
	gguf.IQ3_S:   {Type: gguf.IQ3_S, Decode: decodeIQ3S, Encode: encodeIQ3S},
	gguf.IQ1_S:   {Type: gguf.IQ1_S, Decode: decodeIQ1S, Encode: encodeIQ1S},
	gguf.IQ1_M:   {Type: gguf.IQ1_M, Decode: decodeIQ1M, Encode: encodeIQ1M},
	gguf.IQ4_NL:  {Type: gguf.IQ4_NL, Decode: decodeIQ4NL, Encode: encodeIQ4NL},
	gguf.IQ4_XS:  {Type: gguf.IQ4_XS, Decode: decodeIQ4XS, Encode: encodeIQ4XS},
	gguf.TQ1_0:   {Type: gguf.TQ1_0, Decode: decodeTQ1, Encode: encodeTQ1, IgnoresWeights: true},
	gguf.TQ2_0:   {Type: gguf.TQ2_0, Decode: decodeTQ2, Encode: encodeTQ2, IgnoresWeights: true},
	gguf.MXFP4:   {Type: gguf.MXFP4, Decode: decodeMXFP4, Encode: encodeMXFP4, IgnoresWeights: true},
	gguf.NVFP4:   {Type: gguf.NVFP4, Decode: decodeNVFP4, Encode: encodeNVFP4, IgnoresWeights: true},
	gguf.Q1_0:    {Type: gguf.Q1_0, Decode: decodeQ1, Encode: encodeQ1, IgnoresWeights: true},
	gguf.Q2_0:    {Type: gguf.Q2_0, Decode: decodeQ2, Encode: encodeQ2, IgnoresWeights: true},
	gguf.Q8_1:    {Type: gguf.Q8_1, Decode: decodeQ8_1, Encode: encodeQ8_1, IgnoresWeights: true, Activations: true},
	gguf.Q8_K:    {Type: gguf.Q8_K, Decode: decodeQ8K, Encode: encodeQ8K, IgnoresWeights: true, Activations: true},
})

// accelerate puts the decoders and encoders of the processor's tiers in front of the generic ones.
func accelerate(codecs map[gguf.Type]*Codec) map[gguf.Type]*Codec {
	for t, c := range codecs {
		decode := byTier(c.Decode, func(tier cpu.Tier) func(dst []float32, src []byte) { return native[tier][t] })
		encode := byTier(c.Encode, func(tier cpu.Tier) encoder { return nativeEncoders[tier][t] })
		c.Decode = func(dst []float32, src []byte) { decode[cpu.Current()](dst, src) }
		c.Encode = func(dst []byte, src []float32, cols int, weights []float32) {
			encode[cpu.Current()](dst, src, cols, weights)
		}
	}
	return codecs
}

// encoder is Codec.Encode.
type encoder = func(dst []byte, src []float32, cols int, weights []float32)

// byTier lists the functions that tiers use, by tier. One that has none of its own, nil, takes that of the tier below it.
func byTier[F encoder | func(dst []float32, src []byte)](generic F, own func(cpu.Tier) F) []F {
	ladder := cpu.Ladder()
	list := make([]F, slices.Max(ladder)+1)
	for _, tier := range ladder {
		if f := own(tier); f != nil {
			generic = f
		}
		list[tier] = generic
	}
	return list
}

// For returns the codec of t, and whether there is one.
func For(t gguf.Type) (*Codec, bool) {
	c, ok := codecs[t]
	return c, ok
}

// eachBlock calls encode for every block of src with its place in dst and its weights, nil when there
// are none.
func eachBlock(dst []byte, src []float32, cols int, weights []float32, size, bytes int, encode func(dst []byte, x, weights []float32)) {
	col := 0
	for i := 0; i < len(src); i += size {
		var w []float32
		if weights != nil {
			w = weights[col : col+size : col+size]
		}
		encode(dst[:bytes:bytes], src[i:i+size:i+size], w)
		dst = dst[bytes:]
		if col += size; col == cols {
			col = 0
		}
	}
}
