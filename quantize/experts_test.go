package quantize

import (
	"encoding/binary"
	"math"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// The experts of these tests: rows of 256, so many that a chunk does not end where an expert does.
const expertCols, expertRows, expertCount = 256, 700, 3

// stackOfExperts is a model of one stacked tensor.
func stackOfExperts(shape ...int64) *memory {
	values := make([]float32, expertCols*expertRows*expertCount)
	for i := range values {
		values[i] = float32(math.Sin(float64(i) * 0.37))
	}
	return single(values, shape...)
}

// expertsImatrix gives the columns of each expert other weights. Expert 1 was never used.
func expertsImatrix(t *testing.T) (m *imatrix.Matrix, weights [expertCount][]float32) {
	t.Helper()
	counts := []float32{2, 0, 4}
	var sums []float32
	for e, n := range counts {
		for c := range expertCols {
			w := float32(1 + (c*(e+3))%17)
			sums = append(sums, w*n)
			if n == 0 {
				w = 1
			}
			weights[e] = append(weights[e], w)
		}
	}
	md := &gguf.Metadata{}
	md.Set("general.type", "imatrix")
	path := filepath.Join(t.TempDir(), "m.gguf")
	w, err := gguf.Create(path, md, []gguf.TensorInfo{
		{Name: "blk.0.x.weight.in_sum2", Type: gguf.F32, Shape: []int64{expertCols, expertCount}},
		{Name: "blk.0.x.weight.counts", Type: gguf.F32, Shape: []int64{1, expertCount}},
	})
	require.NoError(t, err)
	for i, v := range [][]float32{sums, counts} {
		b, err := binary.Append(nil, binary.LittleEndian, v)
		require.NoError(t, err)
		require.NoError(t, w.WriteAt(i, b, 0))
	}
	require.NoError(t, w.Commit())
	m, err = imatrix.Read(path)
	require.NoError(t, err)
	return m, weights
}

// TestChunksStayWithinAnExpert: a large stack becomes what its experts become one by one, each with its own columns'
// importance, and with equal importance where the calibration text never used it.
func TestChunksStayWithinAnExpert(t *testing.T) {
	src := stackOfExperts(expertCols, expertRows, expertCount)
	values := src.ts[0].(*memoryTensor).values
	m, weights := expertsImatrix(t)
	for _, ft := range []recipe.FileType{recipe.Q8_0, recipe.Q4_0, recipe.Q4_K_M, recipe.Q3_K_M} {
		for _, with := range []*imatrix.Matrix{nil, m} {
			out, err := gguf.Open(run(t, src, Options{FileType: ft, Imatrix: with, Threads: 2}))
			require.NoError(t, err)
			x := out.Tensors()[0]
			info := x.Info()
			require.Equal(t, []int64{expertCols, expertRows, expertCount}, info.Shape)
			enc, ok := codec.For(info.Type)
			require.True(t, ok)
			for e := range expertCount {
				var w []float32
				if with != nil {
					w = weights[e]
				}
				want, got := make([]byte, expertRows*info.RowBytes()), make([]byte, expertRows*info.RowBytes())
				enc.Encode(want, values[e*expertRows*expertCols:(e+1)*expertRows*expertCols], expertCols, w)
				require.NoError(t, x.ReadRows(got, int64(e)*expertRows, expertRows))
				require.Equal(t, want, got, "%v, imatrix %v, expert %d", ft, with != nil, e)
			}
			require.NoError(t, out.Close())
		}
	}
}

// TestOneExpertIsNoStack: llama-quantize writes no trailing dimensions of one; a verbatim copy keeps them.
func TestOneExpertIsNoStack(t *testing.T) {
	shape := []int64{expertCols, expertRows * expertCount, 1}
	src := stackOfExperts(shape...)
	for _, c := range []struct {
		o    Options
		want []int64
	}{
		{Options{FileType: recipe.Q8_0}, shape[:2]},
		{Options{FileType: recipe.Copy}, shape[:2]},
		{Options{FileType: recipe.Copy, Verbatim: true}, shape},
	} {
		out, err := gguf.Open(run(t, src, c.o))
		require.NoError(t, err)
		require.Equal(t, c.want, out.Tensors()[0].Info().Shape)
		require.NoError(t, out.Close())
	}
}
