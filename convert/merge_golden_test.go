package convert

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// TestGoldenMergeIntoQuantized: weights that are quantized already are what they decode to, plus what an adapter adds.
func TestGoldenMergeIntoQuantized(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	configs, err := filepath.Glob(filepath.Join(golden, "golden", "prequant", "*", "config.json"))
	require.NoError(t, err)
	matched := 0
	for _, config := range configs {
		dir := filepath.Dir(config)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			plain, err := Open(dir, Options{OutType: "f32"})
			require.NoError(t, err)
			defer plain.Close()
			const name, module = "blk.0.attn_v.weight", "model.layers.0.self_attn.v_proj"
			info, before := decodedTensor(t, plain, name)
			cols, rows := info.Shape[0], info.Shape[1]
			w := adapterWriter{header: map[string]any{}}
			w.add(module+".lora_A.weight", 3, cols)
			w.add(module+".lora_B.weight", rows, 3)
			folder := w.write(t, `{"peft_type":"LORA","lora_alpha":6}`)
			merged, err := Open(dir, Options{OutType: "f32", LoRA: []LoRA{{folder, 1}}})
			require.NoError(t, err)
			defer merged.Close()
			got, after := decodedTensor(t, merged, name)
			require.Equal(t, gguf.F32, got.Type)
			adapter, err := OpenAdapter(folder, dir, Options{})
			require.NoError(t, err)
			defer adapter.Close()
			_, a := decodedTensor(t, adapter, name+".lora_a")
			_, b := decodedTensor(t, adapter, name+".lora_b")
			for i := range before {
				row, col, sum := int64(i)/cols, int64(i)%cols, 0.0
				for k := range int64(3) {
					sum += float64(b[row*3+k]) * float64(a[k*cols+col])
				}
				require.InDelta(t, float64(before[i])+2*sum, after[i], 1e-5)
			}
			require.Equal(t, info.Type != gguf.F32, strings.Contains(strings.Join(merged.Notes(), "\n"), "1 tensors that would be kept quantized as they are ("+module+".weight) are decoded"))
			matched++
		})
	}
	t.Logf("matched %d of %d", matched, len(configs))
	require.Positive(t, matched)
}

// decodedTensor reads a tensor as float32, times its scale if it has one.
func decodedTensor(t *testing.T, m *Model, name string) (gguf.TensorInfo, []float32) {
	t.Helper()
	var info gguf.TensorInfo
	var values []float32
	scale := float32(1)
	for _, x := range m.Tensors() {
		in := x.Info()
		if in.Name != name && in.Name != strings.TrimSuffix(name, ".weight")+".scale" {
			continue
		}
		b, v := make([]byte, in.Bytes()), make([]float32, in.Elements())
		require.NoError(t, x.ReadRows(b, 0, in.Rows()))
		c, ok := codec.For(in.Type)
		require.True(t, ok)
		c.Decode(v, b)
		if in.Name == name {
			info, values = in, v
		} else {
			scale = v[0]
		}
	}
	require.NotNil(t, values, name)
	for i := range values {
		values[i] *= scale
	}
	return info, values
}
