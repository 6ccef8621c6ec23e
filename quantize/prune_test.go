package quantize

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// stack is a llama of n layers with two matrices each; the first value of layer l is l.
func stack(n int) *memory {
	m := &memory{md: &gguf.Metadata{}}
	m.md.Set("general.architecture", "llama")
	m.md.Set("llama.block_count", uint32(n))
	m.md.Set("llama.attention.head_count", uint32(4))
	for l := range n {
		for _, kind := range []string{"ffn_down.weight", "attn_v.weight"} {
			v := ones(512)
			v[0] = float32(l)
			m.ts = append(m.ts, &memoryTensor{gguf.TensorInfo{Name: layerName("blk.0."+kind, l), Type: gguf.F32, Shape: []int64{256, 2}}, v})
		}
	}
	return m
}

func firstValue(t *testing.T, x gguf.Tensor) float32 {
	t.Helper()
	return x.(renamed).Tensor.(*memoryTensor).values[0]
}

func TestPruneRenumbersAndKeepsTheData(t *testing.T) {
	m := stack(12)
	p, err := Prune(m, []int{1, 7})
	require.NoError(t, err)
	require.Len(t, p.Tensors(), 20)
	for i, want := range []float32{0, 2, 3, 4, 5, 6, 8, 9, 10, 11} {
		x := p.Tensors()[2*i]
		require.Equal(t, layerName("blk.0.ffn_down.weight", i), x.Info().Name)
		require.Equal(t, want, firstValue(t, x), "the layer keeps its own data, not that of its new number")
		require.Equal(t, layerName("blk.0.ffn_down.weight", int(want)), p.SourceName(x.Info().Name))
	}
	require.Equal(t, "token_embd.weight", p.SourceName("token_embd.weight"))
	n, _ := p.Metadata().Int("llama.block_count")
	require.EqualValues(t, 10, n)
	require.Equal(t, "llama.block_count", p.Metadata().All()[p.Metadata().Len()-1].Key)
	n, _ = m.md.Int("llama.block_count")
	require.EqualValues(t, 12, n, "the source's is as it was")
}

func TestPruneAdjustsWhatIsPerLayer(t *testing.T) {
	m := stack(4)
	m.md.Set("llama.attention.head_count", []uint32{4, 5, 6, 7})
	m.md.Set("llama.attention.sliding_window_pattern", []bool{true, false, true, true})
	m.md.Set("llama.rope.dimension_sections", []int32{1, 2, 3, 4})
	m.md.Set("llama.feed_forward_length", []int32{1, 2})
	m.md.Set("other.list", []int32{1, 2, 3, 4})
	m.md.Set("llama.leading_dense_block_count", uint32(2))
	m.md.Set("llama.nextn_predict_layers", uint32(1))
	p, err := Prune(m, []int{1, 3})
	require.NoError(t, err)
	want := map[string]any{
		"llama.attention.head_count": []uint32{4, 6}, "llama.attention.sliding_window_pattern": []bool{true, true},
		"llama.rope.dimension_sections": []int32{1, 2, 3, 4}, "llama.feed_forward_length": []int32{1, 2}, "other.list": []int32{1, 2, 3, 4},
		"llama.leading_dense_block_count": uint32(1), "llama.nextn_predict_layers": uint32(0),
	}
	for k, v := range want {
		got, _ := p.Metadata().Get(k)
		require.Equal(t, v, got, k)
	}
}

// TestPruneKeepsTheRulesCounts: rules compare with the number of layers that the source has, and count the
// value matrices that are left.
func TestPruneKeepsTheRulesCounts(t *testing.T) {
	plan, err := NewPlan(stack(17), Options{FileType: recipe.Q4_K_M, PruneLayers: []int{15, 16}})
	require.NoError(t, err)
	types := map[string]gguf.Type{}
	for _, x := range plan.Tensors {
		types[x.Name] = x.Type
	}
	// Of 15 tensors number 12 gets more bits, of 17 it does not.
	require.Equal(t, gguf.Q4_K, types["blk.12.ffn_down.weight"])
	require.Equal(t, gguf.Q6_K, types["blk.12.attn_v.weight"])
}

