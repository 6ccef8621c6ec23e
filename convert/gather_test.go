package convert

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/stretchr/testify/require"
)

// encoded are values in a type that checkpoints have, and what they then are.
func encoded(typ gguf.Type, values []float32) ([]byte, []float32) {
	b := make([]byte, len(values)*typ.BlockBytes())
	if typ == gguf.F64 {
		for i, v := range values {
			binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(float64(v)))
		}
		return b, values
	}
	c, _ := codec.For(typ)
	c.Encode(b, values, len(values), nil)
	rounded := make([]float32, len(values))
	c.Decode(rounded, b)
	return b, rounded
}

// oneTensor is a checkpoint's only tensor.
func oneTensor(t *testing.T, typ gguf.Type, data []byte, shape ...int64) *safetensors.Tensor {
	t.Helper()
	dir := t.TempDir()
	dims, err := json.Marshal(shape)
	require.NoError(t, err)
	head := fmt.Sprintf(`{"w":{"dtype":"%s","shape":%s,"data_offsets":[0,%d]}}`, typ, dims, len(data))
	b := append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "model.safetensors"), append(b, data...), 0o600))
	f, err := safetensors.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f.Tensors()[0]
}

// TestTransforms compares what tensors give, in pieces of any size, with the same done one element after the other: for every
// type of a checkpoint, every type that it becomes, and every transform.
func TestTransforms(t *testing.T) {
	const rows, cols = 70, 45
	backwards := func(r, rows int64) int64 { return rows - 1 - r }
	twins := func(r, rows int64) int64 { return r / 2 }
	scattered := func(r, rows int64) int64 { return r * 29 % rows }
	transforms := map[string]arch.Transform{
		"none":      {},
		"transpose": {Transpose: true},
		"backwards": {Order: backwards},
		"twins":     {Order: twins},
		"scattered": {Order: scattered, Values: negate},
		"values":    {Values: negate},
		"all":       {Transpose: true, Values: negate},
	}
	for _, dims := range []int{2, 1} {
		for name, tr := range transforms {
			if dims == 1 && tr.Transpose {
				continue
			}
			for _, in := range []gguf.Type{gguf.F64, gguf.F32, gguf.F16, gguf.BF16} {
				for _, out := range []gguf.Type{gguf.F32, gguf.F16, gguf.BF16} {
					t.Run(fmt.Sprintf("%s/%d/%s-%s", name, dims, in, out), func(t *testing.T) {
						r := rand.New(rand.NewPCG(1, 2))
						values := make([]float32, rows*cols)
						for i := range values {
							values[i] = float32(r.NormFloat64())
						}
						data, values := encoded(in, values)
						shape := []int64{rows, cols}
						if dims == 1 {
							shape = []int64{rows * cols}
						}
						spec := arch.Tensor{Name: "w.weight", Shape: shape, Transform: tr}
						x := newTensor(oneTensor(t, in, data, shape...), spec, out)
						x.Type = out // also what would be F32
						x.raw = in == out && tr.Values == nil
						want := rearranged(x, values)
						step := int64(1)
						for first := int64(0); first < x.Rows(); first, step = first+step, step+3 {
							n := min(step, x.Rows()-first)
							dst := make([]byte, n*x.RowBytes())
							require.NoError(t, x.ReadRows(dst, first, n))
							require.Equal(t, want[first*x.RowBytes():][:len(dst)], dst, "rows from %d", first)
						}
						if tr.Transpose { // of a file that is not mapped
							read := make([]byte, len(data))
							require.NoError(t, x.transposed(new(scratch), read, 0, x.Rows(), nil))
							mapped := make([]byte, len(data))
							require.NoError(t, x.gather(new(scratch), mapped, 0, x.Rows()))
							require.Equal(t, mapped, read)
						}
					})
				}
			}
		}
	}
}

func negate(values []float32) {
	for i, v := range values {
		values[i] = -v
	}
}

