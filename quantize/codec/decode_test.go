package codec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
	"github.com/stretchr/testify/require"
)

// halves are the offsets of float16 fields in a block.
var halves = map[gguf.Type][]int{
	gguf.F16: {0}, gguf.BF16: {0}, gguf.F32: {2}, gguf.Q4_0: {0}, gguf.Q4_1: {0, 2}, gguf.Q5_0: {0}, gguf.Q5_1: {0, 2},
	gguf.Q8_0: {0}, gguf.IQ4_NL: {0}, gguf.Q4_K: {0, 2}, gguf.Q5_K: {0, 2}, gguf.Q6_K: {208},
	gguf.Q2_K: {80, 82}, gguf.Q3_K: {108}, gguf.IQ4_XS: {0}, gguf.IQ2_XXS: {0}, gguf.IQ2_XS: {0}, gguf.IQ2_S: {0},
	gguf.IQ3_XXS: {0}, gguf.IQ3_S: {0}, gguf.IQ1_S: {0}, gguf.TQ1_0: {52}, gguf.TQ2_0: {64}, gguf.Q1_0: {0}, gguf.Q2_0: {0},
}

// fileTypes lists the types of weights in files, those that a matrix can have.
func fileTypes() (list []gguf.Type) {
	for typ := gguf.Type(0); typ < 64; typ++ {
		if c, ok := For(typ); ok && !c.Activations {
			list = append(list, typ)
		}
	}
	return list
}

// randomBlocks returns n blocks of random bytes, their float16 fields finite.
func randomBlocks(r *rand.Rand, typ gguf.Type, n int) []byte {
	src := make([]byte, n*typ.BlockBytes())
	for i := range src {
		src[i] = byte(r.Uint32())
	}
	for b := range n {
		block := src[b*typ.BlockBytes():]
		for _, at := range halves[typ] {
			block[at+1] &= 0xbb // exponents below the largest
		}
		if typ == gguf.IQ1_M {
			block[55] &= 0xbf
		}
	}
	return src
}

// requireBits compares bits: 0 is not -0, but any NaN is as good as another.
func requireBits(t *testing.T, want, got []float32, msg string) {
	t.Helper()
	require.Len(t, got, len(want), msg)
	for i, w := range want {
		if g := got[i]; math.Float32bits(w) != math.Float32bits(g) && (w == w || g == g) {
			require.Failf(t, "not what the generic code gives", "%s: element %d: want %g (%08x), got %g (%08x)", msg, i, w, math.Float32bits(w), g, math.Float32bits(g))
		}
	}
}

// requireDecodes decodes src with the tier in use between canaries and compares with the generic code.
func requireDecodes(t *testing.T, typ gguf.Type, src []byte, msg string) {
	t.Helper()
	c, ok := For(typ)
	require.True(t, ok)
	want := make([]float32, len(src)/typ.BlockBytes()*typ.BlockSize())
	restore := cpu.Force(cpu.Generic)
	c.Decode(want, src)
	restore()
	const margin, canary = 16, float32(-7777.25)
	all := slices.Repeat([]float32{canary}, len(want)+2*margin)
	c.Decode(all[margin:margin+len(want):margin+len(want)], src[:len(src):len(src)])
	requireBits(t, want, all[margin:margin+len(want)], msg)
	for i := range margin {
		require.Equal(t, canary, all[i], "written before the buffer")
		require.Equal(t, canary, all[margin+len(want)+i], "written behind the buffer")
	}
}

// TestDecodersMatchGeneric: random blocks decode to the bits of the generic code, for every number of blocks, with
// ordinary scales, with arbitrary ones and with each extreme.
func TestDecodersMatchGeneric(t *testing.T) {
	for _, tier := range cpu.Available() {
		defer cpu.Force(tier)()
		if tier == cpu.AVX2 {
			require.Len(t, native[tier], len(fileTypes()))
		}
		for typ := range native[tier] {
			t.Run(typ.String(), func(t *testing.T) {
				r := rand.New(rand.NewPCG(13, uint64(typ)))
				for _, n := range []int{0, 1, 2, 3, 7, 8, 9, 21, 300} {
					src := randomBlocks(r, typ, n)
					requireDecodes(t, typ, src, fmt.Sprintf("%d blocks", n))
					for i := range src {
						src[i] = byte(r.Uint32())
					}
					requireDecodes(t, typ, src, fmt.Sprintf("%d blocks with arbitrary scales", n))
				}
				src := randomBlocks(r, typ, 256)
				for b := range 256 { // every scale of one byte
					src[b*typ.BlockBytes()] = byte(b)
				}
				requireDecodes(t, typ, src, "first bytes")
				for _, half := range []uint16{0, 0x8000, 1, 0x83ff, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0xfe01} {
					src := randomBlocks(r, typ, 9)
					for b := range 9 {
						for _, at := range halves[typ] {
							src[b*typ.BlockBytes()+at], src[b*typ.BlockBytes()+at+1] = byte(half), byte(half>>8)
						}
					}
					requireDecodes(t, typ, src, fmt.Sprintf("scale %04x", half))
				}
			})
		}
	}
}

// FuzzDecoders decodes arbitrary blocks with every tier.
func FuzzDecoders(f *testing.F) {
	f.Add([]byte{0xff})
	f.Add([]byte{0, 0x7c, 1, 0xfe, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		for _, tier := range cpu.Available() {
			defer cpu.Force(tier)()
			for typ := range native[tier] {
				src := make([]byte, 9*typ.BlockBytes())
				for i := range src {
					src[i] = b[i%len(b)]
				}
				requireDecodes(t, typ, src, typ.String())
			}
		}
	})
}

// BenchmarkDecode reports MB/s of float32 written, for every type and tier. 16 rows of 1024 elements are what the
// runtime decodes at a time.
func BenchmarkDecode(b *testing.B) {
	const elements = 16 * 1024
	for _, typ := range fileTypes() {
		c, _ := For(typ)
		dst, src := make([]float32, elements), randomBlocks(rand.New(rand.NewPCG(1, 1)), typ, elements/typ.BlockSize())
		for _, tier := range cpu.Available() {
			b.Run(typ.String()+"/"+tier.String(), func(b *testing.B) {
				defer cpu.Force(tier)()
				b.SetBytes(4 * elements)
				for b.Loop() {
					c.Decode(dst, src)
				}
			})
		}
	}
}
