package imatrix

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// keySHA256 is carat's own key; llama.cpp ignores it.
const keySHA256 = "carat.datasets.sha256"

// readGGUF reads the newer format: for each name the sums of squares (columns x experts) and how many
// activations each expert saw.
func readGGUF(path string) (*Matrix, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return fromModel(f)
}

func fromModel(f gguf.Model) (*Matrix, error) {
	if t, _ := f.Metadata().String("general.type"); t != "imatrix" {
		return nil, fmt.Errorf("%w: not an importance matrix: general.type must be \"imatrix\" (got %q)", gguf.ErrInput, t)
	}
	m := &Matrix{entries: map[string]entry{}, Datasets: f.Metadata().Strings("imatrix.datasets"), SHA256: f.Metadata().Strings(keySHA256)}
	for key, dst := range map[string]*int{"imatrix.chunk_count": &m.Chunks, "imatrix.chunk_size": &m.ChunkSize} {
		v, _ := f.Metadata().Int(key)
		if v < 0 || v > math.MaxInt32 {
			return nil, fmt.Errorf("%w: %s is invalid (got %d)", gguf.ErrInput, key, v)
		}
		*dst = int(v)
	}
	if m.ChunkSize == 0 {
		m.ChunkSize = DefaultChunkSize // GGUF counts activations even if it does not say how many made a chunk
	}
	sums, counts := map[string]gguf.Tensor{}, map[string]gguf.Tensor{}
	for _, t := range f.Tensors() {
		if name, ok := strings.CutSuffix(t.Info().Name, ".in_sum2"); ok {
			sums[name] = t
		} else if name, ok := strings.CutSuffix(t.Info().Name, ".counts"); ok {
			counts[name] = t
		}
	}
	for name := range counts {
		if _, ok := sums[name]; !ok {
			return nil, fmt.Errorf("%w: %s.counts is there but %s.in_sum2 is missing", gguf.ErrInput, name, name)
		}
	}
	for name, s := range sums {
		c, ok := counts[name]
		if !ok {
			return nil, fmt.Errorf("%w: %s.in_sum2 is there but %s.counts is missing", gguf.ErrInput, name, name)
		}
		sum, err := floats(s)
		if err != nil {
			return nil, err
		}
		count, err := floats(c)
		if err != nil {
			return nil, err
		}
		if len(count) == 0 || len(sum) == 0 || len(sum)%len(count) != 0 {
			return nil, fmt.Errorf("%w: %s: %d sums do not match %d counts", gguf.ErrInput, name, len(sum), len(count))
		}
		if i := slices.IndexFunc(count, func(v float64) bool { return !usable(float32(v)) }); i >= 0 {
			return nil, fmt.Errorf("%w: %s.counts: the count of expert %d must be finite and not negative (got %v)", gguf.ErrInput, name, i, count[i])
		}
		m.entries[name] = entry{sum, count}
	}
	if len(m.entries) == 0 {
		return nil, fmt.Errorf("%w: the importance matrix is empty", gguf.ErrInput)
	}
	return m, nil
}

// floats reads a tensor of F32, or of the F64 that snapshots hold.
func floats(t gguf.Tensor) ([]float64, error) {
	i := t.Info()
	if i.Type != gguf.F32 && i.Type != gguf.F64 {
		return nil, fmt.Errorf("%w: tensor %s must be F32 (got %v)", gguf.ErrInput, i.Name, i.Type)
	}
	b := make([]byte, i.Bytes())
	if err := t.ReadRows(b, 0, i.Rows()); err != nil {
		return nil, err
	}
	out := make([]float64, i.Elements())
	for j := range out {
		if i.Type == gguf.F64 {
			out[j] = math.Float64frombits(binary.LittleEndian.Uint64(b[j*8:]))
		} else {
			out[j] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[j*4:])))
		}
	}
	return out, nil
}

// encodeFloats is the inverse of floats.
func encodeFloats(v []float64, typ gguf.Type) []byte {
	var b []byte
	for _, x := range v {
		if typ == gguf.F64 {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		} else {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(x)))
		}
	}
	return b
}

// writeGGUF writes m with sums and counts of type typ, and extra after the format's own metadata.
func (m *Matrix) writeGGUF(path string, typ gguf.Type, extra ...gguf.KV) error {
	md := &gguf.Metadata{}
	md.Append("general.type", "imatrix")
	md.Append("imatrix.datasets", append([]string{}, m.Datasets...))
	md.Append("imatrix.chunk_count", uint32(m.Chunks))
	md.Append("imatrix.chunk_size", uint32(m.ChunkSize))
	if len(m.SHA256) > 0 {
		md.Append(keySHA256, m.SHA256)
	}
	for _, kv := range extra {
		md.Append(kv.Key, kv.Value)
	}
	names := m.Names()
	var infos []gguf.TensorInfo
	for _, name := range names {
		e := m.entries[name]
		experts := int64(len(e.counts))
		infos = append(infos,
			gguf.TensorInfo{Name: name + ".in_sum2", Type: typ, Shape: stacked(int64(e.cols()), experts)},
			gguf.TensorInfo{Name: name + ".counts", Type: typ, Shape: stacked(1, experts)})
	}
	w, err := gguf.Create(path, md, infos)
	if err != nil {
		return err
	}
	for i, name := range names {
		e := m.entries[name]
		err := errors.Join(w.WriteAt(2*i, encodeFloats(e.sums, typ), 0), w.WriteAt(2*i+1, encodeFloats(e.counts, typ), 0))
		if err != nil {
			return errors.Join(err, w.Abort())
		}
	}
	return w.Commit()
}

// stacked is a shape without a trailing one, as ggml writes it.
func stacked(cols, experts int64) []int64 {
	if experts == 1 {
		return []int64{cols}
	}
	return []int64{cols, experts}
}
