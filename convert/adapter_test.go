package convert

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/lora"
	"github.com/carat-llm/carat/gguf"
)

// adapterFor writes an adapter of rank 3 that changes every matrix of the checkpoint in dir which conversion only moves: some numbers that
// differ everywhere. It returns the adapter's folder and the number of its modules.
func adapterFor(t *testing.T, dir, config string) (folder string, modules int) {
	t.Helper()
	m, err := Open(dir, Options{})
	require.NoError(t, err)
	defer m.Close()
	spec := specOf(t, dir)
	from := newSources(spec)
	turned := strings.Contains(config, `"fan_in_fan_out":true`)
	w := adapterWriter{header: map[string]any{}}
	add := w.add
	for _, f := range m.files.Tensors() {
		_, specs := from.find(from.nameOf(f.Name))
		embedding := slices.ContainsFunc(specs, func(s arch.Tensor) bool { return s.Name == "token_embd.weight" || s.Name == "position_embd.weight" })
		if len(f.Shape) != 2 || specs == nil || slices.ContainsFunc(specs, func(s arch.Tensor) bool { return s.Changes() }) || turned && !embedding && !specs[0].Transpose {
			continue
		}
		module, rows, cols := strings.TrimSuffix(f.Name, ".weight"), f.Shape[0], f.Shape[1]
		switch {
		case embedding:
			add(module+".lora_embedding_A", 3, rows)
			add(module+".lora_embedding_B", cols, 3)
		case turned:
			add(module+".lora_A.weight", 3, rows)
			add(module+".lora_B.weight", cols, 3)
		default:
			add(module+".lora_A.weight", 3, cols)
			add(module+".lora_B.weight", rows, 3)
		}
		modules++
	}
	return w.write(t, config), modules
}

// adapterWriter makes adapters of some numbers.
type adapterWriter struct {
	header map[string]any
	data   []byte
	seed   int
}

func (w *adapterWriter) add(name string, shape ...int64) {
	begin := len(w.data)
	for range shape[0] * shape[1] {
		w.seed++
		w.data = binary.LittleEndian.AppendUint32(w.data, math.Float32bits(float32(math.Sin(float64(w.seed)))))
	}
	w.header["base_model.model."+name] = map[string]any{"dtype": "F32", "shape": shape, "data_offsets": []int{begin, len(w.data)}}
}

func (w *adapterWriter) write(t *testing.T, config string) (folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "adapter")
	require.NoError(t, os.Mkdir(folder, 0o755))
	h, err := json.Marshal(w.header)
	require.NoError(t, err)
	b := append(binary.LittleEndian.AppendUint64(nil, uint64(len(h))), h...)
	require.NoError(t, os.WriteFile(filepath.Join(folder, lora.WeightsFile), append(b, w.data...), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, lora.ConfigFile), []byte(config), 0o600))
	return folder
}

func specOf(t *testing.T, dir string) *arch.Spec {
	t.Helper()
	cfg, err := arch.ReadConfig(dir)
	require.NoError(t, err)
	family, _, cfg, err := arch.Find(cfg)
	require.NoError(t, err)
	return family.Describe(cfg)
}

// valuesOf reads all F32 tensors of a model.
func valuesOf(t *testing.T, m *Model) map[string][]float32 {
	t.Helper()
	out := map[string][]float32{}
	for _, x := range m.Tensors() {
		in := x.Info()
		require.Equal(t, gguf.F32, in.Type)
		b := make([]byte, in.Bytes())
		for row := int64(0); row < in.Rows(); row += 5 {
			n := min(5, in.Rows()-row)
			require.NoError(t, x.ReadRows(b[row*in.RowBytes():][:n*in.RowBytes()], row, n))
		}
		v := make([]float32, in.Elements())
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		out[in.Name] = v
	}
	return out
}

