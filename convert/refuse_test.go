package convert

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/stretchr/testify/require"
)

const lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"

// TestWhatItIs: what carat does not convert is called by its name.
func TestWhatItIs(t *testing.T) {
	config := func(more string) string {
		return `{"architectures": ["LlamaForCausalLM"], "num_hidden_layers": 1, "hidden_size": 8, "intermediate_size": 4, "vocab_size": 5, "num_attention_heads": 2` + more + `}`
	}
	tokenizer, err := os.ReadFile(filepath.Join("..", "testdata", "tiny-llama", "tokenizer.json"))
	require.NoError(t, err)
	vocab := config(`, "vocab_size": 100000`)
	for name, c := range map[string]struct {
		files      map[string]string
		want, hint string
	}{
		"nothing":            {nil, "config.json: missing file", ""},
		"adapter":            {map[string]string{"adapter_config.json": "{}", "adapter_model.safetensors": ""}, "an adapter (LoRA)", "merge"},
		"adapter and config": {map[string]string{"config.json": vocab, "tokenizer.json": string(tokenizer), "adapter_model.safetensors": ""}, "an adapter (LoRA)", "merge"},
		"diffusers":          {map[string]string{"model_index.json": "{}"}, "a diffusers pipeline", ""},
		"original":           {map[string]string{"params.json": "{}"}, "Meta's or Mistral's own format", "Hugging Face"},
		"gguf":               {map[string]string{"model-Q4_K_M.gguf": ""}, "GGUF files", "carat quantize"},
		"below":              {map[string]string{"snapshot/config.json": "{}"}, "in a folder below", "config.json"},
		"pointer config":     {map[string]string{"config.json": lfs}, "a Git LFS pointer", "git lfs pull"},
		"pointer weights":    {map[string]string{"config.json": vocab, "tokenizer.json": string(tokenizer), "model.safetensors": lfs}, "model.safetensors: is a Git LFS pointer", "git lfs pull"},
		"pointer index":      {map[string]string{"config.json": vocab, "tokenizer.json": string(tokenizer), "model.safetensors.index.json": lfs}, "index.json: is a Git LFS pointer", "git lfs pull"},
		"bin":                {map[string]string{"config.json": vocab, "tokenizer.json": string(tokenizer), "pytorch_model-00001-of-00002.bin": ""}, "pytorch_model-00002-of-00002.bin: missing file", ""},
		"odd bin":            {map[string]string{"config.json": vocab, "tokenizer.json": string(tokenizer), "weights.pt": ""}, "weights.pt does not have the name", "pytorch_model.bin"},
		"odd name":           {map[string]string{"config.json": vocab, "tokenizer.json": string(tokenizer), "weights.safetensors": ""}, "weights.safetensors does not have the name", "model.safetensors"},
		"a shard":            {map[string]string{"config.json": vocab, "tokenizer.json": string(tokenizer), "model-00002-of-00002.safetensors": ""}, "model-00001-of-00002.safetensors: missing file", ""},
		"not quantized":      {map[string]string{"config.json": config(`, "quantization_config": {}`)}, "neither tokenizer.json nor tokenizer.model", ""},
		"hqq":                {map[string]string{"config.json": config(`, "quantization_config": {"quant_method": "hqq", "bits": 4}`)}, "quantized with HQQ, 4 bits, which carat does not read", "BF16"},
		"gptq":               {map[string]string{"config.json": config(`, "quantization_config": {"quant_method": "gptq", "bits": 5}`)}, "GPTQ, 5 bits: codes have 2, 3, 4 or 8 bits", "BF16"},
		"new method":         {map[string]string{"config.json": config(`, "quantization_config": {"quant_method": "zip"}`)}, `the method "zip"`, "BF16"},
		"compressed":         {map[string]string{"config.json": config(`, "quantization_config": {"quant_method": "compressed-tensors", "format": "marlin-24"}`)}, "compressed-tensors, marlin-24: carat does not read", "BF16"},
		"modelopt":           {map[string]string{"config.json": config(""), "hf_quant_config.json": "{}"}, "hf_quant_config.json: quantization must be an object", ""},
		"awq beside":         {map[string]string{"config.json": config(""), "quant_config.json": `{"w_bit": 3}`}, "quant_config.json: the file says that the weights are quantized with AWQ, 3 bits", "BF16"},
		"wrapper":            {map[string]string{"config.json": `{"architectures": ["LlavaNextForConditionalGeneration"], "text_config": {"model_type": "mistral"}}`}, `a multimodal or encoder-decoder model; its text model is "mistral"`, "LlamaForCausalLM"},
		"reranker":           {map[string]string{"config.json": `{"architectures": ["Qwen3ForSequenceClassification"]}`}, "a classifier or reranker", "LlamaForCausalLM"},
		"embedder":           {map[string]string{"config.json": `{"architectures": ["FunnelModel"]}`}, "an embedding model", "LlamaForCausalLM"},
	} {
		dir := t.TempDir()
		for file, text := range c.files {
			path := filepath.Join(dir, filepath.FromSlash(file))
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		}
		_, err := Open(dir, Options{})
		require.ErrorIs(t, err, gguf.ErrInput, name)
		require.ErrorContains(t, err, c.want, name)
		require.Contains(t, hint.Of(err), c.hint, name)
	}
}

// TestNotAFolder: a file that is given instead of a folder.
func TestNotAFolder(t *testing.T) {
	dir := t.TempDir()
	for file, want := range map[string]string{"m.gguf": "use carat quantize", "model.safetensors": "give its folder", "x.txt": "config.json"} {
		path := filepath.Join(dir, file)
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		_, err := Open(path, Options{})
		require.ErrorIs(t, err, gguf.ErrInput)
		require.Contains(t, hint.Of(err), want)
	}
	_, err := Open(filepath.Join(dir, "absent"), Options{})
	require.ErrorIs(t, err, gguf.ErrInput)
}

