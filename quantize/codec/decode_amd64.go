//go:build amd64 && gc && !noasm && !purego

package codec

import (
	"unsafe"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
)

// native has the decoders in assembly of each tier; the values are the generic ones to the bit, but for which NaN
// a NaN is. Every processor with AVX2 and FMA has the half-precision conversions (F16C) too.
var native = map[cpu.Tier]map[gguf.Type]func(dst []float32, src []byte){cpu.AVX2: decodersAVX2}

var decodersAVX2 = map[gguf.Type]func(dst []float32, src []byte){
	gguf.F32:    copyF32,
	gguf.F16:    decoder(gguf.F16, 8, decodeF16Asm, decodeF16),
	gguf.BF16:   decoder(gguf.BF16, 8, decodeBF16Asm, decodeBF16),
	gguf.Q4_0:   decoder(gguf.Q4_0, 1, decodeQ4x0Asm, nil),
	gguf.Q4_1:   decoder(gguf.Q4_1, 1, decodeQ4x1Asm, nil),
	gguf.Q5_0:   decoder(gguf.Q5_0, 1, decodeQ5x0Asm, nil),
	gguf.Q5_1:   decoder(gguf.Q5_1, 1, decodeQ5x1Asm, nil),
	gguf.Q8_0:   decoder(gguf.Q8_0, 1, decodeQ8x0Asm, nil),
	gguf.IQ4_NL: decoder(gguf.IQ4_NL, 1, decodeIQ4NLAsm, nil),
	gguf.IQ4_XS: decoder(gguf.IQ4_XS, 1, decodeIQ4XSAsm, nil),
	gguf.Q2_K:   decoder(gguf.Q2_K, 1, decodeQ2KAsm, nil),
	gguf.Q3_K:   decoder(gguf.Q3_K, 1, decodeQ3KAsm, nil),
	gguf.Q4_K:   decoder(gguf.Q4_K, 1, decodeQ4KAsm, nil),
	gguf.Q5_K:   decoder(gguf.Q5_K, 1, decodeQ5KAsm, nil),
	gguf.Q6_K:   decoder(gguf.Q6_K, 1, decodeQ6KAsm, nil),

	gguf.IQ1_S:   gridDecoder(gguf.IQ1_S, decodeIQ1SAsm),
	gguf.IQ1_M:   gridDecoder(gguf.IQ1_M, decodeIQ1MAsm),
	gguf.IQ2_XXS: gridDecoder(gguf.IQ2_XXS, decodeIQ2XXSAsm),
	gguf.IQ2_XS:  gridDecoder(gguf.IQ2_XS, decodeIQ2XSAsm),
	gguf.IQ2_S:   gridDecoder(gguf.IQ2_S, decodeIQ2SAsm),
	gguf.IQ3_XXS: gridDecoder(gguf.IQ3_XXS, decodeIQ3XXSAsm),
	gguf.IQ3_S:   gridDecoder(gguf.IQ3_S, decodeIQ3SAsm),

	gguf.TQ1_0: decoder(gguf.TQ1_0, 1, decodeTQ1Asm, nil),
	gguf.TQ2_0: decoder(gguf.TQ2_0, 1, decodeTQ2Asm, nil),
	gguf.Q1_0:  decoder(gguf.Q1_0, 1, decodeQ1Asm, nil),
	gguf.Q2_0:  decoder(gguf.Q2_0, 1, decodeQ2Asm, nil),
	gguf.MXFP4: decoder(gguf.MXFP4, 1, decodeMXFP4Asm, nil),
	gguf.NVFP4: decoder(gguf.NVFP4, 1, decodeNVFP4Asm, nil),
}

// decoder wraps assembly that decodes n units of unit blocks; the blocks left over are decoded by rest.
func decoder(t gguf.Type, unit int, decode func(dst *float32, src *byte, n int), rest func(dst []float32, src []byte)) func(dst []float32, src []byte) {
	size, bytes := unit*t.BlockSize(), unit*t.BlockBytes()
	return func(dst []float32, src []byte) {
		n := len(dst) / size
		if n > 0 {
			_ = src[n*bytes-1]
			decode(&dst[0], &src[0], n)
		}
		if left := dst[n*size:]; len(left) > 0 {
			rest(left, src[n*bytes:])
		}
	}
}

// gridDecoder wraps assembly that also needs the grid of the type.
func gridDecoder(t gguf.Type, decode func(dst *float32, src *byte, n int, grid *[8]uint8)) func(dst []float32, src []byte) {
	return decoder(t, 1, func(dst *float32, src *byte, n int) { decode(dst, src, n, &gridOf(t)[0]) }, nil)
}

// copyF32 copies: amd64 has the byte order of the file.
func copyF32(dst []float32, src []byte) {
	if len(dst) > 0 {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), 4*len(dst)), src)
	}
}

// Each function decodes n blocks from src to dst (8 elements a unit for F16 and BF16), as the generic code
// of the type does; its file has the layout. grid is gridOf the type.

//go:noescape
func decodeF16Asm(dst *float32, src *byte, n int)

//go:noescape
func decodeBF16Asm(dst *float32, src *byte, n int)

//go:noescape
func decodeQ4x0Asm(dst *float32, src *byte, n int)

//go:noescape
func decodeQ4x1Asm(dst *float32, src *byte, n int)

//go:noescape
func decodeQ5x0Asm(dst *float32, src *byte, n int)

//go:noescape
func decodeQ5x1Asm(dst *float32, src *byte, n int)

//go:noescape
func decodeQ8x0Asm(dst *float32, src *byte, n int)

//go:noescape
func decodeIQ4NLAsm(dst *float32, src *byte, n int)

//go:noescape
func decodeIQ4XSAsm(dst *float32, src *byte, n int)

//go:noescape
func decodeQ2KAsm(dst *float32, src *byte, n int)

//go:noescape
func decodeQ3KAsm(dst *float32, src *byte, n int)

//go:noescape
func decodeQ4KAsm(dst *float32, src *byte, n int)

//go:noescape
func decodeQ5KAsm(dst *float32, src *byte, n int)

//go:noescape
func decodeQ6KAsm(dst *float32, src *byte, n int)

//go:noescape
func decodeIQ1SAsm(dst *float32, src *byte, n int, grid *[8]uint8)

//go:noescape
func decodeIQ1MAsm(dst *float32, src *byte, n int, grid *[8]uint8)

//go:noescape
func decodeIQ2XXSAsm(dst *float32, src *byte, n int, grid *[8]uint8)

//go:noescape
func decodeIQ2XSAsm(dst *float32, src *byte, n int, grid *[8]uint8)

//go:noescape
func decodeIQ2SAsm(dst *float32, src *byte, n int, grid *[8]uint8)

//go:noescape
func decodeIQ3XXSAsm(dst *float32, src *byte, n int, grid *[8]uint8)

//go:noescape
func decodeIQ3SAsm(dst *float32, src *byte, n int, grid *[8]uint8)

//go:noescape
func decodeTQ1Asm(dst *float32, src *byte, n int)

//go:noescape
func decodeTQ2Asm(dst *float32, src *byte, n int)

//go:noescape
func decodeQ1Asm(dst *float32, src *byte, n int)

//go:noescape
func decodeQ2Asm(dst *float32, src *byte, n int)

//go:noescape
func decodeMXFP4Asm(dst *float32, src *byte, n int)

//go:noescape
func decodeNVFP4Asm(dst *float32, src *byte, n int)
