package convert

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// TestReranker: Qwen3-Reranker is known by its card or its folder's name, and the rows of "yes" and "no" take the
// place of its head.
func TestReranker(t *testing.T) {
	qwen3 := &arch.Family{Name: "qwen3"}
	dir := filepath.Join(t.TempDir(), "Qwen3-Reranker-0.6B")
	require.NoError(t, os.Mkdir(dir, 0o755))
	plain := t.TempDir()
	for _, c := range []struct {
		dir, card, from string
		family          *arch.Family
		want            bool
	}{{dir, "", "", qwen3, true}, {plain, "", "", qwen3, false}, {plain, "", "Qwen/Qwen3-Reranker-4B", qwen3, true}, {plain, "text\n# Qwen3-Reranker-8B\n", "", qwen3, true},
		{dir, "", "", &arch.Family{Name: "qwen2"}, false}} {
		_ = os.Remove(filepath.Join(c.dir, "README.md"))
		if c.card != "" {
			require.NoError(t, os.WriteFile(filepath.Join(c.dir, "README.md"), []byte(c.card), 0o600))
		}
		got, err := isReranker(c.dir, c.family, map[string]any{"_name_or_path": c.from})
		require.NoError(t, err)
		require.Equal(t, c.want, got, "%+v", c)
	}

	tokens := []gguf.KV{{Key: "tokenizer.ggml.tokens", Value: []string{"a", "no", "b", "yes", "c"}}}
	for _, tied := range []bool{true, false} {
		folder, specs, err := moeFolder(t, "Qwen3ForCausalLM", "")
		require.NoError(t, err)
		files, err := safetensors.Open(folder)
		require.NoError(t, err)
		spec := &arch.Spec{Tensors: specs, Prefix: "model."}
		require.NoError(t, rerank(folder, spec, tokens, tied))
		m := &Model{dir: folder, files: files}
		require.NoError(t, m.mapTensors(spec, gguf.F32))
		find := func(name string) gguf.Tensor {
			if i := slices.IndexFunc(m.tensors, func(x gguf.Tensor) bool { return x.Info().Name == name }); i >= 0 {
				return m.tensors[i]
			}
			return nil
		}
		require.Equal(t, tied, find("output.weight") != nil, "a head of its own gives way")
		head := "lm_head.weight"
		if tied {
			head = "model.embed_tokens.weight"
		}
		for _, f := range files.Tensors() {
			if f.Name == head {
				raw := make([]byte, f.Elements()*4)
				require.NoError(t, f.ReadAt(raw, 0))
				got := make([]byte, 2*8*4)
				require.NoError(t, find("cls.output.weight").ReadRows(got, 0, 2))
				require.Equal(t, append(slices.Clone(raw[3*32:4*32]), raw[1*32:2*32]...), got, "yes, then no")
			}
		}
		require.NoError(t, files.Close())
	}
	err := rerank(dir, &arch.Spec{}, []gguf.KV{{Key: "tokenizer.ggml.tokens", Value: []string{"yes"}}}, true)
	require.ErrorContains(t, err, `no token "no"`)
}
