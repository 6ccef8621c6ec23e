package convert

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/internal/pyjson"
	"github.com/stretchr/testify/require"
)

// weightsOf is a safetensors file taken apart, to be written otherwise.
type weightsOf map[string]anyTensor

type anyTensor struct {
	DType   string  `json:"dtype"`
	Shape   []int64 `json:"shape"`
	Offsets [2]int  `json:"data_offsets"`
	data    []byte
}

func readWeights(t *testing.T, path string) weightsOf {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	n := 8 + binary.LittleEndian.Uint64(b)
	var raw map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(b[8:n], &raw))
	delete(raw, "__metadata__")
	w := weightsOf{}
	for name, r := range raw {
		var x anyTensor
		require.NoError(t, json.Unmarshal(r, &x))
		x.data = b[n:][x.Offsets[0]:x.Offsets[1]]
		w[name] = x
	}
	return w
}

func (w weightsOf) write(t *testing.T, path string, names ...string) {
	t.Helper()
	header, data := weightsOf{}, []byte{}
	for _, name := range names {
		x := w[name]
		x.Offsets = [2]int{len(data), len(data) + len(x.data)}
		header[name] = x
		data = append(data, x.data...)
	}
	h, err := json.Marshal(header)
	require.NoError(t, err)
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(h)))
	require.NoError(t, os.WriteFile(path, slices.Concat(b, h, data), 0o600))
}

func (w weightsOf) names() []string { return slices.Sorted(maps.Keys(w)) }

// found is a checkpoint of testdata/checkpoints in a copy that may be changed, in a folder of the same name, from
// which general.name comes.
type found struct {
	t       *testing.T
	dir     string
	config  map[string]any
	weights weightsOf
}

func find(t *testing.T, name string) *found {
	t.Helper()
	f := &found{t: t, dir: filepath.Join(t.TempDir(), name)}
	require.NoError(t, os.CopyFS(f.dir, os.DirFS(filepath.Join(checkpoints, name))))
	b, err := os.ReadFile(f.path("config.json"))
	require.NoError(t, err)
	f.config, err = pyjson.Object(b)
	require.NoError(t, err)
	f.weights = readWeights(t, f.path("model.safetensors"))
	return f
}

func (f *found) path(name string) string { return filepath.Join(f.dir, name) }

// save writes the config and, in one file, the weights.
func (f *found) save() {
	b, err := json.Marshal(f.config)
	require.NoError(f.t, err)
	require.NoError(f.t, os.WriteFile(f.path("config.json"), b, 0o600))
	f.weights.write(f.t, f.path("model.safetensors"), f.weights.names()...)
}

// rename gives all tensors other names.
func (f *found) rename(to func(name string) string) {
	w := weightsOf{}
	for name, x := range f.weights {
		w[to(name)] = x
	}
	require.Len(f.t, w, len(f.weights))
	f.weights = w
	f.save()
}

// layouts are ways in which the same weights and config are found; a layout tells whether the checkpoint has it.
var layouts = map[string]func(f *found) bool{
	"as it is": func(f *found) bool { f.save(); return true },
	"a byte order mark": func(f *found) bool {
		b, err := os.ReadFile(f.path("config.json"))
		require.NoError(f.t, err)
		require.NoError(f.t, os.WriteFile(f.path("config.json"), append([]byte("\xef\xbb\xbf"), b...), 0o600))
		return true
	},
	"one shard by name": func(f *found) bool {
		require.NoError(f.t, os.Rename(f.path("model.safetensors"), f.path("model-00001-of-00001.safetensors")))
		return true
	},
	"shards without an index": func(f *found) bool {
		names := f.weights.names()
		f.weights.write(f.t, f.path("model-00001-of-00002.safetensors"), names[:len(names)/2]...)
		f.weights.write(f.t, f.path("model-00002-of-00002.safetensors"), names[len(names)/2:]...)
		require.NoError(f.t, os.Remove(f.path("model.safetensors")))
		return true
	},
	"language_model. before all": func(f *found) bool {
		f.rename(func(name string) string { return "language_model." + name })
		return true
	},
	"model.language_model. in place of model.": func(f *found) bool {
		f.rename(func(name string) string {
			if rest, ok := strings.CutPrefix(name, "model."); ok {
				return "model.language_model." + rest
			}
			return name
		})
		return f.config["model_type"] != "gpt2"
	},
	"no transformer. before the names": func(f *found) bool {
		f.rename(func(name string) string { return strings.TrimPrefix(name, "transformer.") })
		return f.config["model_type"] == "gpt2"
	},
	"weights of 64 bits": func(f *found) bool {
		for name, x := range f.weights {
			var wide []byte
			for i := 0; i < len(x.data); i += 2 {
				v := math.Float32frombits(uint32(binary.LittleEndian.Uint16(x.data[i:])) << 16)
				wide = binary.LittleEndian.AppendUint64(wide, math.Float64bits(float64(v)))
			}
			f.weights[name] = anyTensor{DType: "F64", Shape: x.Shape, data: wide}
		}
		f.save()
		return true
	},
	"rotary buffers and vision tensors beside": func(f *found) bool {
		f.weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = anyTensor{DType: "F32", Shape: []int64{2}, data: make([]byte, 8)}
		f.weights["vision_tower.patch.weight"] = anyTensor{DType: "F32", Shape: []int64{1, 2}, data: make([]byte, 8)}
		f.save()
		return f.config["model_type"] != "gpt2"
	},
	"keys at the default of the class left out": func(f *found) bool {
		c, err := arch.ReadConfig(f.dir)
		require.NoError(f.t, err)
		family, _, _, err := arch.Find(c)
		require.NoError(f.t, err)
		gone := 0
		for key, v := range family.Defaults {
			if have, ok := f.config[key]; ok && reflect.DeepEqual(have, v) {
				delete(f.config, key)
				gone++
			}
		}
		f.save()
		return gone > 0
	},
	"all of rope in rope_parameters": func(f *found) bool { return f.ropeParameters() },
	"experts in one tensor":          func(f *found) bool { return f.fuse() },
}

