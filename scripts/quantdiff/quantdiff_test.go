package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// TestFiles compares whole files with those that llama-quantize made (files.txt, which --write writes), of the checkpoints of
// this repository and, where CARAT_GOLDEN is set, of the many of the golden data.
func TestFiles(t *testing.T) {
	folders := map[string]string{"testdata": filepath.Join("..", "..", "testdata"), "checkpoints": filepath.Join("..", "..", "testdata", "checkpoints")}
	if dir := os.Getenv("CARAT_GOLDEN"); dir != "" {
		folders["arch"] = filepath.Join(dir, "golden", "arch")
	}
	dir, matched, of := t.TempDir(), 0, 0
	var src gguf.Model
	var model, matrix string
	f, err := os.Open(filepath.Join("testdata", "files.txt"))
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, modeName, results := cut(lines.Text())
		folder, base, _ := strings.Cut(name, "/")
		if folders[folder] == "" {
			continue
		}
		if name != model {
			f16 := filepath.Join(dir, "f16.gguf")
			require.NoError(t, convertTo(t.Context(), "f16", filepath.Join(folders[folder], base), f16), name)
			src, err = gguf.Open(f16)
			require.NoError(t, err)
			t.Cleanup(func() { src.Close() })
			model, matrix = name, ""
		}
		m := modeOf(t, modeName)
		if matrix != modeName {
			require.NoError(t, m.write(src, filepath.Join(dir, matrixName)))
			matrix = modeName
		}
		for _, r := range strings.Fields(results) {
			typ, want, _ := strings.Cut(r, "=")
			got, err := caratFile(t.Context(), src, dir, m, typ)
			require.NoError(t, err, "%s %s %s", name, modeName, typ)
			of++
			if got == want {
				matched++
			} else {
				t.Errorf("%s %s %s: %s, llama-quantize %s", name, modeName, typ, got, want)
			}
		}
	}
	require.NoError(t, lines.Err())
	t.Logf("matched %d of %d", matched, of)
	require.NotZero(t, of)
}

func cut(line string) (name, mode, results string) {
	name, rest, _ := strings.Cut(line, " ")
	mode, results, _ = strings.Cut(rest, " ")
	return name, mode, results
}

func modeOf(t *testing.T, name string) mode {
	for _, m := range modes {
		if m.name == name {
			return m
		}
	}
	t.Fatalf("unknown mode %q", name)
	return mode{}
}

// TestVariants: headers are those of a larger model.
func TestVariants(t *testing.T) {
	f16 := filepath.Join(t.TempDir(), "f16.gguf")
	require.NoError(t, convertTo(t.Context(), "f16", filepath.Join("..", "..", "testdata", "checkpoints", "qwen3moe"), f16))
	src, err := gguf.Open(f16)
	require.NoError(t, err)
	defer src.Close()
	vs := variants(src)
	names := map[string]variant{}
	for _, v := range vs {
		names[v.name] = v
		n, _ := v.md.Int("qwen3moe.block_count")
		require.EqualValues(t, layers, n)
		_, ok := v.md.Get("tokenizer.ggml.tokens")
		require.False(t, ok)
	}
	n, _ := names["experts-8"].md.Int("qwen3moe.expert_count")
	require.EqualValues(t, 8, n)
	for _, info := range names["experts-8"].infos {
		if strings.HasSuffix(info.Name, "ffn_up_exps.weight") {
			require.Equal(t, []int64{2048, 2, 8}, info.Shape)
		}
	}
	require.Contains(t, names, "mixed")
}
