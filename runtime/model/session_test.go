package model

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/kernel"
)

// running is a layer that adds to each token the sum of what all before it were: one number stands for them all.
type running struct{ evaluated []int }

type runningState struct{ tokens, savedTokens, sum, saved float32 }

func (r *running) newState(int, gguf.Type) state     { return &runningState{} }
func (r *running) stateBytes(int, gguf.Type) float64 { return 16 }
func (r *runningState) Bytes() int64                 { return 16 }
func (r *runningState) save()                        { r.savedTokens, r.saved = r.tokens, r.sum }
func (r *runningState) copyFrom(from state, _ int)   { *r = *from.(*runningState) }
func (r *runningState) truncate(n int) int {
	switch {
	case int(r.tokens) <= n:
	case int(r.savedTokens) <= n:
		r.tokens, r.sum = r.savedTokens, r.saved
	default:
		*r = runningState{}
	}
	return int(r.tokens)
}

func (r *running) forward(s *Session, x, left []float32, n int, own state) {
	st := own.(*runningState)
	if int(st.tokens) != s.done {
		panic("the state is of another number of tokens")
	}
	r.evaluated = append(r.evaluated, n)
	s.pool.Add(x, left)
	clear(left)
	for i := range n {
		st.sum += x[i*len(x)/n]
		left[i*len(x)/n] = st.sum
	}
	st.tokens += float32(n)
}

// withRunning is a model whose second of three layers is such a one.
func withRunning(t *testing.T) (*Model, *running) {
	m, r := load(t, newFake(), 2), &running{}
	m.graph.layers = []layer{m.graph.layers[0], r, m.graph.layers[1]}
	return m, r
}

// TestTruncateEvaluatesAgain: a state that cannot go back to a place is made anew from the tokens, or from the last prompt's end.
func TestTruncateEvaluatesAgain(t *testing.T) {
	prompt, other := testIDs(40), []int32{7, 8, 9}
	for _, c := range []struct {
		name      string
		keep      int
		evaluated []int
	}{
		{"the end of the prompt", 40, []int{3}},
		{"behind it", 43, []int{3, 3}}, // the tokens behind the saved place first
		{"before it", 20, []int{20, 3}},
		{"all", 45, []int{3}},
		{"none", 0, []int{3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, layer := withRunning(t)
			before := append(prompt[:40:40], 3, 1, 4, 1, 5)
			want := all(t, m, append(before[:c.keep:c.keep], other...))[c.keep*m.Vocab():]

			s := session(t, m, 60)
			require.NoError(t, s.Forward(prompt, 40, nil))
			for i := 40; i < 45; i++ {
				require.NoError(t, s.Forward(before[i:i+1], 1, nil))
			}
			s.Truncate(c.keep)
			require.Equal(t, c.keep, s.Len())
			layer.evaluated = nil
			seen, got := 0, make([]float32, len(want))
			s.Observe(func(tensor string, _, _ int, x []float32, cols int) {
				if tensor == "blk.1.attn_q.weight" {
					seen += len(x) / cols
				}
			})
			require.NoError(t, s.Forward(other, 0, got))
			require.Equal(t, want, got)
			require.Equal(t, c.evaluated, layer.evaluated)
			require.Equal(t, 3, seen, "observers see a token once")
		})
	}
}

