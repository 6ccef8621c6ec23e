package model

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

// seen is what observers were shown, by tensor and expert.
type seen map[string][]float32

func (s seen) add(tensor string, expert, _ int, x []float32, _ int) {
	key := fmt.Sprint(tensor, expert)
	s[key] = append(s[key], slices.Clone(x)...)
}

// TestWalkSeesWhatForwardSees: layer by layer over all chunks the products meet the same bits as chunk by chunk over all layers, in every
// family that a walk takes.
func TestWalkSeesWhatForwardSees(t *testing.T) {
	chunks := [][]int32{testIDs(12), testIDs(20)[5:], testIDs(3)}
	taken := 0
	for _, name := range slices.Sorted(maps.Keys(families)) {
		t.Run(name, func(t *testing.T) {
			m := load(t, invented(t, name), 2)
			if m.Encodes() || m.graph.output.w == nil {
				return
			}
			w, err := m.NewWalk(chunks)
			if err != nil {
				require.ErrorIs(t, err, gguf.ErrUnsupported)
				return
			}
			taken++
			want, got := seen{}, seen{}
			s := session(t, m, 20)
			s.Observe(want.add)
			for _, ids := range chunks {
				s.Reset()
				require.NoError(t, s.Forward(ids, 0, make([]float32, len(ids)*m.Vocab())))
			}
			for {
				for i := range chunks {
					require.NoError(t, w.Look(i, got.add))
				}
				if w.Layer() == w.Layers() {
					break
				}
				require.NoError(t, w.Next())
			}
			require.Equal(t, want, got)
		})
	}
	require.Greater(t, taken, 30)
}

// TestWalkGoesOnWithNewWeights: what a walk has looked at is not what it goes on with when weights are replaced in between.
func TestWalkGoesOnWithNewWeights(t *testing.T) {
	const name = "blk.0.ffn_down.weight"
	other := newFake()
	other.negate(name)
	i := slices.IndexFunc(other.tensors, func(t gguf.Tensor) bool { return t.Info().Name == name })
	data := other.tensors[i].(*fakeTensor).data
	chunks := [][]int32{testIDs(12), testIDs(3)}
	walk := func(look, replace bool) seen {
		w, err := load(t, newFake(), 2).NewWalk(chunks)
		require.NoError(t, err)
		for i := range chunks {
			if look {
				require.NoError(t, w.Look(i, seen{}.add))
			}
		}
		if replace {
			require.NoError(t, w.SetWeights(name, gguf.F32, data))
		}
		require.NoError(t, w.Next())
		got := seen{}
		for i := range chunks {
			require.NoError(t, w.Look(i, got.add))
		}
		return got
	}
	require.Equal(t, walk(false, true), walk(true, true))
	require.Equal(t, walk(false, false), walk(true, false))
	require.NotEqual(t, walk(true, false), walk(true, true))
}

// TestSetWeights: a model whose weights were replaced gives the logits of one that was loaded with them.
func TestSetWeights(t *testing.T) {
	const name = "blk.0.ffn_down.weight"
	other := newFake()
	other.negate(name)
	i := slices.IndexFunc(other.tensors, func(t gguf.Tensor) bool { return t.Info().Name == name })
	data := other.tensors[i].(*fakeTensor).data
	m, ids := load(t, newFake(), 2), testIDs(5)
	want := logits(t, load(t, other, 2), ids)
	plain := logits(t, m, ids)
	require.NotEqual(t, want, plain)
	require.NoError(t, m.SetWeights(name, gguf.F32, data))
	require.Equal(t, want, logits(t, m, ids))
	require.NoError(t, m.Restore(name))
	require.Equal(t, plain, logits(t, m, ids))
	require.Empty(t, m.replaced)
	require.ErrorContains(t, m.Restore("blk.7.no.weight"), "blk.7.no.weight")
	require.ErrorContains(t, m.SetWeights("blk.7.no.weight", gguf.F32, data), "blk.7.no.weight")
}

func logits(t *testing.T, m *Model, ids []int32) []float32 {
	s, err := m.NewSession(len(ids))
	require.NoError(t, err)
	out := make([]float32, len(ids)*m.Vocab())
	require.NoError(t, s.Forward(ids, 0, out))
	return out
}