// TestShapes: what is cut, turned and put in order in three dimensions, in pieces of any size, mapped and not.
func TestShapes(t *testing.T) {
	const a, b, c = 3, 34, 22 // of the checkpoint's tensor
	values := make([]float32, a*b*c)
	for i := range values {
		values[i] = float32(i)
	}
	data, _ := encoded(gguf.F32, values)
	at := func(i, j, k int64) int64 { return (i*b+j)*c + k }
	for name, x := range map[string]struct {
		as   []int64
		tr   arch.Transform
		want func(i, j, k int64) int64 // element of the checkpoint at i, j, k of the result
	}{
		"second half of each":     {[]int64{a, b / 2, c}, arch.Transform{Order: func(r, _ int64) int64 { return r/17*34 + 17 + r%17 }}, func(i, j, k int64) int64 { return at(i, 17+j, k) }},
		"every second row":        {[]int64{a, b / 2, c}, arch.Transform{Order: func(r, _ int64) int64 { return 2 * r }}, func(i, j, k int64) int64 { return at(i, 2*j, k) }},
		"as it is":                {[]int64{a, b, c}, arch.Transform{}, at},
		"a dimension less":        {[]int64{1, a * b, c}, arch.Transform{}, func(_, j, k int64) int64 { return j*c + k }},
		"transposed":              {[]int64{a, c, b}, arch.Transform{Transpose: true}, func(i, j, k int64) int64 { return at(i, k, j) }},
		"transposed, first rows":  {[]int64{a, c, 20}, arch.Transform{Transpose: true}, func(i, j, k int64) int64 { return at(i, k, j) }},
		"transposed, second half": {[]int64{a, c / 2, b}, arch.Transform{Transpose: true, Order: func(r, _ int64) int64 { return r/11*22 + 11 + r%11 }}, func(i, j, k int64) int64 { return at(i, k, 11+j) }},
		"transposed, interleaved": {[]int64{a, c / 2, b}, arch.Transform{Transpose: true, Order: func(r, _ int64) int64 { return 2*r + 1 }}, func(i, j, k int64) int64 { return at(i, k, 2*j+1) }},
		"transposed, backwards":   {[]int64{a, c, b}, arch.Transform{Transpose: true, Order: func(r, rows int64) int64 { return rows - 1 - r }}, func(i, j, k int64) int64 { return at(a-1-i, k, c-1-j) }},
		"more rows than there are": {[]int64{a, b + 3, c}, arch.Transform{Order: func(r, _ int64) int64 {
			if r%37 >= b {
				return arch.Zeros
			}
			return r/37*b + r%37
		}}, func(i, j, k int64) int64 {
			if j >= b {
				return -1
			}
			return at(i, j, k)
		}},
		"halves of rows swapped": {[]int64{a, b, c}, arch.Transform{Run: 11, Order: func(r, _ int64) int64 { return r ^ 1 }}, func(i, j, k int64) int64 { return at(i, j, (k+11)%22) }},
	} {
		t.Run(name, func(t *testing.T) {
			var want []float32
			for i := range x.as[0] {
				for j := range x.as[1] {
					for k := range x.as[2] {
						v := float32(0)
						if from := x.want(i, j, k); from >= 0 {
							v = values[from]
						}
						want = append(want, v)
					}
				}
			}
			spec := arch.Tensor{Name: "w.weight", Shape: []int64{a, b, c}, As: x.as, Transform: x.tr}
			y := newTensor(oneTensor(t, gguf.F32, data, a, b, c), spec, gguf.F32)
			require.Equal(t, []int64{x.as[2], x.as[1], x.as[0]}, y.Shape)
			bytes, _ := encoded(gguf.F32, want)
			for _, step := range []int64{1, 5, 13, y.Rows()} {
				for first := int64(0); first < y.Rows(); first += step {
					n := min(step, y.Rows()-first)
					dst := make([]byte, n*y.RowBytes())
					require.NoError(t, y.ReadRows(dst, first, n))
					require.Equal(t, bytes[first*y.RowBytes():][:len(dst)], dst, "rows from %d", first)
					if x.tr.Transpose {
						require.NoError(t, y.transposed(new(scratch), dst, first, n, nil))
						require.Equal(t, bytes[first*y.RowBytes():][:len(dst)], dst, "rows from %d, not mapped", first)
					}
				}
			}
			for i, v := range want {
				if v == 0 {
					continue
				}
				require.Equal(t, int64(v), y.place(int64(i)), "the place that an error names")
			}
		})
	}
}

