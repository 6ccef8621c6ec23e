package lora

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
)

// matrix is a tensor of a test.
type matrix struct {
	shape  []int64
	values []float64
}

func random(seed uint64, shape ...int64) matrix {
	r, m := rand.New(rand.NewPCG(seed, 1)), matrix{shape: shape}
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	for range n {
		m.values = append(m.values, float64(float32(r.NormFloat64())))
	}
	return m
}

func (m matrix) at(row, col int64) float64 { return m.values[row*m.shape[1]+col] }

// save writes float32 tensors as a safetensors file.
func save(t *testing.T, path string, tensors map[string]matrix) {
	t.Helper()
	header, data := map[string]any{}, []byte{}
	for name, m := range tensors {
		begin := len(data)
		for _, v := range m.values {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(v)))
		}
		header[name] = map[string]any{"dtype": "F32", "shape": m.shape, "data_offsets": []int{begin, len(data)}}
	}
	h, err := json.Marshal(header)
	require.NoError(t, err)
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(h)))
	require.NoError(t, os.WriteFile(path, append(append(b, h...), data...), 0o600))
}

// adapterOf writes an adapter's folder.
func adapterOf(t *testing.T, config string, tensors map[string]matrix) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, ConfigFile), []byte(config), 0o600))
	save(t, filepath.Join(dir, WeightsFile), tensors)
	return dir
}

// baseOf opens a checkpoint of these tensors.
func baseOf(t *testing.T, tensors map[string]matrix) []*safetensors.Tensor {
	t.Helper()
	dir := t.TempDir()
	save(t, filepath.Join(dir, "model.safetensors"), tensors)
	f, err := safetensors.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f.Tensors()
}

func same(name string) string { return name }

// merge opens an adapter and merges it.
func merge(t *testing.T, dir string, base []*safetensors.Tensor, scale float64) ([]*safetensors.Tensor, error) {
	t.Helper()
	a, err := Open(dir)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return a.Merge(base, scale, same)
}

// elements reads a tensor in uneven pieces.
func elements(t *testing.T, x *safetensors.Tensor) []float64 {
	t.Helper()
	require.Equal(t, gguf.F32, x.Type)
	var out []float64
	for at, step := int64(0), int64(1); at < x.Elements(); step = step*3 + 1 {
		n := min(step, x.Elements()-at)
		b := make([]byte, 4*n)
		require.NoError(t, x.ReadAt(b, 4*at))
		for i := range n {
			out = append(out, float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))))
		}
		at += n
	}
	return out
}

const plain = `{"peft_type":"LORA","r":2,"lora_alpha":6}`

const rows, cols, rank = 5, 7, 2

func factorsOf(seed uint64, outputs, inputs int64) (a, b matrix) {
	return random(seed, rank, inputs), random(seed+1, outputs, rank)
}

// product is what an adapter adds, without its scale: B*A.
func product(a, b matrix, row, col int64) (sum float64) {
	for k := range int64(rank) {
		sum += b.at(row, k) * a.at(k, col)
	}
	return sum
}

// TestMerge computes each kind of change the plain way.
func TestMerge(t *testing.T) {
	w := random(1, rows, cols)
	a, b := factorsOf(2, rows, cols)
	ta, tb := factorsOf(4, cols, rows) // of a module whose weight is in x out
	length := random(9, rows)
	for i := range length.values {
		length.values[i] = 1 + math.Abs(length.values[i])
	}
	turned := func(row, col int64) float64 { return product(ta, tb, col, row) }
	straight := func(row, col int64) float64 { return product(a, b, row, col) }
	linear := map[string]matrix{"base_model.model.m.lora_A.weight": a, "base_model.model.m.lora_B.weight": b}
	old := map[string]matrix{"base_model.model.m.lora_A.default.weight": a, "base_model.model.m.lora_B.default.weight": b}
	with := func(more map[string]matrix) map[string]matrix {
		for name, m := range linear {
			more[name] = m
		}
		return more
	}
	for name, c := range map[string]struct {
		config  string
		tensors map[string]matrix
		scale   float64
		change  func(row, col int64) float64
		factor  float64
		dora    bool
	}{
		"plain":           {plain, linear, 1, straight, 3, false},
		"older names":     {plain, old, 1, straight, 3, false},
		"scaled":          {plain, linear, -0.5, straight, -1.5, false},
		"default alpha":   {`{"peft_type":"LORA"}`, linear, 1, straight, 4, false},
		"rank scaled":     {`{"peft_type":"LORA","lora_alpha":6,"use_rslora":true}`, linear, 1, straight, 6 / math.Sqrt2, false},
		"alpha of module": {`{"peft_type":"LORA","lora_alpha":6,"alpha_pattern":{"m":10,"k":2}}`, linear, 1, straight, 5, false},
		"other module":    {`{"peft_type":"LORA","lora_alpha":6,"alpha_pattern":{"xm":10}}`, linear, 1, straight, 3, false},
		"in x out":        {`{"peft_type":"LORA","lora_alpha":6,"fan_in_fan_out":true}`, map[string]matrix{"base_model.model.m.lora_A.weight": ta, "base_model.model.m.lora_B.weight": tb}, 1, turned, 3, false},
		"embedding":       {plain, map[string]matrix{"base_model.model.m.lora_embedding_A": ta, "base_model.model.m.lora_embedding_B": tb}, 1, turned, 3, false},
		"dora":            {`{"peft_type":"LORA","lora_alpha":6,"use_dora":true}`, with(map[string]matrix{"base_model.model.m.lora_magnitude_vector": length}), 1, straight, 3, true},
		"dora, weight":    {`{"peft_type":"LORA","lora_alpha":6,"use_dora":true}`, with(map[string]matrix{"base_model.model.m.lora_magnitude_vector.weight": length}), 1, straight, 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := merge(t, adapterOf(t, c.config, c.tensors), baseOf(t, map[string]matrix{"m.weight": w, "other.weight": w}), c.scale)
			require.NoError(t, err)
			require.Len(t, out, 2)
			i := slices.IndexFunc(out, func(x *safetensors.Tensor) bool { return x.Name == "m.weight" })
			require.Nil(t, out[i].Bytes())
			require.Equal(t, w.values, elements(t, out[1-i]))
			var want []float64
			for row := range int64(rows) {
				var line []float64
				squares := 0.0
				for col := range int64(cols) {
					v := w.at(row, col) + c.factor*c.change(row, col)
					line, squares = append(line, v), squares+v*v
				}
				for _, v := range line {
					if c.dora {
						v *= length.values[row] / math.Sqrt(squares)
					}
					want = append(want, v)
				}
			}
			require.InDeltaSlice(t, want, elements(t, out[i]), 1e-6)
		})
	}
}

