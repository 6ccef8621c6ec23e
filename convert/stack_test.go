package convert

import (
	"encoding/binary"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// moeConfigs are the smallest models of each family with experts: one layer, width 8, three experts; and one without.
var moeConfigs = map[string]string{
	"MixtralForCausalLM": `"num_local_experts": 3`,
	"Qwen2MoeForCausalLM": `"num_experts": 3, "moe_intermediate_size": 4, "shared_expert_intermediate_size": 6,
		"norm_topk_prob": false, "mlp_only_layers": []`,
	"Qwen3MoeForCausalLM": `"num_experts": 3, "moe_intermediate_size": 4, "head_dim": 4, "norm_topk_prob": true`,
	"OlmoeForCausalLM":    `"num_experts": 3, "clip_qkv": null`,
	"Qwen3ForCausalLM":    `"head_dim": 4`,
}

// moeFolder writes config.json, with more entries behind moeConfigs', and the tensors that the family wants, less
// those of leaveOut. The elements count up from tensor to tensor.
func moeFolder(t *testing.T, class, more string, leaveOut ...string) (dir string, specs []arch.Tensor, err error) {
	t.Helper()
	dir = t.TempDir()
	config := `{"architectures": ["` + class + `"], "num_hidden_layers": 1, "hidden_size": 8, "intermediate_size": 4, "vocab_size": 5,
		"num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 16, "num_experts_per_tok": 2, ` + moeConfigs[class] + more + `}`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600))
	c, err := arch.ReadConfig(dir)
	require.NoError(t, err)
	family, _, c, err := arch.Find(c)
	require.NoError(t, err)
	specs = family.Describe(c).Tensors
	if c.Err() != nil {
		return dir, nil, c.Err()
	}
	header, data := map[string]any{}, []byte{}
	seen := map[string]bool{}
	for _, s := range specs {
		if seen[s.Name] {
			continue // another way to hold the same tensor
		}
		seen[s.Name] = true
		for _, name := range s.Sources() {
			if slices.Contains(leaveOut, name) {
				continue
			}
			n, begin := int64(1), len(data)
			for _, d := range s.Shape {
				n *= d
			}
			for range n {
				data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(len(data)/4)))
			}
			header[name] = map[string]any{"dtype": "F32", "shape": s.Shape, "data_offsets": []int{begin, len(data)}}
		}
	}
	h, err := json.Marshal(header)
	require.NoError(t, err)
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(h))), h...)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "model.safetensors"), append(file, data...), 0o600))
	return dir, specs, nil
}

func mapFolder(t *testing.T, dir string, specs []arch.Tensor, out gguf.Type) (*Model, error) {
	t.Helper()
	files, err := safetensors.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, files.Close()) })
	m := &Model{dir: dir, files: files}
	return m, m.mapTensors(&arch.Spec{Tensors: specs, Prefix: "model."}, out)
}

// TestStacks: for each family, rows of a stack are those of its experts one after the other, whatever rows are
// asked for together.
func TestStacks(t *testing.T) {
	for _, class := range slices.Sorted(maps.Keys(moeConfigs)) {
		if class == "Qwen3ForCausalLM" {
			continue
		}
		t.Run(class, func(t *testing.T) {
			dir, specs, err := moeFolder(t, class, "")
			require.NoError(t, err)
			m, err := mapFolder(t, dir, specs, gguf.F32)
			require.NoError(t, err)
			sources := map[string]arch.Tensor{}
			for _, s := range specs {
				if _, ok := sources[s.Name]; !ok {
					sources[s.Name] = s
				}
			}
			raw := map[string][]byte{}
			for _, f := range m.files.Tensors() {
				raw[f.Name] = make([]byte, f.Elements()*4)
				require.NoError(t, f.ReadAt(raw[f.Name], 0))
			}
			stacks := 0
			for _, x := range m.tensors {
				in, spec := x.Info(), sources[x.Info().Name]
				if spec.Experts == 0 {
					continue
				}
				stacks++
				require.Equal(t, []int64{spec.Shape[1], spec.Shape[0], 3}, in.Shape)
				var want []byte
				for _, name := range spec.Sources() {
					want = append(want, raw[name]...)
				}
				for _, step := range []int64{1, 3, 5, in.Rows()} {
					var got []byte
					for row := int64(0); row < in.Rows(); row += step {
						n := min(step, in.Rows()-row)
						b := make([]byte, n*in.RowBytes())
						require.NoError(t, x.ReadRows(b, row, n))
						got = append(got, b...)
					}
					require.Equal(t, want, got, "%s, %d rows at a time", in.Name, step)
				}
				require.Error(t, x.ReadRows(make([]byte, in.RowBytes()), in.Rows(), 1))
			}
			require.Equal(t, 3, stacks)
		})
	}
}

