package verify

import (
	"context"
	"math"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/stretchr/testify/require"
)

// memory is a model that holds its encoded tensors.
type memory struct {
	md *gguf.Metadata
	ts []gguf.Tensor
}

func (m *memory) Metadata() *gguf.Metadata { return m.md }
func (m *memory) Tensors() []gguf.Tensor   { return m.ts }
func (m *memory) Close() error             { return nil }

type tensor struct {
	gguf.TensorInfo
	data []byte
}

func (t *tensor) Info() gguf.TensorInfo { return t.TensorInfo }
func (t *tensor) ReadRows(dst []byte, first, n int64) error {
	copy(dst, t.data[first*t.RowBytes():][:n*t.RowBytes()])
	return nil
}

func encoded(name string, typ gguf.Type, values []float32, shape ...int64) *tensor {
	t := &tensor{gguf.TensorInfo{Name: name, Type: typ, Shape: shape}, nil}
	t.data = make([]byte, t.Bytes())
	if c, ok := codec.For(typ); ok {
		c.Encode(t.data, values, int(shape[0]), nil)
	}
	return t
}

func wave(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(math.Sin(float64(i) * 0.7))
	}
	return v
}

func TestCompareValues(t *testing.T) {
	inf := float32(math.Inf(1))
	for name, c := range map[string]struct {
		a, b []float32
		want ValueError
	}{
		"equal":    {[]float32{1, -2}, []float32{1, -2}, ValueError{0, 0, 0, 1}},
		"zeros":    {[]float32{0, 0}, []float32{0, 0}, ValueError{0, 0, 0, 1}},
		"opposite": {[]float32{3, 4}, []float32{-3, -4}, ValueError{10 / math.Sqrt2, 2, 8, -1}},
		"from 0":   {[]float32{0, 0}, []float32{3, 4}, ValueError{5 / math.Sqrt2, math.Inf(1), 4, 0}},
		"infinite": {[]float32{1, 1}, []float32{1, inf}, ValueError{math.Inf(1), math.Inf(1), math.Inf(1), math.NaN()}},
	} {
		e, ok, err := CompareValues(context.Background(), encoded("a", gguf.F32, c.a, 2), encoded("b", gguf.F32, c.b, 2), nil)
		require.NoError(t, err)
		require.True(t, ok)
		for i, want := range []float64{c.want.RMSE, c.want.Relative, c.want.MaxAbs, c.want.Cosine} {
			got := []float64{e.RMSE, e.Relative, e.MaxAbs, e.Cosine}[i]
			if math.IsNaN(want) || math.IsInf(want, 0) {
				require.Equal(t, math.IsNaN(want), math.IsNaN(got), name)
				require.Equal(t, math.IsInf(want, 0), math.IsInf(got, 0), name)
				continue
			}
			require.InDelta(t, want, got, 1e-12, name)
		}
	}
}

// TestCompareAcrossTypes: more bits are nearer, over several chunks, and what cannot be decoded is left out.
func TestCompareAcrossTypes(t *testing.T) {
	const rows = 3*chunkElements/256 + 5
	v := wave(256 * rows)
	f32 := encoded("x", gguf.F32, v, 256, rows)
	last := 0.0
	for _, typ := range []gguf.Type{gguf.F32, gguf.F16, gguf.Q8_0, gguf.Q4_0, gguf.Q2_K} {
		e, ok, err := CompareValues(context.Background(), f32, encoded("x", typ, v, 256, rows), nil)
		require.NoError(t, err)
		require.True(t, ok)
		require.True(t, e.Relative > last || typ == gguf.F32 && e.Relative == 0, "%v %v", typ, e.Relative)
		require.InDelta(t, 1, e.Cosine, 0.05)
		last = e.Relative
	}
	_, ok, err := CompareValues(context.Background(), f32, encoded("x", gguf.I32, nil, 256, rows), nil)
	require.NoError(t, err)
	require.False(t, ok)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err = CompareValues(ctx, f32, f32, nil)
	require.ErrorIs(t, err, context.Canceled)
}
