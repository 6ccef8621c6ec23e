package model

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/runtime/kernel"
)

// TestGoldenAdapter: logits with the golden adapter are those of PEFT on transformers, which scripts/checkpoints/peft_logits.py writes.
func TestGoldenAdapter(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	var want struct {
		IDs           []int32
		First, Logits []float32 // of the first token, and of the last
	}
	b, err := os.ReadFile("testdata/lora_logits.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &want))
	base := filepath.Join(golden, "golden", "arch", "llama3-rope")
	src, err := convert.Open(base, convert.Options{OutType: "f32"})
	require.NoError(t, err)
	adapter, err := convert.OpenAdapter(filepath.Join(golden, "golden", "prequant", "lora"), base, convert.Options{})
	require.NoError(t, err)
	both := Adapt(src, Adapter{"lora", adapter, 1})
	defer func() { require.NoError(t, both.Close()) }()
	for _, compute := range []kernel.Compute{kernel.Exact, kernel.Fast} {
		m, err := Load(both, Options{Pool: kernel.NewPool(2), Compute: compute})
		require.NoError(t, err)
		got := all(t, m, want.IDs)
		requireClose(t, want.First, got[:m.Vocab()])
		requireClose(t, want.Logits, got[len(got)-m.Vocab():])
	}
}
