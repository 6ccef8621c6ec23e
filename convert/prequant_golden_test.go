package convert

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/prequant"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// expectedQuantized is what a quantized checkpoint stands for, and what the reference converter makes of it.
type expectedQuantized struct {
	Decoded   map[string]string `json:"hf_tensors_f32"`
	Reference [][4]any          `json:"reference_converter_f32"` // name, type, shape, SHA-256; nil where the reference refuses the folder
	KV        map[string]any    `json:"reference_kv"`
}

// TestGoldenPrequant decodes every tensor of the folders of quantized checkpoints, and converts them to F32.
func TestGoldenPrequant(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	files, err := filepath.Glob(filepath.Join(golden, "golden", "prequant", "*.expected.json"))
	require.NoError(t, err)
	matched, of := 0, 0
	match := func(t *testing.T, ok bool, what string) {
		of++
		if ok {
			matched++
		} else {
			t.Errorf("%s differs", what)
		}
	}
	for _, file := range files {
		dir := strings.TrimSuffix(file, ".expected.json")
		if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil {
			continue // an adapter
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var want expectedQuantized
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(b, &want))
			for name, sum := range decodedSums(t, dir) {
				match(t, want.Decoded[name] == sum, name)
				delete(want.Decoded, name)
			}
			require.Empty(t, want.Decoded)
			m, err := Open(dir, Options{OutType: "f32"})
			require.NoError(t, err)
			defer m.Close()
			for key, v := range want.KV {
				got, _ := m.Metadata().Get(key)
				match(t, got == uint32(v.(float64)), key)
			}
			for i, w := range want.Reference {
				if i >= len(m.Tensors()) {
					match(t, false, w[0].(string))
					continue
				}
				x := m.Tensors()[i]
				var shape []any
				for _, d := range x.Info().Shape {
					shape = append(shape, float64(d))
				}
				require.Equal(t, w[0], x.Info().Name)
				require.Equal(t, w[2], shape, w[0])
				b := make([]byte, x.Info().Bytes())
				require.NoError(t, x.ReadRows(b, 0, x.Info().Rows()))
				match(t, x.Info().Type.String() == w[1] && sumOf(b) == w[3], x.Info().Name)
			}
			if want.Reference != nil {
				require.Len(t, m.Tensors(), len(want.Reference))
			}
		})
	}
	t.Logf("matched %d of %d", matched, of)
	require.NotZero(t, of)
	require.Equal(t, of, matched)
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// decodedSums are the SHA-256 of a folder's tensors as float32, by their names.
func decodedSums(t *testing.T, dir string) map[string]string {
	t.Helper()
	config, err := arch.ReadConfig(dir)
	require.NoError(t, err)
	c, err := prequant.Read(dir, config.Values())
	require.NoError(t, err)
	files, err := safetensors.Open(dir)
	require.NoError(t, err)
	defer files.Close()
	set, err := prequant.Tensors(files.Tensors(), c)
	require.NoError(t, err)
	sums := map[string]string{}
	for _, x := range set.Tensors {
		flat := arch.Tensor{Name: "x", Shape: []int64{x.Elements()}}
		b := make([]byte, 4*x.Elements())
		require.NoError(t, newTensor(x.Tensor, flat, gguf.F32).ReadRows(b, 0, 1))
		sums[x.Name] = sumOf(b)
	}
	return sums
}
