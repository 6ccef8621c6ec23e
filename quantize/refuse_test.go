package quantize

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// weights writes a matrix of the newer format and reads it.
func weights(t *testing.T, entries map[string][]float32, experts int64) *imatrix.Matrix {
	t.Helper()
	m := &memory{md: &gguf.Metadata{}}
	m.md.Set("general.type", "imatrix")
	m.md.Set("imatrix.datasets", []string{"first", "second"})
	m.md.Set("imatrix.chunk_count", uint32(3))
	add := func(name string, v []float32) {
		i := gguf.TensorInfo{Name: name, Type: gguf.F32, Shape: []int64{int64(len(v)) / experts, experts}}
		m.ts = append(m.ts, &memoryTensor{i, v})
	}
	for name, v := range entries {
		add(name+".in_sum2", v)
		counts := make([]float32, experts)
		for i := range counts {
			counts[i] = 1
		}
		add(name+".counts", counts)
	}
	path := filepath.Join(t.TempDir(), "imatrix.gguf")
	require.NoError(t, Write(context.Background(), m, path, 1, nil))
	x, err := imatrix.Read(path)
	require.NoError(t, err)
	return x
}

func ones(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

// single is a model of one tensor "blk.0.x.weight".
func single(values []float32, shape ...int64) *memory {
	m := &memory{md: &gguf.Metadata{}}
	m.md.Set("general.architecture", "llama")
	m.md.Set("llama.block_count", uint32(1))
	m.ts = []gguf.Tensor{&memoryTensor{gguf.TensorInfo{Name: "blk.0.x.weight", Type: gguf.F32, Shape: shape}, values}}
	return m
}

func TestOptionsThatContradict(t *testing.T) {
	for reason, o := range map[string]Options{
		"unknown file type":                    {FileType: 5},
		"verbatim":                             {FileType: recipe.F16, Verbatim: true},
		"--include-weights cannot be combined": {FileType: recipe.F16, IncludeWeights: []string{"a"}, ExcludeWeights: []string{"b"}},
	} {
		_, err := NewPlan(sample(), o)
		require.ErrorIs(t, err, ErrOptions, reason)
		require.ErrorContains(t, err, reason)
	}
	for _, key := range []string{"general.architecture", "llama.block_count"} {
		m := sample()
		m.md.Delete(key)
		_, err := NewPlan(m, Options{FileType: recipe.Q8_0})
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, key)
		_, err = NewPlan(m, Options{FileType: recipe.Copy})
		require.NoError(t, err, "copying needs no rules")
	}
}

func TestOverflowOfScalesIsRefused(t *testing.T) {
	for _, typ := range []gguf.Type{gguf.Q4_0, gguf.Q4_1, gguf.Q5_0, gguf.Q5_1, gguf.Q8_0, gguf.Q2_K, gguf.Q3_K, gguf.Q4_K, gguf.Q5_K, gguf.Q6_K,
		gguf.IQ4_NL, gguf.IQ4_XS, gguf.TQ1_0, gguf.TQ2_0, gguf.MXFP4, gguf.NVFP4, gguf.Q1_0, gguf.Q2_0, gguf.F16, gguf.BF16} {
		for _, weighted := range []bool{false, true} {
			v := ones(512)
			v[300] = math.MaxFloat32
			o := Options{FileType: recipe.Q8_0, Threads: 1}
			if typ == gguf.BF16 {
				o.FileType = recipe.BF16
			}
			o.TensorTypes = []recipe.TensorType{mustTensorType(t, ".="+typ.String())}
			if weighted {
				o.Imatrix = weights(t, map[string][]float32{"blk.0.x.weight": ones(256)}, 1)
			}
			p, err := NewPlan(single(v, 256, 2), o)
			require.NoError(t, err)
			require.Equal(t, typ, p.Tensors[0].Type)
			dir := t.TempDir()
			err = p.Run(context.Background(), filepath.Join(dir, "out.gguf"), nil)
			require.ErrorIs(t, err, gguf.ErrInput, "%v", typ)
			require.ErrorContains(t, err, "blk.0.x.weight: row 1 column", "%v", typ)
			require.ErrorContains(t, err, "overflow")
			requireEmpty(t, dir)
		}
	}
}

// TestLargeButSound: what fits is written, without and with weights that are zero.
func TestLargeButSound(t *testing.T) {
	for name, c := range map[string]struct {
		value   float32
		weights []float32
	}{"large": {60000, nil}, "weights of zero": {1, make([]float32, 256)}} {
		o := Options{FileType: recipe.Q4_K_S, Threads: 1}
		if c.weights != nil {
			o.Imatrix = weights(t, map[string][]float32{"blk.0.x.weight": c.weights}, 1)
		}
		v := ones(256)
		v[7] = c.value
		p, err := NewPlan(single(v, 256), o)
		require.NoError(t, err)
		require.NoError(t, p.Run(context.Background(), filepath.Join(t.TempDir(), "out.gguf"), nil), name)
	}
}

func mustTensorType(t *testing.T, s string) recipe.TensorType {
	t.Helper()
	tt, err := recipe.ParseTensorType(s)
	require.NoError(t, err)
	return tt
}

func TestImatrixOfAnotherModel(t *testing.T) {
	o := Options{FileType: recipe.Q4_K_M, Imatrix: weights(t, map[string][]float32{"blk.0.ffn_down.weight": ones(256)}, 1)}
	_, err := NewPlan(sample(), o)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "blk.0.ffn_down.weight has 256")
	o.ExcludeWeights = []string{"ffn_down"}
	p, err := NewPlan(sample(), o)
	require.NoError(t, err, "left out, it is not looked at")
	_, ok := p.Metadata.Get("quantize.imatrix.entries_count")
	require.False(t, ok, "nothing was used")
	require.Equal(t, 1, o.Imatrix.Len(), "the caller's matrix is as it was")

	// The embedding goes without, as in the reference.
	o = Options{FileType: recipe.Q4_K_M, Imatrix: weights(t, map[string][]float32{"token_embd.weight": ones(3)}, 1)}
	_, err = NewPlan(sample(), o)
	require.NoError(t, err)
}

// TestExpertsHaveTheirOwnWeights: stacked matrices are encoded as each alone would be.
func TestExpertsHaveTheirOwnWeights(t *testing.T) {
	const cols, rows, experts = 256, 3, 2
	src := sample().ts[0].(*memoryTensor).values[:cols*rows*experts]
	w := append(ones(cols), ones(cols)...)
	for i := range cols {
		w[cols+i] = float32(i%7) * 3
	}
	p, err := NewPlan(single(src, cols, rows, experts), Options{FileType: recipe.Q4_K_S, Threads: 3,
		Imatrix: weights(t, map[string][]float32{"blk.0.x.weight": w}, experts)})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "out.gguf")
	require.NoError(t, p.Run(context.Background(), path, nil))
	f, err := gguf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	c, _ := codec.For(gguf.Q4_K)
	want := make([]byte, gguf.Q4_K.RowBytes(cols*rows*experts))
	half := len(want) / experts
	for e := range experts {
		c.Encode(want[e*half:][:half], src[e*cols*rows:][:cols*rows], cols, w[e*cols:][:cols])
	}
	require.Equal(t, want, f.Tensors()[0].(gguf.Mapped).Bytes())
}
