package quantize

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// TestSplitPlan: the files hold together what one file holds, in any number of threads.
func TestSplitPlan(t *testing.T) {
	one, err := gguf.Open(run(t, sample(), Options{FileType: recipe.Q4_K_M}))
	require.NoError(t, err)
	defer one.Close()
	p, err := NewPlan(sample(), Options{FileType: recipe.Q4_K_M, Split: gguf.Split{MaxTensors: 4}, Threads: 3})
	require.NoError(t, err)
	out := filepath.Join(t.TempDir(), "out.gguf")
	require.NoError(t, p.Run(context.Background(), out, nil))
	paths, err := p.Paths(out)
	require.NoError(t, err)
	require.Len(t, paths, 3)
	f, err := gguf.Open(paths[0])
	require.NoError(t, err)
	defer f.Close()
	require.Equal(t, paths, f.Paths())
	changes, err := gguf.DiffTensors(context.Background(), one, f, 2, nil)
	require.NoError(t, err)
	require.Empty(t, changes)
	require.Equal(t, one.Metadata().All(), f.Metadata().All())
}

// TestKeepSplit: tensors stay in their files and in the order that they lie in them.
func TestKeepSplit(t *testing.T) {
	dir := t.TempDir()
	src := sample() // blk.1 lies before blk.0
	path := filepath.Join(dir, "src.gguf")
	split := gguf.Split{Counts: []int{3, 7}}
	require.NoError(t, gguf.Rewrite(context.Background(), path, src.md, src.ts, split, nil))
	f, err := gguf.Open(gguf.SplitPath(filepath.Join(dir, "src"), 1, 2))
	require.NoError(t, err)
	defer f.Close()
	p, err := NewPlan(f, Options{FileType: recipe.Q4_K_M, KeepSplit: true})
	require.NoError(t, err)
	require.Equal(t, split, p.Split)
	for i, x := range p.Tensors {
		require.Equal(t, src.ts[i].Info().Name, x.Name)
	}
	p, err = NewPlan(f, Options{FileType: recipe.Q4_K_M})
	require.NoError(t, err)
	require.Equal(t, "output_norm.weight", p.Tensors[0].Name)
	// Layers that are pruned leave the others where they are.
	p, err = NewPlan(f, Options{FileType: recipe.Q4_K_M, KeepSplit: true, PruneLayers: []int{1}})
	require.NoError(t, err)
	require.Equal(t, gguf.Split{Counts: []int{2, 4}}, p.Split)
	require.Equal(t, "blk.0.ffn_down.weight", p.Tensors[2].Name)
	_, err = NewPlan(src, Options{FileType: recipe.Q4_K_M, KeepSplit: true})
	require.ErrorIs(t, err, ErrOptions)
}

// TestSplitCancelLeavesNothing: no file of a split is left.
func TestSplitCancelLeavesNothing(t *testing.T) {
	p, err := NewPlan(sample(), Options{FileType: recipe.Q4_K_M, Split: gguf.Split{MaxTensors: 1}})
	require.NoError(t, err)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	require.ErrorIs(t, p.Run(ctx, filepath.Join(dir, "out.gguf"), func(_, _ int64) { cancel() }), context.Canceled)
	requireEmpty(t, dir)
}
