package imatrix

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// readGGUF reads the newer format: for each name the sums of squares (columns x experts) and how many
// activations each expert saw.
func readGGUF(path string) (*Matrix, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if t, _ := f.Metadata().String("general.type"); t != "imatrix" {
		return nil, fmt.Errorf("%w: general.type is %q, an importance matrix has \"imatrix\"", gguf.ErrInput, t)
	}
	m := &Matrix{entries: map[string]entry{}, Datasets: f.Metadata().Strings("imatrix.datasets")}
	for key, dst := range map[string]*int{"imatrix.chunk_count": &m.Chunks, "imatrix.chunk_size": &m.ChunkSize} {
		v, _ := f.Metadata().Int(key)
		if v < 0 || v > math.MaxInt32 {
			return nil, fmt.Errorf("%w: %s is %d", gguf.ErrInput, key, v)
		}
		*dst = int(v)
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
			return nil, fmt.Errorf("%w: %s.counts has no %s.in_sum2 beside it", gguf.ErrInput, name, name)
		}
	}
	for name, s := range sums {
		c, ok := counts[name]
		if !ok {
			return nil, fmt.Errorf("%w: %s.in_sum2 has no %s.counts beside it", gguf.ErrInput, name, name)
		}
		sum, err := floats(s)
		if err != nil {
			return nil, err
		}
		count, err := floats(c)
		if err != nil {
			return nil, err
		}
		if len(count) == 0 || len(sum)%len(count) != 0 {
			return nil, fmt.Errorf("%w: %s: %d sums do not go with %d counts", gguf.ErrInput, name, len(sum), len(count))
		}
		if i := slices.IndexFunc(count, func(v float32) bool { return !usable(v) }); i >= 0 {
			return nil, fmt.Errorf("%w: %s.counts: expert %d has the count %v: it must be finite and not negative", gguf.ErrInput, name, i, count[i])
		}
		m.entries[name] = entry{means(sum, count), len(count)}
	}
	if len(m.entries) == 0 {
		return nil, fmt.Errorf("%w: an importance matrix without entries", gguf.ErrInput)
	}
	return m, nil
}

// means divides each expert's sums by its count. An expert that saw nothing weighs all columns alike.
func means(sum, count []float32) []float32 {
	cols := len(sum) / len(count)
	for e, n := range count {
		for i := range cols {
			if n > 0 {
				sum[e*cols+i] /= n
			} else {
				sum[e*cols+i] = 1
			}
		}
	}
	return sum
}

func floats(t gguf.Tensor) ([]float32, error) {
	i := t.Info()
	if i.Type != gguf.F32 {
		return nil, fmt.Errorf("%w: tensor %s is %v, want F32", gguf.ErrInput, i.Name, i.Type)
	}
	b := make([]byte, i.Bytes())
	if err := t.ReadRows(b, 0, i.Rows()); err != nil {
		return nil, err
	}
	out := make([]float32, i.Elements())
	for j := range out {
		out[j] = math.Float32frombits(binary.LittleEndian.Uint32(b[j*4:]))
	}
	return out, nil
}
