//go:build amd64 && gc && !noasm && !purego

package kernel

import (
	"unsafe"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// decodersAVX2 are the types decoded in assembly; the values are the codec's to the bit. Every
// processor with AVX2 and FMA has the half-precision conversions (F16C) too.
var decodersAVX2 = map[gguf.Type]func(dst []float32, src []byte){
	gguf.F32:    copyF32,
	gguf.F16:    decoder(gguf.F16, 8, decodeF16Asm),
	gguf.BF16:   decoder(gguf.BF16, 8, decodeBF16Asm),
	gguf.Q4_0:   decoder(gguf.Q4_0, 1, decodeQ4x0Asm),
	gguf.Q4_1:   decoder(gguf.Q4_1, 1, decodeQ4x1Asm),
	gguf.Q5_0:   decoder(gguf.Q5_0, 1, decodeQ5x0Asm),
	gguf.Q5_1:   decoder(gguf.Q5_1, 1, decodeQ5x1Asm),
	gguf.Q8_0:   decoder(gguf.Q8_0, 1, decodeQ8x0Asm),
	gguf.IQ4_NL: decoder(gguf.IQ4_NL, 1, decodeIQ4NLAsm),
	gguf.IQ4_XS: decoder(gguf.IQ4_XS, 1, decodeIQ4XSAsm),
	gguf.Q2_K:   decoder(gguf.Q2_K, 1, decodeQ2KAsm),
	gguf.Q3_K:   decoder(gguf.Q3_K, 1, decodeQ3KAsm),
	gguf.Q4_K:   decoder(gguf.Q4_K, 1, decodeQ4KAsm),
	gguf.Q5_K:   decoder(gguf.Q5_K, 1, decodeQ5KAsm),
	gguf.Q6_K:   decoder(gguf.Q6_K, 1, decodeQ6KAsm),

	gguf.IQ1_S:   gridDecoder(gguf.IQ1_S, decodeIQ1SAsm),
	gguf.IQ1_M:   gridDecoder(gguf.IQ1_M, decodeIQ1MAsm),
	gguf.IQ2_XXS: gridDecoder(gguf.IQ2_XXS, decodeIQ2XXSAsm),
	gguf.IQ2_XS:  gridDecoder(gguf.IQ2_XS, decodeIQ2XSAsm),
	gguf.IQ2_S:   gridDecoder(gguf.IQ2_S, decodeIQ2SAsm),
	gguf.IQ3_XXS: gridDecoder(gguf.IQ3_XXS, decodeIQ3XXSAsm),
	gguf.IQ3_S:   gridDecoder(gguf.IQ3_S, decodeIQ3SAsm),

	gguf.TQ1_0: decoder(gguf.TQ1_0, 1, decodeTQ1Asm),
	gguf.TQ2_0: decoder(gguf.TQ2_0, 1, decodeTQ2Asm),
	gguf.Q1_0:  decoder(gguf.Q1_0, 1, decodeQ1Asm),
	gguf.Q2_0:  decoder(gguf.Q2_0, 1, decodeQ2Asm),
	gguf.MXFP4: decoder(gguf.MXFP4, 1, decodeMXFP4Asm),
	gguf.NVFP4: decoder(gguf.NVFP4, 1, decodeNVFP4Asm),
}

// decoder wraps assembly that decodes n units of unit blocks; blocks left over go to the codec.
func decoder(t gguf.Type, unit int, decode func(dst *float32, src *byte, n int)) func(dst []float32, src []byte) {
	c, _ := codec.For(t)
	size, bytes := unit*t.BlockSize(), unit*t.BlockBytes()
	return func(dst []float32, src []byte) {
		n := len(dst) / size
		if n > 0 {
			_ = src[n*bytes-1]
			decode(&dst[0], &src[0], n)
		}
		if rest := dst[n*size:]; len(rest) > 0 {
			c.Decode(rest, src[n*bytes:])
		}
	}
}

// gridDecoder wraps assembly that also needs the grid of the type.
func gridDecoder(t gguf.Type, decode func(dst *float32, src *byte, n int, grid *[8]uint8)) func(dst []float32, src []byte) {
	return decoder(t, 1, func(dst *float32, src *byte, n int) { decode(dst, src, n, &codec.Grid(t)[0]) })
}

// copyF32 copies: amd64 has the byte order of the file.
func copyF32(dst []float32, src []byte) {
	if len(dst) > 0 {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), 4*len(dst)), src)
	}
}

// Each function decodes n blocks from src to dst (8 elements a unit for F16 and BF16), as the codec of
// the type does; see quantize/codec for the layouts. grid is codec.Grid of the type.

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
