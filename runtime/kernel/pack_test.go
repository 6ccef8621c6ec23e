package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// TestPackStraight compares the formats that go straight into panels with what their parts make.
func TestPackStraight(t *testing.T) {
	r := rand.New(rand.NewPCG(61, 62))
	for typ := range straight {
		f, ok := codec.IntegersOf(typ)
		require.True(t, ok, typ)
		for _, cols := range []int{256, 768} {
			p := layout(f, panelRows, cols)
			stride := int(typ.RowBytes(int64(cols)))
			rows := make([]byte, panelRows*stride)
			for i := range rows {
				rows[i] = byte(r.Uint32())
			}
			// Scales that are NaN keep other bits than those that go through a float32.
			for at := 0; at < len(rows); at += typ.BlockBytes() {
				for _, i := range halvesOf(typ) {
					rows[at+i+1] &^= 0x40
				}
			}
			want, got := make([]byte, p.size), make([]byte, p.size)
			var k packer
			k.packParts(&p, want, rows, typ)
			k.pack(&p, got, rows, typ)
			require.Equal(t, want, got, "%s, %d columns", typ, cols)
		}
	}
}

// halvesOf is where the halves of a block lie.
func halvesOf(t gguf.Type) []int {
	switch t {
	case gguf.MXFP4:
		return nil
	case gguf.Q2_K:
		return []int{80, 82}
	case gguf.Q3_K:
		return []int{108}
	case gguf.Q6_K:
		return []int{208}
	case gguf.Q4_1, gguf.Q5_1, gguf.Q4_K, gguf.Q5_K:
		return []int{0, 2}
	}
	return []int{0}
}

func BenchmarkPack(b *testing.B) {
	for _, typ := range []gguf.Type{gguf.Q8_0, gguf.Q4_0, gguf.Q5_0, gguf.MXFP4, gguf.Q2_K, gguf.Q3_K, gguf.Q4_K, gguf.Q5_K, gguf.Q6_K, gguf.IQ4_XS, gguf.IQ2_XS} {
		b.Run(typ.String(), func(b *testing.B) {
			const cols = 2048
			f, _ := codec.IntegersOf(typ)
			p := layout(f, panelRows, cols)
			rows, panel := make([]byte, panelRows*int(typ.RowBytes(cols))), make([]byte, p.size)
			var k packer
			b.SetBytes(int64(len(rows)))
			for b.Loop() {
				k.pack(&p, panel, rows, typ)
			}
		})
	}
}