func TestMissingExpert(t *testing.T) {
	const missing = "model.layers.0.block_sparse_moe.experts.1.w2.weight"
	dir, specs, err := moeFolder(t, "MixtralForCausalLM", "", missing)
	require.NoError(t, err)
	_, err = mapFolder(t, dir, specs, gguf.F32)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "missing tensor "+missing+": expert 1 of 3 of blk.0.ffn_down_exps.weight")
}

// TestNamesOfExperts: a number is written in one way, and is below that of config.json.
func TestNamesOfExperts(t *testing.T) {
	const stacked = "model.layers.0.mlp.experts.%d.up_proj.weight"
	bySource := map[string][]arch.Tensor{stacked: {{Source: stacked, Experts: 12}}, "model.norm.weight": {{Source: "model.norm.weight"}}}
	for name, want := range map[string]bool{
		"model.norm.weight": true, "model.layers.0.mlp.experts.0.up_proj.weight": true, "model.layers.0.mlp.experts.11.up_proj.weight": true,
		"model.layers.0.mlp.experts.12.up_proj.weight": false, "model.layers.0.mlp.experts.-1.up_proj.weight": false,
		"model.layers.0.mlp.experts.01.up_proj.weight": false, "model.layers.0.mlp.experts.+1.up_proj.weight": false,
		"model.layers.0.mlp.experts.1.up_proj.bias": false, stacked: false, "model.layers.0.mlp.experts.": false, "": false,
	} {
		require.Equal(t, want, specsOf(bySource, name) != nil, name)
	}
}

// TestManyClaimedExperts: config.json may claim more than any memory holds the names of.
func TestManyClaimedExperts(t *testing.T) {
	dir, specs, err := moeFolder(t, "OlmoeForCausalLM", "")
	require.NoError(t, err)
	for range 1000 {
		specs = append(specs, arch.Tensor{Source: "x.experts.%d.y", Name: "z", Shape: []int64{1, 1}, Experts: 4096})
	}
	_, err = mapFolder(t, dir, specs, gguf.F32)
	require.ErrorContains(t, err, "missing tensor x.experts.0.y: expert 0 of 4096 of z")
}

// TestMoEConfigsThatGGUFCannotSay are refused rather than converted into a model that computes something else.
func TestMoEConfigsThatGGUFCannotSay(t *testing.T) {
	for _, c := range []struct{ class, add, want string }{
		{"Qwen2MoeForCausalLM", `"mlp_only_layers": [0]`, "mlp_only_layers is [0]"},
		{"Qwen3MoeForCausalLM", `"decoder_sparse_step": 2`, "decoder_sparse_step is 2"},
		{"Qwen3MoeForCausalLM", `"norm_topk_prob": false`, "norm_topk_prob is false"},
		{"OlmoeForCausalLM", `"clip_qkv": 8.0`, "clip_qkv is 8"},
		{"OlmoeForCausalLM", `"num_experts": null`, "num_experts is missing"},
		{"MixtralForCausalLM", `"num_local_experts": 0`, "num_local_experts must be a whole number between 1 and 4096 (got 0"},
	} {
		_, _, err := moeFolder(t, c.class, ", "+c.add)
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, c.want)
	}
}
