package lora

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
)

// TestGoldenLoRA merges the golden adapter: float32 of sums in float64, bit for bit.
func TestGoldenLoRA(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	folder := filepath.Join(golden, "golden", "prequant")
	var want struct {
		Base   string
		Hashes map[string]string `json:"hf_tensors_f32"`
	}
	b, err := os.ReadFile(filepath.Join(folder, "lora.expected.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &want))
	base, err := safetensors.Open(filepath.Join(golden, "golden", filepath.FromSlash(want.Base)))
	require.NoError(t, err)
	defer base.Close()
	tensors, err := merge(t, filepath.Join(folder, "lora"), base.Tensors(), 1)
	require.NoError(t, err)
	matched := 0
	for i, x := range tensors {
		sum, ok := want.Hashes[x.Name]
		if !ok {
			require.Same(t, base.Tensors()[i], x)
			continue
		}
		require.Equal(t, gguf.F32, x.Type)
		raw := make([]byte, 4*x.Elements())
		require.NoError(t, x.ReadAt(raw, 0))
		if got := sha256.Sum256(raw); hex.EncodeToString(got[:]) == sum {
			matched++
		} else {
			t.Errorf("%s: its data differ", x.Name)
		}
	}
	t.Logf("matched %d of %d", matched, len(want.Hashes))
	require.Len(t, want.Hashes, matched)
}