// TestDoRAInTimesOut has lengths of columns.
func TestDoRAInTimesOut(t *testing.T) {
	w := random(1, rows, cols)
	a, b := factorsOf(4, cols, rows)
	length := random(9, cols)
	out, err := merge(t, adapterOf(t, `{"peft_type":"LORA","lora_alpha":6,"use_dora":true,"fan_in_fan_out":true}`, map[string]matrix{
		"base_model.model.m.lora_A.weight": a, "base_model.model.m.lora_B.weight": b, "base_model.model.m.lora_magnitude_vector": length}), baseOf(t, map[string]matrix{"m.weight": w}), 1)
	require.NoError(t, err)
	got := elements(t, out[0])
	for col := range int64(cols) {
		squares := 0.0
		for row := range int64(rows) {
			squares += got[row*cols+col] * got[row*cols+col]
		}
		require.InDelta(t, math.Abs(length.values[col]), math.Sqrt(squares), 1e-6)
	}
	require.InDelta(t, (w.at(1, 2)+3*product(a, b, 2, 1))/(w.at(0, 2)+3*product(a, b, 2, 0)), got[cols+2]/got[2], 1e-4)
}

// TestReplaced: whole tensors take the model's place, by any of the names that they have, and one that the model lacks is added.
func TestReplaced(t *testing.T) {
	w, saved := random(1, rows, cols), random(2, rows, cols)
	a, b := factorsOf(3, rows, cols)
	for _, name := range []string{"base_model.model.m.weight", "base_model.model.m.modules_to_save.weight", "base_model.model.m.modules_to_save.default.weight"} {
		out, err := merge(t, adapterOf(t, plain, map[string]matrix{name: saved, "base_model.model.head.weight": w}), baseOf(t, map[string]matrix{"m.weight": w}), 1)
		require.NoError(t, err)
		require.Len(t, out, 2)
		require.Equal(t, "m.weight", out[0].Name)
		require.Equal(t, saved.values, elements(t, out[0]))
		require.Equal(t, "head.weight", out[1].Name)
		require.Equal(t, w.values, elements(t, out[1]))
	}
	out, err := merge(t, adapterOf(t, plain, map[string]matrix{"base_model.model.m.base_layer.weight": saved, "base_model.model.m.lora_A.weight": a, "base_model.model.m.lora_B.weight": b}),
		baseOf(t, map[string]matrix{"m.weight": w}), 1)
	require.NoError(t, err)
	require.InDelta(t, saved.at(2, 3)+3*product(a, b, 2, 3), elements(t, out[0])[2*cols+3], 1e-6)
}

// TestTwice: a second adapter changes what the first has made, and factors of more tensors than are held are decoded again.
func TestTwice(t *testing.T) {
	base, tensors := map[string]matrix{}, map[string]matrix{}
	for i := range kept + 3 {
		a, b := factorsOf(uint64(10+2*i), rows, cols)
		name := fmt.Sprintf("m%d", i)
		base[name+".weight"] = random(uint64(i), rows, cols)
		tensors["base_model.model."+name+".lora_A.weight"], tensors["base_model.model."+name+".lora_B.weight"] = a, b
	}
	dir := adapterOf(t, plain, tensors)
	once, err := merge(t, dir, baseOf(t, base), 1)
	require.NoError(t, err)
	twice, err := merge(t, dir, once, 2)
	require.NoError(t, err)
	for range 2 {
		for _, x := range twice {
			module := strings.TrimSuffix(x.Name, ".weight")
			a, b := tensors["base_model.model."+module+".lora_A.weight"], tensors["base_model.model."+module+".lora_B.weight"]
			got := elements(t, x)
			for i, w := range base[x.Name].values {
				require.InDelta(t, w+9*product(a, b, int64(i)/cols, int64(i)%cols), got[i], 1e-5)
			}
		}
	}
}

