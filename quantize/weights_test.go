package quantize

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

func TestFillZeroBlocks(t *testing.T) {
	w := []float32{0, 0, 0, 2, 0, 0}
	filled, zero := fillZeroBlocks(w, 2)
	require.Equal(t, []float32{1, 1, 0, 2, 1, 1}, filled)
	require.Equal(t, 2, zero)
	require.Equal(t, []float32{0, 0, 0, 2, 0, 0}, w, "matrices are shared")
	filled, zero = fillZeroBlocks(w[2:4], 2)
	require.Equal(t, w[2:4], filled)
	require.Zero(t, zero)
	filled, zero = fillZeroBlocks(nil, 2)
	require.Nil(t, filled)
	require.Zero(t, zero)
}

// TestSummaryOfWeights: what the matrix lacks and what it has only zeros for is counted, for types that use it.
func TestSummaryOfWeights(t *testing.T) {
	half := append(make([]float32, 256), ones(256)...)
	m := weights(t, map[string][]float32{"blk.0.ffn_down.weight": half, "blk.1.ffn_down.weight": ones(512)}, 1)
	for ft, want := range map[recipe.FileType][2]int{recipe.Q4_K_S: {4, 1}, recipe.Q8_0: {0, 0}, recipe.F16: {0, 0}} {
		p, err := NewPlan(sample(), Options{FileType: ft, Imatrix: m})
		require.NoError(t, err)
		s, err := p.Summary()
		require.NoError(t, err)
		require.Equal(t, want, [2]int{s.Unweighted, s.ZeroWeights}, "%v", ft)
	}
	p, err := NewPlan(sample(), Options{FileType: recipe.Q4_K_S})
	require.NoError(t, err)
	s, err := p.Summary()
	require.NoError(t, err)
	require.Zero(t, s.Unweighted, "without a matrix there is nothing to miss")
}

func TestActivationFormatsAreRefused(t *testing.T) {
	for _, typ := range []gguf.Type{gguf.Q8_1, gguf.Q8_K} {
		_, err := NewPlan(single(ones(512), 256, 2), Options{FileType: recipe.Q8_0,
			Options: recipe.Options{TensorTypes: []recipe.TensorType{mustTensorType(t, ".="+typ.String())}}})
		require.ErrorIs(t, err, ErrOptions)
		require.ErrorContains(t, err, "blk.0.x.weight: "+typ.String())
	}
}

// TestZerosNeverGiveNaN writes every type with weights that are zero here and there, or everywhere, and reads
// finite values back. A block whose columns were never reached keeps its values.
func TestZerosNeverGiveNaN(t *testing.T) {
	src := sample().ts[0].(*memoryTensor).values[:1024]
	for name, weight := range map[string]func(i int) float32{
		"everywhere":   func(int) float32 { return 0 },
		"but for one":  func(i int) float32 { return float32(i / 511) },
		"sub-blocks":   func(i int) float32 { return float32(i / 16 % 2) },
		"super-blocks": func(i int) float32 { return float32(i / 256) },
		"tiny":         func(int) float32 { return math.SmallestNonzeroFloat32 },
		"largest":      func(int) float32 { return 0x1p80 },
	} {
		w := make([]float32, 512)
		for i := range w {
			w[i] = weight(i)
		}
		m := weights(t, map[string][]float32{"blk.0.x.weight": w}, 1)
		for typ := gguf.Q4_0; typ <= gguf.Q2_0; typ++ {
			c, ok := codec.For(typ)
			if !ok || c.Activations || !typ.Quantized() {
				continue
			}
			what := fmt.Sprintf("%v, zeros %s", typ, name)
			o := Options{FileType: recipe.Q8_0, Threads: 1, Imatrix: m}
			o.TensorTypes = []recipe.TensorType{mustTensorType(t, ".="+typ.String())}
			p, err := NewPlan(single(src, 512, 2), o)
			require.NoError(t, err, what)
			path := filepath.Join(t.TempDir(), "out.gguf")
			require.NoError(t, p.Run(context.Background(), path, nil), what)
			f, err := gguf.Open(path)
			require.NoError(t, err)
			y := make([]float32, 1024)
			c.Decode(y, f.Tensors()[0].(gguf.Mapped).Bytes())
			require.NoError(t, f.Close())
			kept := 0
			for _, v := range y[:256] {
				require.True(t, finite(v), what)
				if v != 0 {
					kept++
				}
			}
			if name == "everywhere" || name == "super-blocks" {
				require.Greater(t, kept, 50, what)
			}
		}
	}
}