// TestAdapters: in every family the model with a merged adapter is the model plus what the GGUF adapter says, as llama.cpp adds it: alpha /
// rank times b * a. So both follow what the family does to its tensors, and rank-stabilised scales are right in both.
func TestAdapters(t *testing.T) {
	for _, c := range []struct {
		folder, config string
	}{
		{"llama", `{"peft_type":"LORA","lora_alpha":6}`}, {"llama3-rope", `{"peft_type":"LORA","lora_alpha":6,"use_rslora":true}`},
		{"gpt2", `{"peft_type":"LORA","lora_alpha":6,"fan_in_fan_out":true}`}, {"phi3", `{"peft_type":"LORA","lora_alpha":6}`},
		{"gemma3", `{"peft_type":"LORA","lora_alpha":6}`}, {"qwen3", `{"peft_type":"LORA","lora_alpha":6}`}, {"mixtral", `{"peft_type":"LORA","lora_alpha":6}`},
		{"qwen3moe", `{"peft_type":"LORA","lora_alpha":6,"use_rslora":true}`},
	} {
		t.Run(c.folder, func(t *testing.T) {
			dir := filepath.Join("..", "testdata", "checkpoints", c.folder)
			folder, modules := adapterFor(t, dir, c.config)
			require.Greater(t, modules, 5)
			plain, err := Open(dir, Options{OutType: "f32"})
			require.NoError(t, err)
			defer plain.Close()
			merged, err := Open(dir, Options{OutType: "f32", LoRA: []LoRA{{folder, 1}}})
			require.NoError(t, err)
			defer merged.Close()
			require.Contains(t, strings.Join(merged.Notes(), "\n"), fmt.Sprintf("adapter adapter: %d tensors are changed, 0 replaced", modules))
			require.Contains(t, merged.Paths(), filepath.Join(folder, lora.WeightsFile))
			require.Equal(t, plain.Metadata().All(), merged.Metadata().All())
			adapter, err := OpenAdapter(folder, dir, Options{})
			require.NoError(t, err)
			defer adapter.Close()
			require.Equal(t, "adapter", adapter.Metadata().All()[1].Value)
			before, after, change := valuesOf(t, plain), valuesOf(t, merged), valuesOf(t, adapter)
			shape := map[string][]int64{}
			for _, x := range append(plain.Tensors(), adapter.Tensors()...) {
				shape[x.Info().Name] = x.Info().Shape
			}
			changed, stacked := 0, 0
			for name, w := range before {
				a, b := change[name+".lora_a"], change[name+".lora_b"]
				if a == nil {
					require.Equal(t, w, after[name], name)
					continue
				}
				changed += 2
				cols, rows := shape[name][0], shape[name][1]
				if len(shape[name]) == 3 {
					experts := shape[name][2]
					require.Equal(t, []int64{cols, 3, experts}, shape[name+".lora_a"])
					require.Equal(t, []int64{3, rows, experts}, shape[name+".lora_b"])
					for i := range w {
						e, row, col, sum := int64(i)/(rows*cols), int64(i)/cols%rows, int64(i)%cols, 0.0
						for k := range int64(3) {
							sum += float64(b[(e*rows+row)*3+k]) * float64(a[(e*3+k)*cols+col])
						}
						require.InDelta(t, float64(w[i])+2*sum, after[name][i], 1e-5, "%s element %d", name, i)
					}
					stacked++
					continue
				}
				at := func(k, col int64) float64 { return float64(a[k*cols+col]) }
				if name == "token_embd.weight" {
					// rows of a are looked up: a is rows x rank, and b cols x rank.
					require.Equal(t, []int64{3, rows}, shape[name+".lora_a"])
					require.Equal(t, []int64{3, cols}, shape[name+".lora_b"])
					a, b = b, a
					at = func(k, col int64) float64 { return float64(a[col*3+k]) }
				} else {
					require.Equal(t, []int64{cols, 3}, shape[name+".lora_a"])
					require.Equal(t, []int64{3, rows}, shape[name+".lora_b"])
				}
				for row := range rows {
					for col := range cols {
						sum := 0.0
						for k := range int64(3) {
							sum += float64(b[row*3+k]) * at(k, col)
						}
						require.InDelta(t, float64(w[row*cols+col])+2*sum, after[name][row*cols+col], 1e-5, "%s row %d column %d", name, row, col)
					}
				}
			}
			require.Equal(t, c.folder == "mixtral" || c.folder == "qwen3moe", stacked > 0)
			require.Equal(t, len(change), changed, "each tensor of the adapter belongs to one of the model")
		})
	}
}