// ropeParameters moves what rotates into the object that transformers 5 writes.
func (f *found) ropeParameters() bool {
	c := f.config
	if c["rope_theta"] == nil {
		return false
	}
	p, _ := c["rope_scaling"].(map[string]any)
	if p == nil {
		p = map[string]any{"rope_type": "default"}
	}
	if kind, ok := p["type"]; ok {
		delete(p, "type")
		p["rope_type"] = kind
	}
	p["rope_theta"] = c["rope_theta"]
	if share, ok := c["partial_rotary_factor"]; ok {
		p["partial_rotary_factor"] = share
	}
	if p["rope_type"] == "longrope" {
		p["original_max_position_embeddings"] = c["original_max_position_embeddings"]
	}
	c["rope_parameters"] = p
	if local, ok := c["rope_local_base_freq"]; ok {
		c["rope_parameters"] = map[string]any{"full_attention": p, "sliding_attention": map[string]any{"rope_type": "default", "rope_theta": local}}
	}
	for _, key := range []string{"rope_theta", "rope_scaling", "partial_rotary_factor", "rope_local_base_freq"} {
		delete(c, key)
	}
	f.save()
	return true
}

// fuse puts the experts of each layer into two tensors, gate above up, as transformers 5 saves them.
func (f *found) fuse() bool {
	found := false
	layers, _ := f.config["num_hidden_layers"].(float64)
	for n := range int(layers) {
		p := fmt.Sprintf("model.layers.%d.mlp.experts.", n)
		if _, ok := f.weights[p+"0.gate_proj.weight"]; !ok {
			break
		}
		found = true
		var both, down anyTensor
		for e := int64(0); ; e++ {
			part := func(name string) anyTensor { return f.weights[fmt.Sprintf("%s%d.%s.weight", p, e, name)] }
			gate, up, d := part("gate_proj"), part("up_proj"), part("down_proj")
			if gate.data == nil {
				break
			}
			both = anyTensor{DType: "BF16", Shape: []int64{e + 1, 2 * gate.Shape[0], gate.Shape[1]}, data: slices.Concat(both.data, gate.data, up.data)}
			down = anyTensor{DType: "BF16", Shape: []int64{e + 1, d.Shape[0], d.Shape[1]}, data: slices.Concat(down.data, d.data)}
		}
		maps.DeleteFunc(f.weights, func(name string, _ anyTensor) bool { return strings.HasPrefix(name, p) })
		f.weights[p+"gate_up_proj"], f.weights[p+"down_proj"] = both, down
	}
	f.save()
	return found
}

// TestCheckpointsAsFound: whichever way the same checkpoint is found, the same file comes of it.
func TestCheckpointsAsFound(t *testing.T) {
	for layout, change := range layouts {
		t.Run(layout, func(t *testing.T) {
			t.Parallel()
			tried := 0
			for _, name := range checkpointNames(t) {
				f := find(t, name)
				if !change(f) {
					continue
				}
				tried++
				require.Equal(t, readRecorded(t, name).SHA256["f32"], converted(t, f.dir, "f32"), name)
			}
			require.NotZero(t, tried)
		})
	}
}
