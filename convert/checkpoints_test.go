package convert

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// checkpoints has tiny checkpoints of all classes, and in each folder what must come of it (scripts/checkpoints).
const checkpoints = "../testdata/checkpoints"

// recorded is an expected.json: the SHA-256 of what the reference converter writes. Where carat differs from it on
// purpose, they are carat's own, beside the reference's and the reason.
type recorded struct {
	SHA256    map[string]string
	Reference map[string]string
	Differs   string
}

func readRecorded(t *testing.T, name string) recorded {
	t.Helper()
	var r recorded
	b, err := os.ReadFile(filepath.Join(checkpoints, name, "expected.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &r))
	require.Len(t, r.SHA256, 2, name)
	return r
}

func checkpointNames(t *testing.T) []string {
	t.Helper()
	dirs, err := os.ReadDir(checkpoints)
	require.NoError(t, err)
	var names []string
	for _, d := range dirs {
		names = append(names, d.Name())
	}
	return names
}

// converted is the SHA-256 of what a folder becomes.
func converted(t *testing.T, dir, outType string) string {
	t.Helper()
	m, err := Open(dir, Options{OutType: outType})
	require.NoError(t, err, dir)
	defer func() { require.NoError(t, m.Close()) }()
	return write(t, m)
}

// TestCheckpoints converts tiny checkpoints and compares whole files with the reference converter's. Of classes for which
// there are none at least the tensors and keys are pinned (families_test.go).
func TestCheckpoints(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range checkpointNames(t) {
		seen[classOf(t, filepath.Join(checkpoints, name))] = true
		t.Run(name, func(t *testing.T) {
			r := readRecorded(t, name)
			for outType, want := range r.SHA256 {
				require.Equal(t, want, converted(t, filepath.Join(checkpoints, name), outType), outType)
			}
			require.Equal(t, r.Differs != "", r.Reference != nil)
			for outType, theirs := range r.Reference {
				require.NotEqual(t, theirs, r.SHA256[outType], "it no longer differs")
			}
		})
	}
	for _, c := range readFamilies(t) {
		var config struct{ Architectures []string }
		require.NoError(t, json.Unmarshal(c.Config, &config))
		seen[config.Architectures[0]] = true
	}
	for _, dir := range encoderFolders(t) {
		seen[classOf(t, dir)] = true
	}
	for _, class := range arch.Classes() {
		if !slices.Contains(sameAs, class) {
			require.True(t, seen[class], "neither testdata/checkpoints nor testdata/encoders nor %s has a %s", familiesFile, class)
		}
	}
}

// sameAs are classes that share another's family and tensors: bodies without a head, wrappers, and older names.
var sameAs = []string{"Qwen2Model", "Qwen3Model", "LLaMAForCausalLM", "Qwen2VLForConditionalGeneration", "Qwen3_5MoeForConditionalGeneration",
	"Llama4ForConditionalGeneration", "ExaoneMoEForCausalLM", "Ernie4_5_ForCausalLM", "StableLMEpochForCausalLM", "BloomModel", "PhimoeForCausalLM",
	"Gemma3nForConditionalGeneration", "LlamaModel", "T5WithLMHeadModel",
	"JinaBertForMaskedLM", "NeoBERTLMHead", "NeoBERTForSequenceClassification"}

// TestIncompleteCheckpoints: without any one of its tensors a checkpoint is refused, and the error names the tensor.
func TestIncompleteCheckpoints(t *testing.T) {
	for _, name := range checkpointNames(t) {
		t.Run(name, func(t *testing.T) {
			f := find(t, name)
			for _, lost := range f.weights.names() {
				f.weights.write(t, f.path("model.safetensors"), slices.DeleteFunc(f.weights.names(), func(n string) bool { return n == lost })...)
				_, err := Open(f.dir, Options{})
				require.ErrorIs(t, err, gguf.ErrInput, lost)
				require.ErrorContains(t, err, "missing tensor "+lost)
			}
		})
	}
}
