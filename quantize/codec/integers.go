package codec

import "github.com/carat-llm/carat/gguf"

// Integers says how the weights of a block format are integers with scales, which is how products are computed without
// decoding to floats. In a format without sub-scales a weight is
//
//	D * level + Min          D and Min for each Sub columns
//
// and in one with sub-scales, in super-blocks of 256,
//
//	D * scale * level - Min * minimum          scale and minimum for each Sub columns
//
// where level is Levels[code], or code - Offset. |scale * level| is at most 4096.
type Integers struct {
	// Sub is the number of columns, 16 or 32, that a scale holds for. D may hold for more than that and is then
	// repeated.
	Sub int
	// Bits is the width of a code: 1, 2, 3, 4, 5, 6 or 8.
	Bits int
	// Levels are the values of codes of at most 4 bits; nil when a level is the code less Offset.
	Levels *[16]int8
	Offset int
	// Scaled says that there are sub-scales, Minima that weights have a minimum.
	Scaled, Minima bool
	// Factor, a power of two, multiplies D, which without it is an F16 or, with BF16Scales, a BF16. 0 means 1.
	Factor     float32
	BF16Scales bool
	// Split takes one block of the format apart.
	Split func(p *Parts, block []byte)
}

// Parts are the integers and scales of one block, as many as its format has.
type Parts struct {
	Codes [256]uint8
	// D and Min hold for each Sub columns, or their first elements for a whole super-block with sub-scales.
	D, Min [16]float32
	Scales [16]int8  // sub-scales
	Minima [16]uint8 // of sub-blocks
}

// IntegersOf returns how t is integers, and false for the float types and those that are for activations.
func IntegersOf(t gguf.Type) (*Integers, bool) {
	f, ok := integers[t]
	return f, ok
}

// integers lists the formats.
var integers = map[gguf.Type]*Integers{
	gguf.Q4_0:    {Sub: 32, Bits: 4, Offset: 8, Split: integersQ4_0},
	gguf.Q4_1:    {Sub: 32, Bits: 4, Minima: true, Split: integersQ4_1},
	gguf.Q5_0:    {Sub: 32, Bits: 5, Offset: 16, Split: integersQ5_0},
	gguf.Q5_1:    {Sub: 32, Bits: 5, Minima: true, Split: integersQ5_1},
	gguf.Q8_0:    {Sub: 32, Bits: 8, Offset: 128, Split: integersQ8_0},
	gguf.IQ4_NL:  {Sub: 32, Bits: 4, Levels: levelsOf(&iq4Values, 1), Split: integersIQ4NL},
	gguf.MXFP4:   {Sub: 32, Bits: 4, Levels: levelsOf(&fp4Values, 1), BF16Scales: true, Split: integersMXFP4},
	gguf.NVFP4:   {Sub: 16, Bits: 4, Levels: levelsOf(&fp4Values, 1), BF16Scales: true, Split: integersNVFP4},
	gguf.Q1_0:    {Sub: 32, Bits: 1, Levels: &[16]int8{-1, 1}, Split: integersQ1},
	gguf.Q2_0:    {Sub: 32, Bits: 2, Offset: 1, Split: integersQ2},
	gguf.TQ1_0:   {Sub: 32, Bits: 2, Offset: 1, Split: integersTQ1},
	gguf.TQ2_0:   {Sub: 32, Bits: 2, Offset: 1, Split: integersTQ2},
	gguf.Q2_K:    {Sub: 16, Bits: 2, Scaled: true, Minima: true, Split: integersQ2K},
	gguf.Q3_K:    {Sub: 16, Bits: 3, Offset: 4, Scaled: true, Split: integersQ3K},
	gguf.Q4_K:    {Sub: 32, Bits: 4, Scaled: true, Minima: true, Split: integersQ4K},
	gguf.Q5_K:    {Sub: 32, Bits: 5, Scaled: true, Minima: true, Split: integersQ5K},
	gguf.Q6_K:    {Sub: 16, Bits: 6, Offset: 32, Scaled: true, Split: integersQ6K},
	gguf.IQ4_XS:  {Sub: 32, Bits: 4, Levels: levelsOf(&iq4Values, 1), Scaled: true, Split: integersIQ4XS},
	gguf.IQ3_XXS: {Sub: 32, Bits: 4, Levels: levelsOf(&iq3xxsSigned, 1), Factor: 1. / 4, Scaled: true, Split: integersIQ3XXS},
	gguf.IQ3_S:   {Sub: 32, Bits: 4, Levels: levelsOf(&iq3sSigned, 1), Scaled: true, Split: integersIQ3S},
	gguf.IQ2_XXS: {Sub: 32, Bits: 3, Levels: threeBits(levelsOf(&iq2Values, 1)), Factor: 1. / 8, Scaled: true, Split: integersIQ2XXS},
	gguf.IQ2_XS:  {Sub: 16, Bits: 3, Levels: threeBits(levelsOf(&iq2Values, 1)), Factor: 1. / 8, Scaled: true, Split: integersIQ2XS},
	gguf.IQ2_S:   {Sub: 16, Bits: 3, Levels: threeBits(levelsOf(&iq2Values, 1)), Factor: 1. / 8, Scaled: true, Split: integersIQ2S},
	gguf.IQ1_S:   {Sub: 32, Bits: 3, Levels: levelsOf(&iq1Values, 8), Factor: 1. / 8, Scaled: true, Split: integersIQ1S},
	gguf.IQ1_M:   {Sub: 16, Bits: 3, Levels: levelsOf(&iq1Values, 8), Factor: 1. / 8, Scaled: true, Split: integersIQ1M},
}

// levelsOf returns values times factor, which are integers.
func levelsOf(values *[16]float32, factor float32) *[16]int8 {
	var l [16]int8
	for i, v := range values {
		l[i] = int8(v * factor)
	}
	return &l
}

// threeBits moves the levels from 8 on to 4 and up: codes whose sign is their third bit.
func threeBits(levels *[16]int8) *[16]int8 {
	copy(levels[4:8], levels[8:])
	return levels
}
