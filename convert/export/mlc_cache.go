package export

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
)

// tensorCaches are the names of the file that says where the parameters are: that which MLC reads and writes since 2025, and
// the one before, which older programs read. Both have the same content.
var tensorCaches = []string{"ndarray-cache.json", "tensor-cache.json"}

// mlcShardBytes is about what a shard holds; a larger parameter has its own (tvm, python/tvm/contrib/tvmjs.py).
const mlcShardBytes = 32 << 20

// mlcRecord is a tensor in a shard. Format is how MLC's own files call it; only 32-bit floats would be stored otherwise.
type mlcRecord struct {
	Name   string  `json:"name"`
	Shape  []int64 `json:"shape"`
	DType  string  `json:"dtype"`
	Format string  `json:"format"`
	Bytes  int64   `json:"nbytes"`
	Begin  int64   `json:"byteOffset"`
}

// mlcShard is a file of them.
type mlcShard struct {
	Path    string      `json:"dataPath"`
	Format  string      `json:"format"`
	Bytes   int64       `json:"nbytes"`
	Records []mlcRecord `json:"records"`
	MD5     string      `json:"md5sum"`
}

// mlcShards spreads parameters over shards, and makes the plan write their index. The tensors of a parameter stay together.
func (p *Plan) mlcShards(params []mlcParam, quantize bool) {
	elements := int64(0)
	records := 0
	for _, param := range params {
		made := param.records(quantize)
		bytes := int64(0)
		for _, r := range made {
			bytes += r.Bytes
		}
		if n := len(p.shards); n == 0 || p.shards[n-1].data > 0 && p.shards[n-1].data+bytes >= mlcShardBytes {
			p.shards = append(p.shards, shard{name: fmt.Sprintf("params_shard_%d.bin", n)})
		}
		s := &p.shards[len(p.shards)-1]
		for i := range made {
			made[i].Begin = s.data
			s.data += made[i].Bytes
		}
		param.place(made)
		s.records, s.outputs = append(s.records, made...), append(s.outputs, param.parts...)
		p.Bytes += bytes
		records += len(made)
		for _, o := range param.parts {
			elements += o.elements()
		}
	}
	p.index = func(sums []string) (map[string][]byte, error) {
		shards := []mlcShard{}
		for i, s := range p.shards {
			shards = append(shards, mlcShard{s.name, "raw-shard", s.data, s.records, sums[i]})
		}
		b, err := encode(map[string]any{"records": shards, "metadata": map[string]any{
			"ParamSize": records, "ParamBytes": float64(p.Bytes), "BitsPerParam": float64(8*p.Bytes) / float64(max(1, elements))}})
		out := map[string][]byte{}
		for _, name := range tensorCaches {
			out[name] = b
		}
		return out, err
	}
}

// records are the tensors of a parameter: itself as F16, or codes and scales.
func (param mlcParam) records(quantize bool) []mlcRecord {
	shape := append([]int64{}, param.parts[0].shape...)
	for _, o := range param.parts[1:] {
		shape[0] += o.shape[0]
	}
	record := func(name, dtype string, width, rows, cols int64) mlcRecord {
		return mlcRecord{Name: name, Shape: []int64{rows, cols}, DType: dtype, Format: "f32-to-bf16", Bytes: width * rows * cols}
	}
	if len(shape) == 1 {
		r := record(param.name, "float16", 2, shape[0], 1)
		r.Shape = shape
		return []mlcRecord{r}
	}
	if !quantize {
		return []mlcRecord{record(param.name, "float16", 2, shape[0], shape[1])}
	}
	base := param.name[:len(param.name)-len("weight")]
	groups := (shape[1] + mlcGroup - 1) / mlcGroup
	return []mlcRecord{record(base+"q_weight", "uint32", 4, shape[0], groups*mlcGroup/8), record(base+"q_scale", "float16", 2, shape[0], groups)}
}

// place says where in its shard each part of a parameter goes.
func (param mlcParam) place(records []mlcRecord) {
	first := int64(0) // row
	for _, o := range param.parts {
		for _, r := range records {
			row := r.Bytes / r.Shape[0]
			o.fields = append(o.fields, field{name: r.Name, dtype: r.DType, shape: o.shape, row: row, begin: r.Begin + first*row})
		}
		if len(records) == 2 {
			o.rows = q4f16{}
			o.carries()
		}
		first += o.shape[0]
	}
}

// md5Of is the MD5 sum of a file that was written, in hexadecimal.
func md5Of(f *atomicfile.File) (string, error) {
	sum := md5.New()
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, f.Size())); err != nil {
		return "", fmt.Errorf("%w: %s: %w", gguf.ErrEnvironment, f.Name(), err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
