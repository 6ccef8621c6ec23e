package clients

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/stretchr/testify/require"
)

func matrix(t gguf.Type, cols int64) gguf.TensorInfo {
	return gguf.TensorInfo{Name: "blk.0.attn_v.weight", Type: t, Shape: []int64{cols, 8}}
}

func client(t *testing.T, name string) Client {
	t.Helper()
	c, err := Parse(name)
	require.NoError(t, err)
	require.Len(t, c, 1)
	return c[0]
}

func TestParse(t *testing.T) {
	list, err := Parse("Candle, openvino,candle")
	require.NoError(t, err)
	require.Equal(t, []string{"candle", "openvino"}, []string{list[0].Name, list[1].Name})
	for _, s := range []string{"", "candel", "ollama,", ","} {
		_, err := Parse(s)
		require.ErrorContains(t, err, "unknown client", s)
		require.Contains(t, hint.Of(err), "llama.cpp ollama")
	}
}

func TestRefuses(t *testing.T) {
	for _, c := range []struct {
		client, arch string
		typ          gguf.Type
		cols         int64
		want         string // "" when it loads
	}{
		{"llama.cpp", "any", gguf.Q2_0, 256, ""},
		{"ollama", "qwen3", gguf.MXFP4, 256, ""},
		{"candle", "qwen3", gguf.Q5_K, 256, ""},
		{"candle", "qwen3", gguf.IQ4_XS, 256, "tensor blk.0.attn_v.weight: candle 0.11 does not read IQ4_XS; the nearest type that it reads is Q4_K"},
		{"candle", "qwen3", gguf.IQ4_NL, 96, "the nearest type that it reads is Q4_0"},
		{"candle", "qwen3", gguf.IQ1_S, 256, "the nearest type that it reads is Q2_K"},
		{"candle", "mamba", gguf.Q8_0, 256, "candle 0.11 does not have the architecture mamba: it has llama, "},
		{"openvino", "llama", gguf.Q3_K, 256, "OpenVINO GenAI 2026.4 does not read Q3_K; the nearest type that it reads is MXFP4"},
		{"openvino", "llama", gguf.Q5_K, 256, "the nearest type that it reads is Q4_1"},
		{"openvino", "llama", gguf.BF16, 33, "the nearest type that it reads is F16"},
		{"gpt4all", "llama", gguf.TQ2_0, 256, "GPT4All 2.8 does not read TQ2_0; the nearest type that it reads is IQ2_XXS"},
		{"vllm", "qwen3", gguf.IQ2_S, 256, ""},
	} {
		err := client(t, c.client).Refuses(c.arch, []gguf.TensorInfo{
			{Name: "output_norm.weight", Type: gguf.F32, Shape: []int64{c.cols}}, matrix(c.typ, c.cols),
		})
		if c.want == "" {
			require.NoError(t, err, "%s %v", c.client, c.typ)
		} else {
			require.ErrorContains(t, err, c.want, "%s %v", c.client, c.typ)
		}
	}
}

func TestUnread(t *testing.T) {
	require.Empty(t, Unread("llama", []gguf.TensorInfo{matrix(gguf.Q4_K, 256), matrix(gguf.Q6_K, 256), {Name: "n", Type: gguf.F32, Shape: []int64{256}}}))
	notes := Unread("llama", []gguf.TensorInfo{matrix(gguf.MXFP4, 256), matrix(gguf.IQ4_NL, 256), matrix(gguf.IQ4_NL, 256)})
	require.Len(t, notes, 2)
	require.Contains(t, notes[0], "IQ4_NL is not read by candle 0.11, mistral.rs 0.9, OpenVINO GenAI 2026.4")
	require.Contains(t, notes[1], "MXFP4 is not read by GPT4All 2.8, candle 0.11")
	notes = Unread("gemma4", []gguf.TensorInfo{matrix(gguf.MXFP4, 256)})
	require.Equal(t, []string{"MXFP4 is not read by vLLM (--for CLIENT refuses such types)"}, notes, "others have no such architecture")
}

// TestTable: every type can be written, and docs/clients.md names every client.
func TestTable(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "clients.md"))
	require.NoError(t, err)
	for _, c := range table {
		require.Contains(t, string(doc), "| `"+c.Name+"` |")
		require.Contains(t, string(doc), c.Version)
		for _, typ := range c.types {
			enc, ok := codec.For(typ)
			require.True(t, ok && !enc.Activations, "%s %v", c.Name, typ)
		}
	}
}
