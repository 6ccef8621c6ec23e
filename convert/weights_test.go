package convert

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/carat-llm/carat/convert/lora"
	"github.com/carat-llm/carat/convert/pickle"
	"github.com/carat-llm/carat/convert/pickle/pickletest"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/stretchr/testify/require"
)

// pickled copies a folder with its one file of safetensors as so many of PyTorch's.
func pickled(t *testing.T, dir string, shards int) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(dir))
	require.NoError(t, os.CopyFS(to, os.DirFS(dir)))
	require.NoError(t, os.Remove(filepath.Join(to, "model.safetensors")))
	files, err := safetensors.Open(dir)
	require.NoError(t, err)
	defer files.Close()
	all := files.Tensors()
	where := map[string]string{}
	for s := range shards {
		name := "pytorch_model.bin"
		if shards > 1 {
			name = strings.Replace("pytorch_model-0000X-of-0000N.bin", "X", string(rune('1'+s)), 1)
			name = strings.Replace(name, "N", string(rune('0'+shards)), 1)
		}
		part := all[s*len(all)/shards : (s+1)*len(all)/shards]
		b, err := pickletest.Checkpoint(part)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(to, name), b, 0o600))
		for _, x := range part {
			where[x.Name] = name
		}
	}
	if shards > 1 {
		b, err := json.Marshal(map[string]any{"metadata": map[string]any{}, "weight_map": where})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(to, pickle.Index), b, 0o600))
	}
	return to
}

// TestPickled: folders with PyTorch's files become what they become with safetensors, byte for byte.
func TestPickled(t *testing.T) {
	for shards, names := range map[int][]string{1: checkpointNames(t), 3: {"llama"}} {
		for _, name := range names {
			dir := filepath.Join(checkpoints, name)
			if files, _ := filepath.Glob(filepath.Join(dir, "*.safetensors")); len(files) != 1 {
				continue
			}
			to := pickled(t, dir, shards)
			for outType, want := range readRecorded(t, name).SHA256 {
				require.Equal(t, want, converted(t, to, outType), "%s %s %d", name, outType, shards)
			}
		}
	}
}

// TestPickledPaths: the files are among those of the model, and safetensors are taken where there are both.
func TestPickledPaths(t *testing.T) {
	to := pickled(t, filepath.Join(checkpoints, "llama"), 2)
	paths := func() []string {
		m, err := Open(to, Options{})
		require.NoError(t, err)
		defer m.Close()
		var names []string
		for _, p := range m.Paths() {
			names = append(names, filepath.Base(p))
		}
		return names
	}
	weights := []string{"pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin", "pytorch_model.bin.index.json"}
	require.Subset(t, paths(), weights)
	for _, name := range append(weights, "adapter_model.bin") {
		require.True(t, Reads(name), name)
	}
	require.False(t, Reads("out.bin"))
	b, err := os.ReadFile(filepath.Join(checkpoints, "llama", "model.safetensors"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(to, "model.safetensors"), b, 0o600))
	require.Contains(t, paths(), "model.safetensors")
	require.NotContains(t, paths(), weights[0])
}

// TestPickledAdapter merges an adapter from either file.
func TestPickledAdapter(t *testing.T) {
	dir := filepath.Join(checkpoints, "llama")
	folder, _ := adapterFor(t, dir, `{"peft_type":"LORA","lora_alpha":6}`)
	merged := func() map[string][]float32 {
		m, err := Open(dir, Options{OutType: "f32", LoRA: []LoRA{{folder, 1}}})
		require.NoError(t, err)
		defer m.Close()
		return valuesOf(t, m)
	}
	want := merged()
	files, err := safetensors.OpenFile(folder, lora.WeightsFile)
	require.NoError(t, err)
	b, err := pickletest.Checkpoint(files.Tensors())
	require.NoError(t, err)
	require.NoError(t, files.Close())
	require.NoError(t, os.Remove(filepath.Join(folder, lora.WeightsFile)))
	_, err = Open(dir, Options{LoRA: []LoRA{{folder, 1}}})
	require.ErrorContains(t, err, "adapter_model.safetensors: missing file")
	require.NoError(t, os.WriteFile(filepath.Join(folder, lora.PickleFile), b, 0o600))
	require.Equal(t, want, merged())
}

// TestSideFiles: whatever file's name stands in the source of this folder is one of those that a model is made of, so that
// the list cannot lack what is read.
func TestSideFiles(t *testing.T) {
	others := map[string]string{
		"params.json": "Meta's format, which is refused", "model_index.json": "diffusers, which are refused",
		"mlc-chat-config.json": "written for MLC", "tensor-cache.json": "written for MLC", "ndarray-cache.json": "written for MLC",
	}
	name := regexp.MustCompile(`"([A-Za-z0-9_-][A-Za-z0-9_.-]*\.(?:json|txt|md|jinja|tiktoken|model|bin|spm))"`)
	seen := map[string]bool{}
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || path == "paths.go" || strings.Contains(path, "pickletest") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range name.FindAllStringSubmatch(string(b), -1) {
			seen[m[1]] = true
		}
		return err
	}))
	for _, n := range slices.Sorted(maps.Keys(seen)) {
		if _, other := others[n]; !other && !strings.HasPrefix(n, "tokenizer.ggml.") {
			require.True(t, Reads(n), "%s stands in the source, but not in sideFiles", n)
		}
	}
	require.Greater(t, len(seen), 15)
}