// TestAdapterRefuses: what a GGUF adapter cannot say is refused, with the way to have it all the same.
func TestAdapterRefuses(t *testing.T) {
	dir := filepath.Join("..", "testdata", "checkpoints", "llama")
	folder, _ := adapterFor(t, dir, `{"peft_type":"LORA"}`)
	_, err := OpenAdapter(folder, filepath.Join("..", "testdata", "checkpoints", "gpt2"), Options{})
	require.ErrorIs(t, err, gguf.ErrInput)
	require.Regexp(t, "has no counterpart in a gpt2 model|as a tensor of shape", err.Error())
	_, err = OpenAdapter(folder, dir, Options{OutType: "q9"})
	require.ErrorIs(t, err, ErrOutType)
	_, err = OpenAdapter(dir, dir, Options{})
	require.ErrorContains(t, err, "adapter_config.json: missing file")
	_, err = Open(folder, Options{})
	require.ErrorContains(t, err, "an adapter (LoRA), not a model")
	for _, outType := range []string{"f16", "bf16", "q8_0", "auto"} {
		m, err := OpenAdapter(folder, dir, Options{OutType: outType})
		require.NoError(t, err)
		want := map[string]gguf.Type{"f16": gguf.F16, "auto": gguf.F16, "bf16": gguf.BF16, "q8_0": gguf.F16}[outType]
		require.Equal(t, want, m.Tensors()[1].Info().Type, "%s: rows of 3", outType)
		require.NoError(t, m.Close())
	}
	whole := filepath.Join(t.TempDir(), "whole")
	require.NoError(t, os.CopyFS(whole, os.DirFS(folder)))
	b, err := os.ReadFile(filepath.Join(whole, lora.WeightsFile))
	require.NoError(t, err)
	text := strings.ReplaceAll(string(b), ".0.self_attn.q_proj.lora_B.weight", ".0.self_attn.q_proj.lora_C.weight")
	require.NoError(t, os.WriteFile(filepath.Join(whole, lora.WeightsFile), []byte(text), 0o600))
	_, err = OpenAdapter(whole, dir, Options{})
	require.ErrorContains(t, err, "lora_C.weight: this part of an adapter is not supported")
	text = strings.ReplaceAll(string(b), "model.layers.0.self_attn.q_proj.lora_B.weight", "model.layers.0.self_attn.q_proj.__BB__.weight")
	text = strings.ReplaceAll(text, "model.layers.0.self_attn.q_proj.lora_A.weight", "model.layers.0.self_attn.q_proj.__AA__.weight")
	require.NoError(t, os.WriteFile(filepath.Join(whole, lora.WeightsFile), []byte(text), 0o600))
	_, err = OpenAdapter(whole, dir, Options{})
	require.ErrorContains(t, err, "the adapter replaces 2 tensors")
}

// TestAdapterOfSomeExperts: a GGUF adapter changes all experts of a tensor with one rank, or none of them.
func TestAdapterOfSomeExperts(t *testing.T) {
	dir := filepath.Join("..", "testdata", "checkpoints", "mixtral")
	var w1 arch.Tensor
	for _, s := range specOf(t, dir).Tensors {
		if s.Name == "blk.0.ffn_gate_exps.weight" && s.Experts > 0 { // there is one for fused experts, too
			w1 = s
		}
	}
	require.Greater(t, w1.Experts, int64(2))
	open := func(ranks ...int64) (*Model, error) {
		w := adapterWriter{header: map[string]any{}}
		for e, rank := range ranks {
			module := strings.TrimSuffix(fmt.Sprintf(w1.Source, e), ".weight")
			if rank > 0 {
				w.add(module+".lora_A.weight", rank, w1.Shape[1])
				w.add(module+".lora_B.weight", w1.Shape[0], rank)
			}
		}
		return OpenAdapter(w.write(t, `{"peft_type":"LORA"}`), dir, Options{})
	}
	all := slices.Repeat([]int64{3}, int(w1.Experts))
	m, err := open(all...)
	require.NoError(t, err)
	require.Len(t, m.Tensors(), 2)
	require.Equal(t, []int64{w1.Shape[1], 3, w1.Experts}, m.Tensors()[0].Info().Shape)
	require.NoError(t, m.Close())
	all[1] = 0
	_, err = open(all...)
	require.ErrorContains(t, err, fmt.Sprintf("%d of the %d experts of blk.0.ffn_gate_exps.weight are changed, but not expert 1", w1.Experts-1, w1.Experts))
	all[1] = 2
	_, err = open(all...)
	require.ErrorContains(t, err, "experts.1.w1 2: a GGUF adapter has one for all experts")
}

// TestColumnMap: a map of runs that moves the columns of all rows alike is that of any number of rows; others are refused.
func TestColumnMap(t *testing.T) {
	columns := arch.Tensor{Transform: arch.Transform{Run: 2, Order: func(r, _ int64) int64 { return r/3*3 + (r%3+1)%3 }}}
	m, err := columnMap(columns, 4, 6)
	require.NoError(t, err)
	var got []int64
	for r := range int64(6) {
		got = append(got, m(r, 0))
	}
	require.Equal(t, []int64{1, 2, 0, 4, 5, 3}, got)
	columns.Order = func(r, runs int64) int64 { return runs - 1 - r }
	_, err = columnMap(columns, 4, 6)
	require.Error(t, err)
}
