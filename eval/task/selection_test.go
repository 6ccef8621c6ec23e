package task

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMT19937(t *testing.T) {
	r := newMT19937(5489)
	var v uint32
	for range 10000 {
		v = r.next()
	}
	require.Equal(t, uint32(4123659995), v, "the C++ standard's own check")
}

// TestDraw holds what a C++ program with llama-perplexity's lines drew (libstdc++ 12).
func TestDraw(t *testing.T) {
	require.Equal(t, []int{2, 6, 4, 5, 0, 1}, drawErase(newMT19937(1), 7, 6))
	require.Equal(t, []int{2, 5, 3, 4, 0, 6}, drawSwap(newMT19937(1), 7, 6))
	require.Equal(t, []int{4187, 10013, 7233, 9363, 1, 1286}, drawErase(newMT19937(1), 10042, 6))
	require.Equal(t, []int{4187, 10012, 7232, 9361, 1, 1285}, drawSwap(newMT19937(1), 10042, 6))
}

func TestPick(t *testing.T) {
	hs := lookup(t, "hellaswag")
	require.Equal(t, []int{0, 1, 2}, hs.pick(3, 0, SelectLlama), "all are taken in their order")
	require.Equal(t, []int{0, 1, 2}, hs.pick(3, 4, SelectLlama))
	require.Equal(t, []int{0, 1}, hs.pick(3, 2, SelectFirst))
	all := hs.pick(100, 99, SelectLlama)
	require.Equal(t, all[:10], hs.pick(100, 10, SelectLlama), "a larger limit goes on")
	seen := map[int]bool{}
	for _, i := range all {
		seen[i] = true
	}
	require.Len(t, seen, 99)
}

func TestParseSelection(t *testing.T) {
	for in, want := range map[string]Selection{"": SelectLlama, "llama": SelectLlama, "first": SelectFirst} {
		got, err := ParseSelection(in)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := ParseSelection("last")
	require.ErrorContains(t, err, "llama or first")
}