// TestCopyFrom: a copied session goes on as the one that it was copied from, which may go elsewhere, whatever it held before.
func TestCopyFrom(t *testing.T) {
	check := func(t *testing.T, m *Model, n int) {
		prompt := testIDs(n)
		want := all(t, m, append(prompt[:n:n], 3, 1))
		from, to := session(t, m, n+8), session(t, m, n+8)
		require.NoError(t, to.Forward(testIDs(n + 7)[3:], n+4, nil))
		require.NoError(t, from.Forward(prompt, n, nil))
		to.CopyFrom(from)
		require.NoError(t, from.Forward([]int32{9, 8, 7}, 3, nil))
		require.Equal(t, n, to.Len())
		row := make([]float32, m.Vocab())
		for i, id := range []int32{3, 1} {
			require.NoError(t, to.Forward([]int32{id}, 0, row))
			require.Equal(t, want[(n+i)*m.Vocab():(n+i+1)*m.Vocab()], row)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(families)) {
		if m := load(t, invented(t, name), 2); !m.Encodes() {
			t.Run(name, func(t *testing.T) { check(t, m, 40) })
		}
	}
	for _, kv := range KVTypes {
		t.Run(kv.String(), func(t *testing.T) {
			m, err := Load(newFake(), Options{Pool: kernel.NewPool(2), KVType: kv})
			require.NoError(t, err)
			check(t, m, 70) // more than a block
		})
	}
}

// TestHidden: logits are the output matrix times the activations behind the last norm.
func TestHidden(t *testing.T) {
	m := load(t, newFake(), 2)
	ids, width := testIDs(9), m.Width()
	require.Equal(t, testWidth, width)
	want, logits, hidden := all(t, m, ids), make([]float32, 4*m.Vocab()), make([]float32, 4*width)
	s := session(t, m, 20)
	require.NoError(t, s.Evaluate(ids, Outputs{From: 5, Logits: logits, Hidden: hidden}))
	require.Equal(t, want[5*m.Vocab():], logits)
	for i := range 4 {
		x := make([]float64, width)
		for j, v := range hidden[i*width : (i+1)*width] {
			x[j] = float64(v)
		}
		for id, v := range product(newFake().values(t, "token_embd.weight"), x) {
			require.InDelta(t, v, logits[i*m.Vocab()+id], 1e-4)
		}
	}
	s.Reset()
	alone := make([]float32, len(hidden))
	require.NoError(t, s.Evaluate(ids, Outputs{From: 5, Hidden: alone}))
	require.Equal(t, hidden, alone)
	require.ErrorContains(t, s.Evaluate(ids, Outputs{Hidden: alone}), "need 360")
}

// TestSizesOfLayers: heads and the width of feed-forward parts may differ from layer to layer, and keys may be longer than values.
func TestSizesOfLayers(t *testing.T) {
	f := newFake()
	for key, v := range map[string]any{"feed_forward_length": []uint32{60, 24}, "attention.head_count": []uint32{4, 2},
		"attention.head_count_kv": []uint32{2, 1}, "attention.key_length": uint32(12), "attention.value_length": uint32(8)} {
		f.md.Set("llama."+key, v)
	}
	other := map[string][]int64{"attn_q": {40, 48}, "attn_k": {40, 24}, "attn_v": {40, 16}, "attn_output": {32, 40}}
	second := map[string][]int64{"attn_q": {40, 24}, "attn_k": {40, 12}, "attn_v": {40, 8}, "attn_output": {16, 40},
		"ffn_gate": {40, 24}, "ffn_up": {40, 24}, "ffn_down": {24, 40}}
	for i, shapes := range []map[string][]int64{other, second} {
		for name, shape := range shapes {
			f.reshape(layerName(i)+name+".weight", shape...)
		}
	}
	m := load(t, f, 2)
	ids := testIDs(20)
	want := all(t, m, ids)
	s, row := session(t, m, 20), make([]float32, m.Vocab())
	for i := range ids {
		require.NoError(t, s.Forward(ids[i:i+1], 0, row))
		require.Equal(t, want[i*m.Vocab():(i+1)*m.Vocab()], row)
	}
}

func TestArena(t *testing.T) {
	var a arena
	x := a.floats(10)
	m := a.mark()
	y := a.floats(100)
	x[9], y[0] = 1, 2
	require.Equal(t, float32(1), x[9], "they do not overlap")
	a.release(m)
	z := a.floats(50)
	z[0] = 3
	require.Equal(t, float32(3), y[0], "what was released is taken again")
	a.reset()
	size := a.Bytes()
	require.Zero(t, testing.AllocsPerRun(40, func() {
		a.reset()
		a.floats(10)
		a.floats(100)
	}))
	require.Equal(t, size, a.Bytes())
}