// rearranged encodes what the whole of x should be.
func rearranged(x *tensor, values []float32) []byte {
	cols, rows := x.Cols(), x.Rows()
	out := make([]float32, len(values))
	for i := range out {
		row, col := int64(i)/cols, int64(i)%cols
		from := int64(i)
		switch {
		case x.spec.Transpose:
			from = col*rows + row
		case x.spec.Order != nil && rows == 1:
			from = x.spec.Order(col, cols)
		case x.spec.Order != nil:
			from = x.spec.Order(row, rows)*cols + col
		}
		out[i] = values[from]
	}
	if x.spec.Values != nil {
		x.spec.Values(out)
	}
	b, _ := encoded(x.Type, out)
	return b
}

// TestBrokenElements: what is not finite, or too large for F16, is refused with its place in the checkpoint.
func TestBrokenElements(t *testing.T) {
	inf := float32(math.Inf(1))
	for name, c := range map[string]struct {
		tr      arch.Transform
		in, out gguf.Type
		value   float32
		why     string
	}{
		"as it is":   {arch.Transform{}, gguf.BF16, gguf.BF16, inf, "not finite"},
		"moved":      {arch.Transform{Order: func(r, rows int64) int64 { return (r + 3) % rows }}, gguf.F16, gguf.F16, inf, "not finite"},
		"transposed": {arch.Transform{Transpose: true}, gguf.BF16, gguf.BF16, float32(math.NaN()), "not finite"},
		"converted":  {arch.Transform{}, gguf.BF16, gguf.F32, inf, "not finite"},
		"overflow":   {arch.Transform{Transpose: true}, gguf.BF16, gguf.F16, -70000, "overflow"},
	} {
		t.Run(name, func(t *testing.T) {
			values := make([]float32, 300*64)
			values[123*64+45] = c.value
			data, _ := encoded(c.in, values)
			x := newTensor(oneTensor(t, c.in, data, 300, 64), arch.Tensor{Name: "w.weight", Shape: []int64{300, 64}, Transform: c.tr}, c.out)
			err := x.ReadRows(make([]byte, x.TensorInfo.Bytes()), 0, x.Rows())
			require.ErrorIs(t, err, gguf.ErrInput)
			require.ErrorContains(t, err, "model.safetensors: tensor w (w.weight): row 123 column 45 is")
			require.ErrorContains(t, err, c.why)
		})
	}
}

// TestTransposeSizes: every size around those of tiles and words.
func TestTransposeSizes(t *testing.T) {
	for _, width := range []int64{2, 4, 8} {
		for _, rows := range []int64{1, 3, 4, 31, 32, 33, 67} {
			for _, cols := range []int64{1, 2, 4, 5, 8, 33} {
				src, dst := make([]byte, rows*cols*width), make([]byte, rows*cols*width)
				for i := range src {
					src[i] = byte(i*7 + i/251)
				}
				transpose(dst, rows*width, src, cols*width, rows, cols, width)
				for i := range rows {
					for j := range cols {
						require.Equal(t, src[(i*cols+j)*width:][:width], dst[(j*rows+i)*width:][:width], "%d x %d of %d bytes", rows, cols, width)
					}
				}
			}
		}
	}
}

func BenchmarkTranspose(b *testing.B) {
	const rows, cols = 1600, 128
	for _, width := range []int64{2, 4} {
		b.Run(fmt.Sprint(width), func(b *testing.B) {
			src, dst := make([]byte, rows*4800*width), make([]byte, rows*cols*width)
			b.SetBytes(int64(len(dst)))
			for b.Loop() {
				transpose(dst, rows*width, src, 4800*width, rows, cols, width)
			}
		})
	}
}
