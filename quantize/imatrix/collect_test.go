package imatrix

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// echo is a session whose activations are its tokens: 300 columns of a dense tensor, and an expert
// for even tokens and one for odd ones.
type echo struct {
	observe func(tensor string, expert, experts int, x []float32, cols int)
	resets  int
	fed     []int32
	rows    int // of logits
}

func (s *echo) Reset() { s.resets++ }

func (s *echo) Observe(f func(tensor string, expert, experts int, x []float32, cols int)) {
	s.observe = f
}

func (s *echo) Forward(ids []int32, from int, logits []float32) error {
	if len(logits) < len(ids)-from {
		return errors.New("no room for logits")
	}
	s.fed = append(s.fed, ids...)
	x := make([]float32, 300*len(ids))
	for i := range x {
		x[i] = float32(ids[i/300]) + float32(i%300)/7
		if ids[i/300] < 0 {
			x[i] = float32(math.Log(-1))
		}
	}
	s.observe("blk.0.attn_q.weight", 0, 1, x, 300)
	for i, id := range ids {
		s.observe("blk.0.ffn_up_exps.weight", int(id)&1, 3, x[i*300:(i+1)*300], 300)
	}
	s.observe("token_embd.weight", 0, 1, x, 300)
	if n := len(ids) - from; n > 0 {
		s.observe("output.weight", 0, 1, x[from*300:], 300)
		s.rows += n
	}
	return nil
}

// TestHeadsHaveOneCount: the matrices of heads are apart, but all see every token.
func TestHeadsHaveOneCount(t *testing.T) {
	c := &collector{m: &Matrix{entries: map[string]entry{}}, threads: 1}
	for head := range 3 {
		c.add("blk.0.attn_k_b.weight", head, 3, []float32{1, float32(head), 2, 0}, 2)
	}
	require.NoError(t, c.err)
	require.Equal(t, entry{[]float64{5, 0, 5, 1, 5, 4}, []float64{2}}, c.m.entries["blk.0.attn_k_b.weight"])
	w, err := c.m.Weights("blk.0.attn_k_b.weight", 6)
	require.NoError(t, err)
	require.Equal(t, []float32{2.5, 0, 2.5, 0.5, 2.5, 2}, w)
	_, err = c.m.Weights("blk.0.attn_k_b.weight", 2)
	require.Error(t, err)
}

var someChunks = [][]int32{{1, 2, 3}, {4, 6, 8}, {5, 5, 5}, {0, 0, 9}, {7, 1, 2}}

func collect(t *testing.T, o Options) (*Matrix, *echo) {
	t.Helper()
	s := &echo{}
	m, err := Collect(context.Background(), s, someChunks, o)
	require.NoError(t, err)
	require.Nil(t, s.observe)
	return m, s
}

func TestCollect(t *testing.T) {
	m, s := collect(t, Options{Dataset: "d", SHA256: "sum"})
	require.Equal(t, []string{"sum"}, m.SHA256)
	require.Equal(t, 5, s.resets, "each chunk begins anew")
	require.Equal(t, []string{"blk.0.attn_q.weight", "blk.0.ffn_up_exps.weight"}, m.Names())
	require.Equal(t, []any{[]string{"d"}, 5, 3}, []any{m.Datasets, m.Chunks, m.ChunkSize})
	e := m.entries["blk.0.attn_q.weight"]
	require.Equal(t, []float64{15}, e.counts)
	require.Equal(t, 1.0+4+9+16+36+64+25*3+81+49+1+4, e.sums[0])
	e = m.entries["blk.0.ffn_up_exps.weight"]
	require.Equal(t, []float64{7, 8, 0}, e.counts)
	require.Equal(t, 4.0+16+36+64+4, e.sums[0])
	require.Equal(t, 1.0+9+25*3+81+49+1, e.sums[300])

	many, _ := collect(t, Options{Dataset: "d", SHA256: "sum", Threads: 8})
	require.Equal(t, m, many)

	m, s = collect(t, Options{Output: true, Vocab: 2})
	require.Equal(t, []float64{15}, m.entries["output.weight"].counts)
	require.Equal(t, 15, s.rows)
}

// TestResume: an interrupted collection goes on from its snapshot to the same file.
func TestResume(t *testing.T) {
	path := filepath.Join(t.TempDir(), "partial")
	snap := Snapshot{Model: "m", Text: "t", Context: 3}
	ctx, cancel := context.WithCancel(context.Background())
	saves := 0
	_, err := Collect(ctx, &echo{}, someChunks, Options{Dataset: "d", SaveEvery: 2,
		Save: func(m *Matrix) error { saves++; return snap.Write(path, m) },
		Progress: func(chunk, chunks int) {
			require.Equal(t, 5, chunks)
			if chunk == 3 {
				cancel()
			}
		}})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 2, saves)

	start, err := snap.Read(path)
	require.NoError(t, err)
	require.Equal(t, 3, start.Chunks)
	m, s := collect(t, Options{Dataset: "d", Start: start})
	require.Equal(t, []int32{0, 0, 9, 7, 1, 2}, s.fed)
	whole, _ := collect(t, Options{Dataset: "d"})
	require.Equal(t, whole, m)
	_, a := written(t, whole, GGUF)
	_, b := written(t, m, GGUF)
	require.Equal(t, a, b)

	for want, s := range map[string]Snapshot{
		"another model":            {Model: "n", Text: "t", Context: 3},
		"another text":             {Model: "m", Text: "u", Context: 3},
		"another --ctx":            {Model: "m", Text: "t", Context: 4},
		"another --process-output": {Model: "m", Text: "t", Context: 3, Output: true},
		"another computation":      {Model: "m", Text: "t", Context: 3, Computation: "fast"},
	} {
		_, err := s.Read(path)
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, want)
	}
	_, err = Collect(context.Background(), &echo{}, someChunks[:2], Options{Start: whole})
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "5 chunks are already done")
}

func TestCollectRefuses(t *testing.T) {
	_, err := Collect(context.Background(), &echo{}, [][]int32{{1}, {1}, {-1}}, Options{Threads: 2})
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "chunk 3")
	require.ErrorContains(t, err, "blk.0.attn_q.weight: the activation of column 0 is not finite")
	_, err = Collect(context.Background(), &echo{}, nil, Options{})
	require.ErrorIs(t, err, gguf.ErrInput)

	full := errors.New("disk full")
	_, err = Collect(context.Background(), &echo{}, someChunks, Options{SaveEvery: 1, Save: func(*Matrix) error { return full }})
	require.ErrorIs(t, err, full)

	start := &Matrix{entries: map[string]entry{"blk.0.attn_q.weight": {make([]float64, 4), make([]float64, 2)}}}
	_, err = Collect(context.Background(), &echo{}, someChunks, Options{Start: start})
	require.ErrorContains(t, err, "300 columns of 1 experts, but had 2 of 2 before")
}
