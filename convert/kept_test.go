package convert

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/prequant"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// typed is a tensor of a file to write.
type typed struct {
	dtype string
	shape []int64
	data  any
}

// quantizedModel writes tensors to a folder and opens it as what the specs say.
func quantizedModel(t *testing.T, quantization string, tensors map[string]typed, specs ...arch.Tensor) *Model {
	t.Helper()
	dir, header, data := t.TempDir(), map[string]any{}, []byte{}
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		x, begin := tensors[name], len(data)
		var err error
		data, err = binary.Append(data, binary.LittleEndian, x.data)
		require.NoError(t, err)
		header[name] = map[string]any{"dtype": x.dtype, "shape": x.shape, "data_offsets": []int{begin, len(data)}}
	}
	head, err := json.Marshal(header)
	require.NoError(t, err)
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "model.safetensors"), append(file, data...), 0o600))
	var config map[string]any
	require.NoError(t, json.Unmarshal([]byte(quantization), &config))
	c, err := prequant.Read(dir, map[string]any{"quantization_config": config})
	require.NoError(t, err)
	files, err := safetensors.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, files.Close()) })
	m := &Model{dir: dir, files: files, quantized: c}
	require.NoError(t, m.mapTensors(&arch.Spec{Tensors: specs}, gguf.F32))
	return m
}

// listed are the tensors of m, as name, type and shape.
func listed(m *Model) (out []string) {
	for _, x := range m.tensors {
		out = append(out, fmt.Sprint(x.Info().Name, " ", x.Info().Type, " ", x.Info().Shape))
	}
	return out
}

// readF32 reads a tensor of m as float32.
func readF32(t *testing.T, m *Model, i int) []float32 {
	t.Helper()
	x := m.tensors[i].Info()
	b := make([]byte, x.Bytes())
	require.NoError(t, m.tensors[i].ReadRows(b, 0, x.Rows()))
	require.Equal(t, gguf.F32, x.Type)
	out := make([]float32, x.Elements())
	_, err := binary.Decode(b, binary.LittleEndian, out)
	require.NoError(t, err)
	return out
}

// nvfp4Weight adds a weight of one row of 64 elements, of so many halves, with the scale of the whole.
func nvfp4Weight(tensors map[string]typed, name string, code byte, scale float32) {
	q := make([]byte, 32)
	for i := range q {
		q[i] = code | code<<4
	}
	tensors[name+".weight"] = typed{"U8", []int64{1, 32}, q}
	tensors[name+".weight_scale"] = typed{"F8_E4M3", []int64{1, 4}, []byte{0x38, 0x38, 0x38, 0x38}} // 1
	tensors[name+".weight_scale_2"] = typed{"F32", []int64{}, []float32{scale}}
}

// TestKept: tensors of blocks that GGUF has go first, with their scales beside them; where not all of a stack's experts
// are such, or elements change, they are decoded.
func TestKept(t *testing.T) {
	const modelopt = `{"quant_method": "modelopt", "quant_algo": "NVFP4"}`
	specs := []arch.Tensor{{Source: "a.norm", Name: "a_norm.weight", Shape: []int64{1}}, {Source: "e.%d.up.weight", Name: "up_exps.weight", Shape: []int64{1, 64}, Experts: 2},
		{Source: "w.weight", Name: "w.weight", Shape: []int64{1, 64}}}
	tensors := map[string]typed{"a.norm": {"F32", []int64{1}, []float32{1}}}
	nvfp4Weight(tensors, "e.0.up", 1, 2)
	nvfp4Weight(tensors, "e.1.up", 2, 1)
	nvfp4Weight(tensors, "w", 3, 1)
	m := quantizedModel(t, modelopt, tensors, specs...)
	require.Equal(t, []string{"up_exps.weight NVFP4 [64 1 2]", "up_exps.scale F32 [2]", "w.weight NVFP4 [64 1]", "a_norm.weight F32 [1]"}, listed(m))
	require.Equal(t, []float32{2, 1}, readF32(t, m, 1))
	require.Equal(t, uint32(39), m.fileType(1))
	require.Equal(t, uint32(7), m.fileType(7))

	specs[2].Values = func(v []float32) {
		for i := range v {
			v[i] *= 10
		}
	}
	delete(tensors, "e.1.up.weight_scale")
	delete(tensors, "e.1.up.weight_scale_2")
	tensors["e.1.up.weight"] = typed{"F32", []int64{1, 64}, make([]float32, 64)}
	m = quantizedModel(t, modelopt, tensors, specs...)
	require.Equal(t, []string{"a_norm.weight F32 [1]", "up_exps.weight F32 [64 1 2]", "w.weight F32 [64 1]"}, listed(m))
	require.Equal(t, float32(1), readF32(t, m, 1)[0], "half of the scale 2")
	require.Equal(t, float32(15), readF32(t, m, 2)[63])
	require.Equal(t, uint32(1), m.fileType(1))
}

// TestTurned: matrices that are output x input where the family's are input x output are not transposed.
func TestTurned(t *testing.T) {
	blocks := make([]byte, 4*16)
	for i := range blocks {
		blocks[i] = byte(i/16+1) * 0x11
	}
	tensors := map[string]typed{"up_blocks": {"U8", []int64{1, 4, 1, 16}, blocks}, "up_scales": {"U8", []int64{1, 4, 1}, []byte{127, 128, 129, 130}}}
	spec := func(first int64) arch.Tensor {
		return arch.Tensor{Source: "up", Name: fmt.Sprintf("up%d.weight", first), Shape: []int64{1, 32, 4}, As: []int64{1, 2, 32},
			Transform: arch.Transform{Transpose: true, Order: func(r, _ int64) int64 { return 2*r + first }}}
	}
	m := quantizedModel(t, `{"quant_method": "mxfp4"}`, tensors, spec(0), spec(1))
	require.Equal(t, []string{"up0.weight MXFP4 [32 2 1]", "up1.weight MXFP4 [32 2 1]"}, listed(m))
	for i, want := range [][]byte{{127, 0x11, 129, 0x33}, {128, 0x22, 130, 0x44}} {
		b := make([]byte, 34)
		require.NoError(t, m.tensors[i].ReadRows(b, 0, 2))
		require.Equal(t, want, []byte{b[0], b[1], b[17], b[33]})
	}
}
