package convert

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

// embeddingGemma makes a checkpoint as EmbeddingGemma's of the one of Gemma 3, with layers of those widths behind the pooling.
func embeddingGemma(t *testing.T, more string, widths ...int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "gemma3")
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("..", "testdata", "checkpoints", "gemma3"))))
	write := func(name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	b, err := os.ReadFile(filepath.Join(dir, "config.json"))
	require.NoError(t, err)
	config := strings.Replace(string(b), `"Gemma3ForCausalLM"`, `"Gemma3TextModel"`, 1)
	require.NotEqual(t, string(b), config)
	write("config.json", strings.Replace(config, "{", `{"use_bidirectional_attention": true,`, 1))
	modules := `{"type": "sentence_transformers.models.Transformer", "path": ""}, {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}`
	write("1_Pooling/config.json", `{"pooling_mode_mean_tokens": true}`)
	for i, out := range widths[1:] {
		folder := fmt.Sprintf("%d_Dense", i+2)
		modules += fmt.Sprintf(`, {"type": "sentence_transformers.models.Dense", "path": %q}`, folder)
		write(folder+"/config.json", fmt.Sprintf(`{"in_features": %d, "out_features": %d, "bias": false, "activation_function": "torch.nn.modules.linear.Identity"%s}`, widths[i], out, more))
		header := fmt.Sprintf(`{"linear.weight":{"dtype":"F32","shape":[%d,%d],"data_offsets":[0,%d]}}`, out, widths[i], 4*out*widths[i])
		data := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
		for n := range out * widths[i] {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(n)))
		}
		write(folder+"/model.safetensors", string(data))
	}
	write("modules.json", "["+modules+`, {"type": "sentence_transformers.models.Normalize", "path": ""}]`)
	return dir
}

// TestEmbeddingGemma: it is Gemma 3 of another name, with its pooling, and with the dense layers in front when they are asked for.
func TestEmbeddingGemma(t *testing.T) {
	dir := embeddingGemma(t, "", 16, 24, 16)
	base, err := Open(filepath.Join("..", "testdata", "checkpoints", "gemma3"), Options{})
	require.NoError(t, err)
	defer base.Close()
	plain, err := Open(dir, Options{})
	require.NoError(t, err)
	defer plain.Close()
	require.Contains(t, strings.Join(plain.Notes(), "\n"), "dense layer behind the pooling (3_Dense) is left out")
	yes, says := plain.Normalizes()
	require.True(t, yes && says)
	_, says = base.Normalizes()
	require.False(t, says)
	require.Len(t, plain.Tensors(), len(base.Tensors()))
	for i, x := range base.Tensors() {
		require.Equal(t, x.Info(), plain.Tensors()[i].Info())
	}
	for _, kv := range base.Metadata().All() {
		if key, ok := strings.CutPrefix(kv.Key, "gemma3."); ok {
			v, _ := plain.Metadata().Get("gemma-embedding." + key)
			require.Equal(t, kv.Value, v, key)
		}
	}
	n, _ := plain.Metadata().Int("gemma-embedding.pooling_type")
	require.EqualValues(t, poolingMean, n)

	with, err := Open(dir, Options{Dense: true, OutType: "f32"})
	require.NoError(t, err)
	defer with.Close()
	require.NotContains(t, strings.Join(with.Notes(), "\n"), "left out")
	require.Equal(t, gguf.TensorInfo{Name: "dense_2.weight", Type: gguf.F32, Shape: []int64{16, 24}}, with.Tensors()[0].Info())
	require.Equal(t, "dense_3.weight", with.Tensors()[1].Info().Name)
	require.Equal(t, float32(95), valuesOf(t, with)["dense_2.weight"][95])
	require.Contains(t, with.Paths(), filepath.Join(dir, "3_Dense", "model.safetensors"))
	require.Contains(t, with.Paths(), filepath.Join(dir, "3_Dense", "config.json"))
	for key, want := range map[string]int64{"dense_2_feat_in": 16, "dense_2_feat_out": 24, "dense_3_feat_in": 24, "dense_3_feat_out": 16} {
		n, ok := with.Metadata().Int("gemma-embedding." + key)
		require.True(t, ok)
		require.Equal(t, want, n)
	}
	require.NoError(t, with.Unchanged())
}

// TestDenseRefused: layers that GGUF cannot say are refused.
func TestDenseRefused(t *testing.T) {
	for _, c := range []struct {
		more   string
		widths []int
		want   string
	}{
		{`, "bias": true`, []int{64, 96}, "the layer has a bias"}, {`, "activation_function": "torch.nn.Tanh"`, []int{64, 96}, "torch.nn.Tanh"},
		{`, "out_features": 95`, []int{64, 96}, "linear.weight of shape [95 64]"}, {"", []int{64, 96, 96, 64}, "there can be two"},
	} {
		_, err := Open(embeddingGemma(t, c.more, c.widths...), Options{Dense: true})
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, c.want)
	}
}