// TestFused: experts as two tensors of three dimensions make the same stacks as experts one by one.
func TestFused(t *testing.T) {
	for _, class := range []string{"Qwen3MoeForCausalLM", "OlmoeForCausalLM"} {
		dir, specs, err := moeFolder(t, class, "")
		require.NoError(t, err)
		apart, err := mapFolder(t, dir, specs, gguf.F32)
		require.NoError(t, err)
		read := func(m *Model, name string) (b []byte) {
			for _, x := range m.tensors {
				if x.Info().Name == name {
					b = make([]byte, x.Info().Bytes())
					require.NoError(t, x.ReadRows(b, 0, x.Info().Rows()))
				}
			}
			require.NotEmpty(t, b, name)
			return b
		}
		// Put the experts' tensors together as transformers 5 does: per expert gate above up.
		gate, up, down := read(apart, "blk.0.ffn_gate_exps.weight"), read(apart, "blk.0.ffn_up_exps.weight"), read(apart, "blk.0.ffn_down_exps.weight")
		var both []byte
		for e := range 3 {
			n := len(gate) / 3
			both = append(append(both, gate[e*n:(e+1)*n]...), up[e*n:(e+1)*n]...)
		}
		tensors := map[string]rawTensor{
			"model.layers.0.mlp.experts.gate_up_proj": {[]int64{3, 8, 8}, both},
			"model.layers.0.mlp.experts.down_proj":    {[]int64{3, 8, 4}, down},
		}
		for _, f := range apart.files.Tensors() {
			if !strings.Contains(f.Name, "experts") {
				tensors[f.Name] = rawOf(t, f)
			}
		}
		fusedDir := t.TempDir()
		writeSafetensors(t, filepath.Join(fusedDir, "model.safetensors"), tensors)
		fused, err := mapFolder(t, fusedDir, specs, gguf.F32)
		require.NoError(t, err)
		require.Len(t, fused.tensors, len(apart.tensors))
		for _, x := range apart.tensors {
			require.Equal(t, read(apart, x.Info().Name), read(fused, x.Info().Name), x.Info().Name)
		}
	}
}

// rawTensor is a float32 tensor to write.
type rawTensor struct {
	shape []int64
	data  []byte
}

func rawOf(t *testing.T, f *safetensors.Tensor) rawTensor {
	b := make([]byte, f.Elements()*4)
	require.NoError(t, f.ReadAt(b, 0))
	return rawTensor{f.Shape, b}
}

func writeSafetensors(t *testing.T, path string, tensors map[string]rawTensor) {
	t.Helper()
	header, data := map[string]any{}, []byte{}
	for name, x := range tensors {
		header[name] = map[string]any{"dtype": "F32", "shape": x.shape, "data_offsets": []int{len(data), len(data) + len(x.data)}}
		data = append(data, x.data...)
	}
	h, err := json.Marshal(header)
	require.NoError(t, err)
	file := append([]byte{byte(len(h)), byte(len(h) >> 8), byte(len(h) >> 16), 0, 0, 0, 0, 0}, h...)
	require.NoError(t, os.WriteFile(path, append(file, data...), 0o600))
}

// TestNamesOfParts: a text model within a multimodal one is found by its names, what is not its own is left out and
// said.
func TestNamesOfParts(t *testing.T) {
	dir, specs, err := moeFolder(t, "Qwen3MoeForCausalLM", "")
	require.NoError(t, err)
	plain, err := mapFolder(t, dir, specs, gguf.F32)
	require.NoError(t, err)
	for _, prefix := range []func(string) string{
		func(s string) string { return "language_model." + s },
		func(s string) string { return strings.Replace(s, "model.", "model.language_model.", 1) },
		func(s string) string { return strings.TrimPrefix(s, "model.") },
	} {
		tensors := map[string]rawTensor{"vision_tower.blocks.0.weight": {[]int64{1}, make([]byte, 4)}, "visual.x": {[]int64{1}, make([]byte, 4)},
			"model.layers.0.self_attn.rotary_emb.inv_freq": {[]int64{1}, make([]byte, 4)}, "model.layers.0.self_attn.k_scale": {[]int64{1}, make([]byte, 4)}}
		for _, f := range plain.files.Tensors() {
			tensors[prefix(f.Name)] = rawOf(t, f)
		}
		to := t.TempDir()
		writeSafetensors(t, filepath.Join(to, "model.safetensors"), tensors)
		m, err := mapFolder(t, to, specs, gguf.F32)
		require.NoError(t, err)
		require.Len(t, m.tensors, len(plain.tensors))
		require.Len(t, m.notes, 2)
		require.Contains(t, m.notes[0], "2 tensors that are not the text model's")
		require.Contains(t, m.notes[1], "1 scales of a quantized key-value cache")
	}
}

// TestUnexpected: a tensor that has no place is named, with what it is.
func TestUnexpected(t *testing.T) {
	for name, want := range map[string]string{"model.layers.0.self_attn.q_proj.lora_A.weight": "adapter", "score.weight": "classifier", "model.layers.0.mlp.gate.qweight": "quantized already", "x.weight": ""} {
		dir, specs, err := moeFolder(t, "OlmoeForCausalLM", "")
		require.NoError(t, err)
		writeSafetensors(t, filepath.Join(dir, "model-2.safetensors"), map[string]rawTensor{name: {[]int64{1}, make([]byte, 4)}})
		_, err = mapFolder(t, dir, specs, gguf.F32)
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, "unexpected tensor "+name)
		require.Contains(t, hint.Of(err), want)
	}
}
