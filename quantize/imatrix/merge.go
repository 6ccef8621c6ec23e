package imatrix

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/carat-llm/carat/gguf"
)

// Named is a matrix and the file it came from, for messages.
type Named struct {
	Name   string
	Matrix *Matrix
}

// Merge adds matrices up, as if one collection had seen all their texts: sums, counts and chunks add, the
// names of tensors, the datasets and the hashes of their texts are joined. Tensors of one name must have one shape. Matrices from .dat
// files are taken as made of chunks of chunkSize tokens, unless all are: then the result has none either.
// Chunks of other sizes are counted in the first one's. The matrices given are left as they are.
func Merge(ms []Named, chunkSize int) (*Matrix, error) {
	tokens := slices.ContainsFunc(ms, func(m Named) bool { return m.Matrix.ChunkSize > 0 })
	out := &Matrix{entries: map[string]entry{}}
	for _, n := range ms {
		m := n.Matrix
		if tokens {
			m = m.perToken(chunkSize)
		}
		if out.ChunkSize == 0 {
			out.ChunkSize = m.ChunkSize
		}
		chunks := out.Chunks + m.Chunks
		if m.ChunkSize != out.ChunkSize {
			chunks = out.Chunks + m.Chunks*m.ChunkSize/out.ChunkSize
		}
		if chunks > math.MaxInt32 {
			return nil, fmt.Errorf("%w: %s: the numbers of chunks add up to %d, but a file can hold %d at most", gguf.ErrInput, n.Name, chunks, math.MaxInt32)
		}
		out.Chunks = chunks
		out.Datasets = append(out.Datasets, m.Datasets...)
		for _, sum := range m.SHA256 {
			if !slices.Contains(out.SHA256, sum) {
				out.SHA256 = append(out.SHA256, sum)
			}
		}
		for _, name := range m.Names() {
			e := m.entries[name]
			old, ok := out.entries[name]
			if !ok {
				out.entries[name] = entry{slices.Clone(e.sums), slices.Clone(e.counts)}
				continue
			}
			sum, err := old.plus(e)
			if err != nil {
				return nil, fmt.Errorf("%w: %s: tensor %s: %w: the files are of different models", gguf.ErrInput, n.Name, name, err)
			}
			out.entries[name] = sum
		}
	}
	return out, out.check()
}

// plus adds e to old, whose memory it reuses.
func (old entry) plus(e entry) (entry, error) {
	if len(old.sums) != len(e.sums) {
		return old, fmt.Errorf("%d importance values, but another file has %d", len(e.sums), len(old.sums))
	}
	experts := max(len(old.counts), len(e.counts))
	a, okA := old.spread(experts)
	b, okB := e.spread(experts)
	if !okA || !okB {
		return old, fmt.Errorf("%d experts, but another file has %d", len(e.counts), len(old.counts))
	}
	for i, v := range e.sums {
		old.sums[i] += v
	}
	counts := make([]float64, experts)
	for i := range counts {
		counts[i] = a[i] + b[i]
	}
	return entry{old.sums, counts}, nil
}

// spread gives each of n experts the one count of a .dat file, which does not tell them apart.
func (e entry) spread(n int) (counts []float64, ok bool) {
	if len(e.counts) == n {
		return e.counts, true
	}
	return slices.Repeat(e.counts, n), len(e.counts) == 1
}

// perToken returns m counted in activations: what came from a .dat file counts chunks, which are taken to
// be of chunkSize tokens. Multiplying sums and counts leaves the means.
func (m *Matrix) perToken(chunkSize int) *Matrix {
	if m.ChunkSize > 0 {
		return m
	}
	out := *m
	out.ChunkSize = chunkSize
	out.entries = maps.Clone(m.entries)
	for name, e := range m.entries {
		out.entries[name] = entry{times(e.sums, chunkSize), times(e.counts, chunkSize)}
	}
	return &out
}

func times(v []float64, by int) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = x * float64(by)
	}
	return out
}
