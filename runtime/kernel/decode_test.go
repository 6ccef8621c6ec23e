package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
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
		if c, ok := codec.For(typ); ok && !c.Activations {
			list = append(list, typ)
		}
	}
	return list
}

// blocks returns n blocks of random bytes, their float16 fields finite.
func blocks(r *rand.Rand, typ gguf.Type, n int) []byte {
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
			require.Failf(t, "not the codec's", "%s: element %d: want %g (%08x), got %g (%08x)", msg, i, w, math.Float32bits(w), g, math.Float32bits(g))
		}
	}
}

// requireDecodes decodes src with k between canaries and compares with the codec.
func requireDecodes(t *testing.T, k *tier, typ gguf.Type, src []byte, msg string) {
	t.Helper()
	c, ok := codec.For(typ)
	require.True(t, ok)
	want := make([]float32, len(src)/typ.BlockBytes()*typ.BlockSize())
	c.Decode(want, src)
	got, check := guarded(t, len(want))
	k.decode[typ](got, src[:len(src):len(src)])
	requireBits(t, want, got, msg)
	check()
}

// TestDecodersMatchCodec: random blocks decode to the codec's bits, for every number of blocks, with
// ordinary scales, with arbitrary ones and with each extreme.
func TestDecodersMatchCodec(t *testing.T) {
	everyTier(t, func(t *testing.T, k *tier) {
		if k != &generic {
			require.Len(t, k.decode, len(fileTypes()))
		}
		for typ := range k.decode {
			t.Run(typ.String(), func(t *testing.T) {
				r := rand.New(rand.NewPCG(13, uint64(typ)))
				for _, n := range []int{0, 1, 2, 3, 7, 8, 9, 21, 300} {
					src := blocks(r, typ, n)
					requireDecodes(t, k, typ, src, fmt.Sprintf("%d blocks", n))
					for i := range src {
						src[i] = byte(r.Uint32())
					}
					requireDecodes(t, k, typ, src, fmt.Sprintf("%d blocks with arbitrary scales", n))
				}
				src := blocks(r, typ, 256)
				for b := range 256 { // every scale of one byte
					src[b*typ.BlockBytes()] = byte(b)
				}
				requireDecodes(t, k, typ, src, "first bytes")
				for _, half := range []uint16{0, 0x8000, 1, 0x83ff, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0xfe01} {
					src := blocks(r, typ, 9)
					for b := range 9 {
						for _, at := range halves[typ] {
							src[b*typ.BlockBytes()+at], src[b*typ.BlockBytes()+at+1] = byte(half), byte(half>>8)
						}
					}
					requireDecodes(t, k, typ, src, fmt.Sprintf("scale %04x", half))
				}
			})
		}
	})
}

// FuzzDecoders decodes arbitrary blocks with every tier.
func FuzzDecoders(f *testing.F) {
	f.Add([]byte{0xff})
	f.Add([]byte{0, 0x7c, 1, 0xfe, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		for _, k := range available() {
			for typ := range k.decode {
				src := make([]byte, 9*typ.BlockBytes())
				for i := range src {
					src[i] = b[i%len(b)]
				}
				requireDecodes(t, k, typ, src, typ.String())
			}
		}
	})
}
