package round

import (
	"context"
	"errors"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/stretchr/testify/require"
)

// tensor is one of float32.
type tensor struct {
	gguf.TensorInfo
	x []float32
}

func (t tensor) Info() gguf.TensorInfo { return t.TensorInfo }
func (t tensor) ReadRows(dst []byte, first, n int64) error {
	return encodeF32(dst, t.x[first*t.Cols():(first+n)*t.Cols()])
}

// layers is a runtime of two layers, each of a matrix and a stacked tensor of two experts, of which the second sees nothing, and an
// output.
type layers struct {
	at       int
	fail     int // the layer in which Look fails; 0: none
	looks    int
	set      map[string][]byte
	restored []string
}

var errLook = errors.New("interrupted")

func (l *layers) Layer() int  { return l.at }
func (l *layers) Layers() int { return 2 }
func (l *layers) Next() error { l.at++; return nil }
func (l *layers) Look(i int, f func(tensor string, expert, experts int, x []float32, cols int)) error {
	l.looks++
	if l.fail > 0 && l.at == l.fail {
		return errLook
	}
	x := activations(uint64(l.at), uint64(i), 96, testCols)
	if l.at == 2 {
		f("output.weight", 0, 1, x, testCols)
		return nil
	}
	f("norm.not_a_target", 0, 1, x, testCols)
	f(name(l.at, "a"), 0, 1, x, testCols)
	f(name(l.at, "exps"), 0, 2, x, testCols)
	return nil
}

func (l *layers) SetWeights(tensor string, _ gguf.Type, data []byte) error {
	l.set[tensor] = data
	return nil
}

func (l *layers) Restore(tensor string) error {
	l.restored = append(l.restored, tensor)
	return nil
}

func name(layer int, role string) string { return string(rune('0'+layer)) + "." + role }

func testModel() (targets []Target) {
	add := func(name string, shape ...int64) {
		t := tensor{TensorInfo: gguf.TensorInfo{Name: name, Type: gguf.F32, Shape: shape}}
		t.x = weights(uint64(len(targets)), int(t.Rows()), int(t.Cols()))
		targets = append(targets, Target{Tensor: t, Type: gguf.Q4_0})
	}
	for l := range 2 {
		add(name(l, "a"), testCols, testRows)
		add(name(l, "exps"), testCols, testRows, 2)
	}
	add("output.weight", testCols, testRows)
	add("looked_up", testCols, testRows)
	return targets
}

// TestRun: all matrices that the runtime multiplies with are rounded, those of experts that saw nothing by the encoder alone; a run
// that was interrupted continues where it was and gives the same bytes.
func TestRun(t *testing.T) {
	targets := testModel()
	run := func(dir string, rt *layers, key string) (*Store, map[string]Tensor, error) {
		store, err := OpenStore(dir, key)
		require.NoError(t, err)
		rt.set = map[string][]byte{}
		all := map[string]Tensor{}
		err = Run(t.Context(), rt, targets, Settings{Options: Options{Sweeps: 1, Product: product}, Chunks: 4, Memory: 1 << 30, Store: store,
			Done: func(_ int, tensors []Tensor) error {
				for _, x := range tensors {
					all[x.Name] = x
				}
				return nil
			}})
		return store, all, err
	}
	first := &layers{}
	store, want, err := run(t.TempDir(), first, "key")
	require.NoError(t, err)
	require.Len(t, want, 5)
	require.Equal(t, 12, first.looks)
	require.Equal(t, []string{"0.a", "0.exps", "1.a", "1.exps"}, first.restored, "no layer's weights are kept")
	for n, x := range want {
		require.Equal(t, x.Data, first.set[n], n)
		require.Less(t, x.Matrices[0].Shrinkage, 1.0, n)
	}
	exps := want["1.exps"].Matrices
	require.Len(t, exps, 2)
	require.Equal(t, Rounded{Shrinkage: 1}, exps[1])

	require.Len(t, store.Tensors(), len(want))
	for _, x := range store.Tensors() {
		info := x.Info()
		data := make([]byte, info.Bytes())
		require.NoError(t, x.ReadRows(data, 0, info.Rows()))
		require.Equal(t, want[info.Name].Data, data)
	}
	require.NoError(t, store.Remove())

	dir := t.TempDir()
	_, _, err = run(dir, &layers{fail: 1}, "key")
	require.ErrorIs(t, err, errLook)
	resumed := &layers{}
	_, got, err := run(dir, resumed, "key")
	require.NoError(t, err)
	require.Equal(t, 8, resumed.looks, "the first layer is taken from the store")
	require.Equal(t, want, got)
	other := &layers{}
	_, _, err = run(dir, other, "another")
	require.NoError(t, err)
	require.Equal(t, 12, other.looks, "layers of another key are not used")
}

func TestRunStops(t *testing.T) {
	targets := testModel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, Run(ctx, &layers{}, targets, Settings{}), context.Canceled)
}

// TestRunEncoder: the scales of a target's own encoder stay, its levels are chosen like those of others, and what saw nothing is
// as it encodes it.
func TestRunEncoder(t *testing.T) {
	targets := testModel()
	c, _ := codec.For(gguf.Q4_0)
	for i := range targets {
		targets[i].Encoder = func(dst []byte, row, _ []float32) {
			c.Encode(dst, row, len(row), nil)
			for b := 0; b < len(dst); b += 18 {
				dst[b], dst[b+1] = 0x66, 0x2e // one scale for all
			}
		}
	}
	got := map[string]Tensor{}
	err := Run(t.Context(), &layers{set: map[string][]byte{}}, targets, Settings{Options: Options{Sweeps: 1, Rescale: true, Product: product}, Chunks: 4, Memory: 1 << 30,
		Done: func(_ int, tensors []Tensor) error {
			for _, x := range tensors {
				got[x.Name] = x
			}
			return nil
		}})
	require.NoError(t, err)
	require.Len(t, got, 5)
	for n, x := range got {
		for b := 0; b < len(x.Data); b += 18 {
			require.Equal(t, []byte{0x66, 0x2e}, x.Data[b:][:2], n)
		}
		require.Less(t, x.Matrices[0].Loss, x.Matrices[0].Plain, n)
	}
}