// TestRefused: what cannot be merged is refused with file, tensor and what it has.
func TestRefused(t *testing.T) {
	a, b := factorsOf(3, rows, cols)
	w := random(1, rows, cols)
	const pa, pb = "base_model.model.m.lora_A.weight", "base_model.model.m.lora_B.weight"
	both := map[string]matrix{pa: a, pb: b}
	broken := matrix{a.shape, slices.Clone(a.values)}
	broken.values[3] = math.NaN()
	for name, c := range map[string]struct {
		config  string
		tensors map[string]matrix
		scale   float64
		want    string
	}{
		"other kind":       {`{"peft_type":"IA3"}`, both, 1, `adapter_config.json: peft_type is "IA3"`},
		"no alpha":         {`{"peft_type":"LORA","lora_alpha":0}`, both, 1, "lora_alpha is 0"},
		"no JSON":          {`{`, both, 1, "adapter_config.json: "},
		"pissa":            {`{"peft_type":"LORA","init_lora_weights":"pissa_niter_4"}`, both, 1, `init_lora_weights is "pissa_niter_4"`},
		"pattern":          {`{"peft_type":"LORA","alpha_pattern":{"(":1}}`, both, 1, "alpha_pattern"},
		"two patterns":     {`{"peft_type":"LORA","alpha_pattern":{"m":1,".":2}}`, both, 1, "both match m"},
		"no B":             {plain, map[string]matrix{pa: a}, 1, "missing tensor: m has no lora_B"},
		"no A":             {plain, map[string]matrix{pb: b}, 1, "missing tensor: m has no lora_A"},
		"ranks":            {plain, map[string]matrix{pa: random(1, 3, cols), pb: b}, 1, "shapes [3 7] and [5 2]: the rank"},
		"shape":            {plain, map[string]matrix{pa: random(1, rank, cols+1), pb: b}, 1, "change a tensor of shape [5 8], but the model's m.weight has [5 7]"},
		"convolution":      {plain, map[string]matrix{pa: random(1, rank, 7, 1, 1), pb: b}, 1, "only changes of matrices"},
		"twice":            {plain, map[string]matrix{pa: a, "m.lora_A.default.weight": a, pb: b}, 1, "are the same part of m"},
		"unknown part":     {plain, map[string]matrix{pa: a, pb: b, "base_model.model.m.lora_B.bias": b}, 1, "lora_B.bias: this part of an adapter is not supported"},
		"no module":        {plain, map[string]matrix{"base_model.model.n.lora_A.weight": a, "base_model.model.n.lora_B.weight": b}, 1, "changes n.weight, which the model does not have"},
		"no magnitude":     {`{"peft_type":"LORA","use_dora":true}`, both, 1, "m has no lora_magnitude_vector"},
		"magnitude":        {plain, map[string]matrix{pa: a, pb: b, "m.lora_magnitude_vector": random(1, 4)}, 1, "has the shape [4]"},
		"scaled dora":      {plain, map[string]matrix{pa: a, pb: b, "m.lora_magnitude_vector": random(1, rows)}, 0.5, "cannot be scaled by 0.5"},
		"scaled whole":     {plain, map[string]matrix{"base_model.model.m.weight": w}, 2, "cannot be scaled by 2"},
		"shape of a whole": {plain, map[string]matrix{"base_model.model.m.weight": random(1, 4, cols)}, 1, "has the shape [4 7], but the model's m.weight, whose place it takes, has [5 7]"},
		"nothing":          {plain, nil, 1, "there are no tensors"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := merge(t, adapterOf(t, c.config, c.tensors), baseOf(t, map[string]matrix{"m.weight": w}), c.scale)
			require.ErrorIs(t, err, gguf.ErrInput)
			require.ErrorContains(t, err, c.want)
		})
	}
	out, err := merge(t, adapterOf(t, plain, map[string]matrix{pa: broken, pb: b}), baseOf(t, map[string]matrix{"m.weight": w}), 1)
	require.NoError(t, err, "weights are not read before they are asked for")
	require.ErrorContains(t, out[0].ReadAt(make([]byte, 4), 0), "lora_A.weight: there are elements that are not finite")
	dir := t.TempDir()
	_, err = Open(dir)
	require.ErrorContains(t, err, "adapter_config.json: missing file")
	require.NoError(t, os.WriteFile(filepath.Join(dir, ConfigFile), []byte(plain), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "adapter_model.bin"), nil, 0o600))
	_, err = Open(dir)
	require.ErrorContains(t, err, "adapter_model.bin: PyTorch checkpoint: it is neither a zip archive")
}
