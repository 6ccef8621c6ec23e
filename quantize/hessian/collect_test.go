package hessian

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// layer shows q and k with the same activations, and a stacked tensor of two experts with others.
type layer struct{ looks int }

func (l *layer) Look(i int, f func(tensor string, expert, experts int, x []float32, cols int)) error {
	l.looks++
	x := correlated(uint64(i), 20, 40)
	f("q", 0, 1, x, 40)
	f("k", 0, 1, x, 40)
	f("other", 0, 1, x, 40)
	copy(x, correlated(uint64(100+i), 20, 40)) // the same memory
	f("exps", 0, 2, x[:30*20], 30)
	f("exps", 1, 2, x[:30*6], 30)
	return nil
}

func TestCollect(t *testing.T) {
	wanted := func(m Matrix) bool { return m.Tensor != "other" }
	for _, c := range []struct {
		name         string
		budget       int64
		looks, times int
	}{
		{"at once", 1 << 30, 12, 1},
		{"one at a time", 1, 36, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &layer{}
			var inputs []*Input
			require.NoError(t, Collect(t.Context(), l, 12, naive, wanted, c.budget, func(in *Input) error {
				inputs = append(inputs, in)
				return nil
			}))
			require.Equal(t, c.looks, l.looks)
			require.Len(t, inputs, 3)
			require.Equal(t, []Matrix{{"q", 0}, {"k", 0}}, inputs[0].Matrices)
			require.Equal(t, []Matrix{{"exps", 0}}, inputs[1].Matrices)
			require.Equal(t, []Matrix{{"exps", 1}}, inputs[2].Matrices)
			train, held := inputs[0].Tiles[0].Train, inputs[0].Tiles[0].Held
			require.EqualValues(t, 220, train.Rows)
			require.EqualValues(t, 20, held.Rows)
			want := New(40, naive)
			require.NoError(t, want.Add(correlated(9, 20, 40)))
			require.Equal(t, want.sums, held.sums, "the tenth chunk is held out")
			require.EqualValues(t, 66, inputs[2].Tiles[0].Train.Rows)
		})
	}
}

// TestTiles: a wide input's tiles cover its columns, each from a whole block on, and have the moments of theirs.
func TestTiles(t *testing.T) {
	in := newInput(Matrix{}, 9000, func(_, _, _ []float32, _, _, _ int) {})
	var first []int
	end := 0
	for _, tile := range in.Tiles {
		require.Equal(t, end, tile.First)
		require.Zero(t, tile.First%256)
		require.LessOrEqual(t, tile.Train.Cols, maxTile)
		first, end = append(first, tile.First), tile.First+tile.Train.Cols
	}
	require.Equal(t, 9000, end)
	require.Len(t, first, 3)

	x := correlated(4, 30, 40)
	m, part := New(40, naive), New(10, naive)
	require.NoError(t, m.Add(x))
	require.NoError(t, part.add(x, 40, 25))
	for i := range 10 {
		for j := range 10 {
			require.Equal(t, m.At(25+i, 25+j), part.At(i, j))
		}
	}
}

// walker is a layer, and another behind it as the output.
type walker struct {
	layer
	at int
}

func (w *walker) Layer() int  { return w.at }
func (w *walker) Layers() int { return 1 }
func (w *walker) Next() error { w.at++; return nil }

func TestSurvey(t *testing.T) {
	w, layers := &walker{}, 0
	got, err := Survey(t.Context(), w, 12, naive, func(m Matrix) bool { return m.Tensor != "other" }, 1<<30, func(int) { layers++ })
	require.NoError(t, err)
	require.Equal(t, 2, layers)
	require.Len(t, got, 8)
	require.Equal(t, got[:4], got[4:], "both are the same")
	q, k, exps := got[0], got[1], got[3]
	require.Equal(t, Matrix{"k", 0}, k.Matrix)
	require.EqualValues(t, 240, q.Tokens)
	require.True(t, q.Enough)
	require.Less(t, q.Left, 0.9, "the columns are correlated")
	require.Equal(t, q.Left, k.Left)
	require.Equal(t, Coverage{Matrix: Matrix{"exps", 1}, Experts: 2, Cols: 30, Tokens: 72, Left: exps.Left, Enough: true}, exps)

	few, err := Survey(t.Context(), &walker{at: 1}, 1, naive, func(m Matrix) bool { return m == Matrix{"exps", 1} }, 1<<30, nil)
	require.NoError(t, err)
	require.Equal(t, []Coverage{{Matrix: Matrix{"exps", 1}, Experts: 2, Cols: 30, Tokens: 6, Left: 1}}, few, "6 tokens for 30 columns are too few")
}
