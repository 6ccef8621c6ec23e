package export

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// mlcTensor is a tensor as TVM's reader has it.
type mlcTensor struct {
	dtype string
	shape []int
	raw   []byte
}

// readMLC reads a folder by its tensor-cache.json, as tvm's src/runtime/vm/tensor_cache_support.cc does.
func readMLC(t *testing.T, dir string) map[string]mlcTensor {
	t.Helper()
	var index struct {
		Metadata struct {
			ParamSize                int
			ParamBytes, BitsPerParam float64
		}
		Records []struct {
			DataPath, Format, MD5Sum string
			Nbytes                   int
			Records                  []struct {
				Name, DType, Format string
				Shape               []int
				Nbytes, ByteOffset  int
			}
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "tensor-cache.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &index))
	old, err := os.ReadFile(filepath.Join(dir, "ndarray-cache.json"))
	require.NoError(t, err)
	require.Equal(t, b, old)
	out, total := map[string]mlcTensor{}, 0
	for _, shard := range index.Records {
		require.Equal(t, "raw-shard", shard.Format)
		data, err := os.ReadFile(filepath.Join(dir, shard.DataPath))
		require.NoError(t, err)
		require.Len(t, data, shard.Nbytes)
		sum := md5.Sum(data)
		require.Equal(t, shard.MD5Sum, hex.EncodeToString(sum[:]))
		at := 0
		for _, r := range shard.Records {
			require.Equal(t, at, r.ByteOffset, r.Name)
			size := map[string]int{"float16": 2, "uint32": 4}[r.DType]
			for _, d := range r.Shape {
				size *= d
			}
			require.Equal(t, size, r.Nbytes, r.Name)
			require.NotContains(t, out, r.Name)
			out[r.Name] = mlcTensor{r.DType, r.Shape, data[at:][:size]}
			at += size
			total += size
		}
		require.Len(t, data, at)
	}
	require.Len(t, out, index.Metadata.ParamSize)
	require.EqualValues(t, total, index.Metadata.ParamBytes)
	return out
}

func halves(raw []byte) []float64 {
	out := make([]float64, len(raw)/2)
	for i := range out {
		h := binary.LittleEndian.Uint16(raw[2*i:])
		m, e := float64(h&0x3ff), int(h>>10&0x1f)
		if e > 0 {
			m, e = m+1024, e-1
		}
		out[i] = math.Ldexp(m, e-24)
		if h&0x8000 != 0 {
			out[i] = -out[i]
		}
	}
	return out
}

// decodeMLC decodes every tensor, and says how far a weight may be from what it was: half a level.
func decodeMLC(t *testing.T, in map[string]mlcTensor, cols func(name string) int) (values, within map[string][]float64) {
	values, within = map[string][]float64{}, map[string][]float64{}
	for name, x := range in {
		base, isScale := strings.CutSuffix(name, "q_scale")
		switch {
		case strings.HasSuffix(name, "q_weight"):
			continue
		case !isScale:
			v := halves(x.raw)
			values[name] = v
			for _, f := range v {
				within[name] = append(within[name], math.Abs(f)/1024+1e-7)
			}
			continue
		}
		name = base + "weight"
		q, scales := in[base+"q_weight"], halves(x.raw)
		require.Equal(t, x.shape[0], q.shape[0])
		require.Equal(t, 4*x.shape[1], q.shape[1])
		for row := range x.shape[0] {
			for c := range cols(name) {
				word := binary.LittleEndian.Uint32(q.raw[4*(row*q.shape[1]+c/8):])
				code, s := word>>(4*(c%8))&15, scales[row*x.shape[1]+c/32]
				values[name] = append(values[name], (float64(code)-7)*s)
				within[name] = append(within[name], s*0.51+7*s/1024+1e-7)
			}
		}
	}
	return values, within
}

var qkv = regexp.MustCompile(`\.(qkv_proj|c_attn)\.`)

// mlcSources are the checkpoint's tensors that a parameter of MLC is made of.
func mlcSources(folder, name string) []string {
	name = strings.TrimPrefix(name, "language_model.")
	if strings.HasPrefix(folder, "phi3") {
		for _, r := range [][2]string{{"transformer.embd", "model.embed_tokens"}, {"transformer.norm", "model.norm"}, {"transformer.h", "model.layers"},
			{".ln.", ".input_layernorm."}, {"mixer.out_proj", "self_attn.o_proj"}, {"mixer", "self_attn"}} {
			name = strings.Replace(name, r[0], r[1], 1)
		}
		return []string{name}
	}
	var out []string
	switch {
	case qkv.MatchString(name):
		for _, m := range []string{".q_proj.", ".k_proj.", ".v_proj."} {
			out = append(out, qkv.ReplaceAllString(name, m))
		}
	case strings.Contains(name, "gate_up_proj"):
		return []string{strings.Replace(name, "gate_up_proj", "gate_proj", 1), strings.Replace(name, "gate_up_proj", "up_proj", 1)}
	default:
		out = []string{name}
	}
	return out
}

// TestMLC: what is written is read back by another reader of MLC's files, near to the checkpoint's weights, all of them; its bytes
// are those that mlc_llm's own loader and quantizer wrote (scripts/export/mlc_check.py), gemma3's norms apart.
func TestMLC(t *testing.T) {
	sums := map[string]string{}
	b, err := os.ReadFile("testdata/mlc.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &sums))
	for _, folder := range []string{"llama", "mistral", "qwen2", "qwen3", "phi3", "phi3-longrope", "gemma3"} {
		for _, quantization := range MLCQuantizations() {
			t.Run(folder+" "+quantization, func(t *testing.T) {
				checkpoint := filepath.Join(checkpoints, folder)
				src, err := convert.Open(checkpoint, convert.Options{})
				require.NoError(t, err)
				defer src.Close()
				p, err := NewMLCPlan(src, MLCOptions{Quantization: quantization, Threads: 2})
				require.NoError(t, err)
				dir := filepath.Join(t.TempDir(), "out")
				require.NoError(t, p.Run(context.Background(), dir, src.Unchanged))
				sameAsCheckpoint(t, checkpoint, readMLC(t, dir))
				shard, err := os.ReadFile(filepath.Join(dir, "params_shard_0.bin"))
				require.NoError(t, err)
				sum := sha256.Sum256(shard)
				require.Equal(t, sums[folder+" "+quantization], hex.EncodeToString(sum[:]))
			})
		}
	}
}

func sameAsCheckpoint(t *testing.T, checkpoint string, got map[string]mlcTensor) {
	t.Helper()
	files, err := safetensors.Open(checkpoint)
	require.NoError(t, err)
	defer files.Close()
	weights, cols := map[string][]float32{}, map[string]int{}
	for _, x := range files.Tensors() {
		name, kind := arch.Source(x.Name)
		if kind != arch.Weight {
			continue
		}
		raw := make([]byte, x.Size())
		weights[name] = make([]float32, x.Elements())
		require.NoError(t, x.ReadAt(raw, 0))
		x.Decode(weights[name], raw)
		cols[name] = int(x.Shape[len(x.Shape)-1])
	}
	folder := filepath.Base(checkpoint)
	values, within := decodeMLC(t, got, func(name string) int { return cols[mlcSources(folder, name)[0]] })
	for name, v := range values {
		var want []float32
		for _, s := range mlcSources(folder, name) {
			require.Contains(t, weights, s, name)
			want = append(want, weights[s]...)
			delete(weights, s)
		}
		require.Len(t, v, len(want), name)
		plus := 0.0
		if strings.HasPrefix(folder, "gemma") && strings.HasSuffix(name, "norm.weight") {
			plus = 1
		}
		for i := range v {
			require.InDelta(t, float64(want[i])+plus, v[i], within[name][i], "%s %d", name, i)
		}
	}
	delete(weights, "lm_head.weight") // the embeddings again
	require.Empty(t, weights)
}

// TestMLCRows: what MLC's quantizer makes of single groups, the largest weights and the bounds among them.
func TestMLCRows(t *testing.T) {
	row := make([]float32, 40) // a group and a part of one
	copy(row, []float32{7, -7, 0, 3.5, 2.5, -0.25, 6.5, -6.5})
	row[32], row[39] = -1e-7, 1e-7 // a scale that is 0 as F16
	codes, scales, err := q4f16{}.encode(row, gguf.F16)
	require.NoError(t, err)
	require.Equal(t, []byte{0x0e, 0xa7, 0x7a, 0x0e}, codes[:4]) // 14 0, 7 10, 10 7, 14 0: halves go to the even code
	require.Equal(t, strings.Repeat("77", 12), hex.EncodeToString(codes[4:16]))
	require.Equal(t, "000000e0"+strings.Repeat("00", 12), hex.EncodeToString(codes[16:])) // 0 by 0 is 0, 1 by 0 the highest code
	require.Equal(t, []byte{0, 0x3c, 0, 0}, scales)
	_, _, err = q4f16{}.encode([]float32{70000}, gguf.F16)
	require.ErrorContains(t, err, "65504")
	_, _, err = q4f16{}.encode([]float32{float32(math.NaN())}, gguf.F16)
	require.ErrorIs(t, err, gguf.ErrInput)
}

// TestMLCShards: parameters are spread over files, and one that is larger than a file has its own.
func TestMLCShards(t *testing.T) {
	p := &Plan{}
	o := func(name string, rows, cols int64) mlcParam {
		return mlcParam{name, []*output{{name: name, shape: []int64{rows, cols}}}}
	}
	p.mlcShards([]mlcParam{o("a.weight", 1000, 1000), o("b.weight", 5000, 5000), o("c.weight", 10, 10), o("d.weight", 3000, 5000)}, false)
	var have []string
	for _, s := range p.shards {
		line := s.name
		for _, r := range s.records {
			line += " " + r.Name
		}
		have = append(have, line)
	}
	require.Equal(t, []string{"params_shard_0.bin a.weight", "params_shard_1.bin b.weight", "params_shard_2.bin c.weight d.weight"}, have)
}

// TestMLCRefused: what MLC has no place for is said by its name.
func TestMLCRefused(t *testing.T) {
	for _, c := range [][3]string{{"qwen2moe", "q4f16_1", "Qwen2MoeForCausalLM cannot be written for MLC"}, {"llama3-rope", "q0f16", "no place for the tensor model.layers.0.mlp.down_proj.bias"},
		{"llama", "q3f16_1", "expected one of q4f16_1, q0f16"}} {
		src, err := convert.Open(filepath.Join(checkpoints, c[0]), convert.Options{})
		require.NoError(t, err)
		_, err = NewMLCPlan(src, MLCOptions{Quantization: c[1]})
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, c[2])
		require.NoError(t, src.Close())
	}
}
