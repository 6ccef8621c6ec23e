package allocate

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/round"
)

const cols, rows = 64, 16

// model has a matrix in each of two layers, and looks up its embeddings.
type model struct {
	gguf.Model
	tensors []gguf.Tensor
	at      int
}

func (m *model) Tensors() []gguf.Tensor                     { return m.tensors }
func (m *model) Layer() int                                 { return m.at }
func (m *model) Layers() int                                { return 1 }
func (m *model) Next() error                                { m.at++; return nil }
func (m *model) SetWeights(string, gguf.Type, []byte) error { return nil }
func (m *model) Restore(string) error                       { return nil }
func (m *model) Look(i int, f func(tensor string, expert, experts int, x []float32, cols int)) error {
	f(m.tensors[m.at].Info().Name, 0, 1, random(uint64(10+i), 128*cols, float32(1+9*m.at)), cols)
	return nil
}

type tensor struct {
	gguf.TensorInfo
	data []byte
}

func (t tensor) Info() gguf.TensorInfo { return t.TensorInfo }
func (t tensor) ReadRows(dst []byte, first, n int64) error {
	copy(dst, t.data[first*t.RowBytes():(first+n)*t.RowBytes()])
	return nil
}

func random(seed uint64, n int, scale float32) []float32 {
	rnd := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rnd.NormFloat64()) * scale
	}
	return x
}

// prober says what was asked of it, and that all tensors are as sensitive.
type prober map[string]int

func (p prober) Divergence(layer int, tensor string, t gguf.Type, data []byte) (float64, error) {
	p[tensor] = layer
	return 0.5, nil
}

func product(dst, x, w []float32, n, rows, cols int) {
	for i := range n {
		for j := range rows {
			var sum float32
			for k := range cols {
				sum += float32(x[i*cols+k] * w[j*cols+k])
			}
			dst[i*rows+j] = sum
		}
	}
}

func TestMeasure(t *testing.T) {
	m := &model{}
	for i, name := range []string{"blk.0.ffn_up.weight", "token_embd.weight", "not.seen.weight"} {
		x := tensor{TensorInfo: gguf.TensorInfo{Name: name, Type: gguf.F32, Shape: []int64{cols, rows}}}
		for _, v := range random(uint64(i), cols*rows, 0.1) {
			x.data = binary.LittleEndian.AppendUint32(x.data, math.Float32bits(v))
		}
		m.tensors = append(m.tensors, x)
	}
	asked := prober{}
	got, err := Measure(t.Context(), m, m, asked, Settings{
		Settings: round.Settings{Options: round.Options{Sweeps: 1, Product: product}, Chunks: 4, Memory: 1 << 20},
		Types:    func(info gguf.TensorInfo) []gguf.Type { return Pool(info.Cols()) },
	})
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, prober{"blk.0.ffn_up.weight": 0, "token_embd.weight": -1}, asked)
	loss := func(i int, typ gguf.Type) float64 {
		for k, other := range got[i].Types {
			if other == typ {
				return got[i].Losses[k]
			}
		}
		require.Fail(t, typ.String())
		return 0
	}
	require.Greater(t, loss(0, gguf.Q4_0), 3*loss(0, gguf.Q5_0))
	require.Greater(t, loss(0, gguf.Q5_1), 10*loss(0, gguf.Q8_0))
	require.Greater(t, loss(1, gguf.Q5_0), 50*loss(0, gguf.Q5_0), "ten times the activations are a hundred times the loss")
	require.Greater(t, got[0].Sensitivity, 50*got[1].Sensitivity, "and the same divergence comes of it")
	require.NotContains(t, got[0].Types, gguf.Q6_K, "rows of 64 are no whole super-blocks")
	require.Subset(t, Pool(512), []gguf.Type{gguf.IQ3_S, gguf.Q3_K, gguf.Q8_0})

	classes := Classes(got)
	require.Len(t, classes, 2)
	require.EqualValues(t, rows*36, classes[0][0].Bytes)
}

// TestLookup: what a type costs is the error of the rows that the text looks up.
func TestLookup(t *testing.T) {
	m := &model{}
	for i, name := range []string{"blk.0.ffn_up.weight", "output.weight", "token_embd.weight"} {
		x := tensor{TensorInfo: gguf.TensorInfo{Name: name, Type: gguf.F32, Shape: []int64{cols, rows}}}
		for j, v := range random(uint64(i), cols*rows, 0.1) {
			if i == 2 && j/cols == 3 {
				v *= 100
			}
			x.data = binary.LittleEndian.AppendUint32(x.data, math.Float32bits(v))
		}
		m.tensors = append(m.tensors, x)
	}
	measure := func(tokens [][]int32) ([]Tensor, prober, error) {
		m.at = 0
		asked := prober{}
		got, err := Measure(t.Context(), m, m, asked, Settings{
			Settings: round.Settings{Options: round.Options{Sweeps: 1, Product: product}, Chunks: 4, Memory: 1 << 20},
			Types:    func(info gguf.TensorInfo) []gguf.Type { return Pool(info.Cols()) },
			Tokens:   tokens,
		})
		return got, asked, err
	}
	usual, asked, err := measure([][]int32{{1, 2}, {1, 15}})
	require.NoError(t, err)
	require.Equal(t, prober{"blk.0.ffn_up.weight": 0, "output.weight": 1, "token_embd.weight": -1}, asked)
	require.Len(t, usual, 3)
	embeddings := usual[2]
	require.Equal(t, "token_embd.weight", embeddings.Name)
	require.Equal(t, Pool(cols), embeddings.Types)
	require.Greater(t, embeddings.Losses[0], 50*embeddings.Losses[len(embeddings.Losses)-1], "Q8_0 is last")
	rare, _, err := measure([][]int32{{1, 2}, {1, 3}})
	require.NoError(t, err)
	require.Greater(t, rare[2].Losses[0], 1000*embeddings.Losses[0], "row 3 is a hundred times as large")
	require.Less(t, rare[2].Sensitivity, embeddings.Sensitivity/1000)
	_, _, err = measure([][]int32{{rows}})
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "tensor token_embd.weight has 16 rows, but the text has token 16")
	none, _, err := measure(nil)
	require.NoError(t, err)
	require.Len(t, none, 2)
}
