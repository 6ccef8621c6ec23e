package model

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
	"github.com/carat-llm/carat/runtime/kernel"
)

// stepping are the calls for each of several sequences: so many tokens of each at a time.
var stepping = [][]int{{35, 3, 0}, {1, 1, 20}, {1, 5, 1}, {1, 1, 1}, {0, 2, 1}}

// requireStepsAlike compares the logits of sessions that step together with those of each alone.
func requireStepsAlike(t *testing.T, m *Model) {
	t.Helper()
	ids := [][]int32{testIDs(45), testIDs(45)[7:], testIDs(45)[3:]}
	b, alone, joint := m.NewBatch(), make([]*Session, 3), make([]*Session, 3)
	for i := range alone {
		alone[i], joint[i] = session(t, m, 45-5*i), session(t, m, 45-5*i)
	}
	at := make([]int, 3)
	for round, lengths := range stepping {
		var steps []Step
		var want [][]float32
		for i, n := range lengths {
			if n == 0 {
				continue
			}
			next := ids[i][at[i]:][:n]
			at[i] += n
			from := max(0, n-2)
			row := make([]float32, (n-from)*m.Vocab())
			require.NoError(t, alone[i].Forward(next, from, row))
			want = append(want, row)
			steps = append(steps, Step{joint[i], next, from, make([]float32, len(row))})
		}
		require.NoError(t, b.Forward(steps))
		for i, st := range steps {
			require.Equal(t, want[i], st.Logits, "round %d, step %d", round, i)
		}
		if round == 2 { // a step back, in one of them
			alone[0].Truncate(36)
			joint[0].Truncate(36)
			at[0] = 36
		}
	}
	for i := range alone {
		require.Equal(t, alone[i].Len(), joint[i].Len())
	}
}

// TestBatch: sessions that step together give what each gives alone, in every architecture that predicts tokens.
func TestBatch(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(families)) {
		t.Run(name, func(t *testing.T) {
			m := load(t, invented(t, name), 2)
			if m.Encodes() || m.graph.output.w == nil {
				return
			}
			requireStepsAlike(t, m)
		})
	}
}

// TestBatchFast: so do they in fast computation, on every tier, though kernels for many tokens may round otherwise.
func TestBatchFast(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	for _, tier := range cpu.Ladder() {
		t.Run(tier.String(), func(t *testing.T) {
			defer cpu.Force(tier)()
			src, err := convert.Open("../../testdata/checkpoints/llama", convert.Options{OutType: "q8_0"})
			require.NoError(t, err)
			defer src.Close()
			m, err := Load(src, Options{Pool: pool, Compute: kernel.Fast})
			require.NoError(t, err)
			requireStepsAlike(t, m)
		})
	}
}

func TestBatchRefuses(t *testing.T) {
	m := load(t, newFake(), 2)
	b, s, other, logits := m.NewBatch(), session(t, m, 4), session(t, m, 4), make([]float32, m.Vocab())
	good := Step{other, []int32{1}, 0, logits}
	require.ErrorIs(t, b.Forward([]Step{good, {s, testIDs(5), 5, nil}}), gguf.ErrInput)
	require.ErrorIs(t, b.Forward([]Step{good, {s, []int32{1 << 20}, 1, nil}}), gguf.ErrInput)
	require.ErrorContains(t, b.Forward([]Step{good, {s, []int32{1}, 0, nil}}), "room for 0 logits")
	require.ErrorContains(t, b.Forward([]Step{good, good}), "two steps")
	require.ErrorContains(t, load(t, newFake(), 2).NewBatch().Forward([]Step{good}), "another model")
	require.Zero(t, other.Len(), "nothing was evaluated")
	require.NoError(t, b.Forward(nil))
	require.NoError(t, b.Forward([]Step{{s, []int32{1, 2}, 2, nil}}))
	require.Equal(t, 2, s.Len())
}