func TestPruneTakesTheSourcesWeights(t *testing.T) {
	w := ones(256)
	w[3] = 100
	plan, err := NewPlan(stack(3), Options{FileType: recipe.Q4_K_M, PruneLayers: []int{0}, ImatrixName: "m", OverrideKV: []gguf.KV{{Key: "llama.block_count", Value: uint32(9)}},
		Imatrix: weights(t, map[string][]float32{"blk.1.ffn_down.weight": w, "blk.2.ffn_down.weight": ones(256)}, 1)})
	require.NoError(t, err)
	for _, x := range plan.Tensors {
		if x.Name == "blk.0.ffn_down.weight" {
			require.Equal(t, w, x.weights)
		}
	}
	all := plan.Metadata.All()
	require.Equal(t, gguf.KV{Key: "llama.block_count", Value: uint32(2)}, all[len(all)-1], "the last, also over an override")
	require.NoError(t, plan.Run(context.Background(), filepath.Join(t.TempDir(), "out.gguf"), nil))
}

func TestPruneRefuses(t *testing.T) {
	stacks := stack(2)
	stacks.ts = append(stacks.ts, &memoryTensor{gguf.TensorInfo{Name: "enc.blk.0.x", Type: gguf.F32, Shape: []int64{1}}, ones(1)})
	beyond := stack(3)
	beyond.md.Set("llama.block_count", uint32(2))
	periodic := stack(8)
	periodic.md.Set("llama.full_attention_interval", uint32(4))
	none := stack(2)
	none.md.Delete("llama.block_count")
	for reason, c := range map[string]struct {
		m    *memory
		drop []int
		is   error
	}{
		"no layer 2":          {stack(2), []int{2}, ErrOptions},
		"all 2 layers":        {stack(2), []int{0, 1}, ErrOptions},
		"more than one stack": {stacks, []int{0}, ErrOptions},
		"beyond":              {beyond, []int{0}, gguf.ErrInput},
		"every 4-th":          {periodic, []int{2}, ErrOptions},
		"without":             {none, []int{0}, gguf.ErrInput},
	} {
		_, err := Prune(c.m, c.drop)
		require.ErrorIs(t, err, c.is, reason)
	}
	_, err := Prune(periodic, []int{0, 1, 2, 3})
	require.NoError(t, err)
	for _, s := range []string{"", "1,", "-1", "a", "1 2", "99999999999"} {
		_, err := ParseLayers(s)
		require.Error(t, err, s)
	}
	layers, err := ParseLayers("7, 3,7")
	require.NoError(t, err)
	require.Equal(t, []int{3, 7}, layers)
}

// TestAlignmentIsKept: where the source asks for another alignment the output has it in fact, not only in
// its metadata as the reference's.
func TestAlignmentIsKept(t *testing.T) {
	m := sample()
	m.md.Set("general.alignment", uint32(64))
	aligned := run(t, m, Options{FileType: recipe.Q4_K_M})
	m.md.Delete("general.alignment")
	plain := run(t, m, Options{FileType: recipe.Q4_K_M})
	a, err := gguf.Open(aligned)
	require.NoError(t, err, "the reader checks offsets against the alignment")
	defer a.Close()
	b, err := gguf.Open(plain)
	require.NoError(t, err)
	defer b.Close()
	for i, x := range a.Tensors() {
		require.Equal(t, b.Tensors()[i].(gguf.Mapped).Bytes(), x.(gguf.Mapped).Bytes(), x.Info().Name)
	}
	n, _ := a.Metadata().Int("general.alignment")
	require.EqualValues(t, 64, n)
}

func FuzzParseLayers(f *testing.F) {
	f.Add("3,7")
	f.Add(" 0,0,2147483647")
	f.Fuzz(func(t *testing.T, s string) {
		layers, err := ParseLayers(s)
		if err != nil {
			return
		}
		for i, l := range layers {
			require.True(t, l >= 0 && (i == 0 || l > layers[i-1]), "%q gives %v", s, layers)
		}
	})
}
