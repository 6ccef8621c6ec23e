// Package imatrix collects, reads, writes and describes importance matrices: for each weight matrix, how
// strongly each of its input columns was activated on a calibration text.
//
// A [Matrix] holds, for each tensor, the sums of squared activations of each column and the number of
// activations that were added, separately for each expert of a stacked tensor. [Read] takes both formats
// that llama-imatrix writes, GGUF and the older .dat, and recognises them by content; [Matrix.Write]
// writes both. [Matrix.Weights] gives the means, as the encoders of quantize/codec want them.
//
//	collecting   Collector, Collect; Snapshot saves one under way
//	combining    Merge
//	looking      Matrix.Statistics, Layers, Matrix.Coverage
package imatrix

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
)

// DefaultChunkSize is the number of tokens in a chunk where a matrix does not say.
const DefaultChunkSize = 512

// Matrix is an importance matrix. It is not changed once read: plans may share it.
type Matrix struct {
	entries   map[string]entry
	Datasets  []string
	SHA256    []string // of the texts collected from, where known; llama-imatrix does not record them
	Chunks    int      // number of chunks of text that were evaluated
	ChunkSize int      // tokens in a chunk; 0 in .dat files, which do not say
}

// entry is one tensor's data. Where the matrix has no chunk size, what is added and counted are not
// activations but the means of chunks.
type entry struct {
	sums   []float64 // of squared activations, experts x columns
	counts []float64 // of activations, one for each expert
}

func (e entry) cols() int { return len(e.sums) / len(e.counts) }

// Len is the number of tensors with weights.
func (m *Matrix) Len() int { return len(m.entries) }

// Names lists the tensors with weights, sorted.
func (m *Matrix) Names() []string { return slices.Sorted(maps.Keys(m.entries)) }

// Weights returns the importance of each column of tensor name, n = cols x experts values with the columns
// of an expert contiguous, or nil when there are none for it. An expert that saw nothing weighs all columns
// alike. Another number of values is an error.
func (m *Matrix) Weights(name string, n int64) ([]float32, error) {
	e, ok := m.entries[name]
	if !ok {
		return nil, nil
	}
	if int64(len(e.sums)) != n {
		return nil, fmt.Errorf("%w: imatrix: tensor %s has %d importance values for %d columns: the matrix is of another model",
			gguf.ErrInput, name, len(e.sums), n)
	}
	return e.means(), nil
}

// means divides each expert's sums by its count, in the float32 that files hold.
func (e entry) means() []float32 {
	out := make([]float32, len(e.sums))
	cols := e.cols()
	for i, sum := range e.sums {
		out[i] = 1
		if n := e.counts[i/cols]; n > 0 {
			out[i] = float32(sum) / float32(n)
		}
	}
	return out
}

// Filter returns a matrix of the entries whose name keep accepts.
func (m *Matrix) Filter(keep func(name string) bool) *Matrix {
	out := *m
	out.entries = maps.Clone(m.entries)
	maps.DeleteFunc(out.entries, func(name string, _ entry) bool { return !keep(name) })
	return &out
}

// Read reads the file at path, GGUF or .dat whatever its name.
func Read(path string) (*Matrix, error) {
	m, err := read(path)
	if err == nil {
		err = m.check()
	}
	if err != nil && !strings.Contains(err.Error(), path) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// maxDat is the size of the largest .dat file that is read: the matrix of a model of experts takes one gigabyte.
const maxDat = 4 << 30

func read(path string) (*Matrix, error) {
	f, err := inputfile.Open(path)
	if err != nil {
		return nil, err
	}
	magic, err := io.ReadAll(io.LimitReader(f.Reader(), 4))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if string(magic) == "GGUF" {
		return readGGUF(path)
	}
	b, err := inputfile.ReadSmall(path, maxDat)
	if err != nil {
		return nil, err
	}
	return parseDat(b)
}

// check refuses values that are of no use as weights.
func (m *Matrix) check() error {
	for _, name := range m.Names() {
		e := m.entries[name]
		for i, v := range e.means() {
			if !usable(v) || !usable(float32(e.sums[i])) {
				return fmt.Errorf("%w: tensor %s: the importance of column %d is %v (a sum of %v): it must be finite, not negative and at most 2^80; collect the matrix again",
					gguf.ErrInput, name, i%e.cols(), v, e.sums[i])
			}
		}
	}
	return nil
}

// usable is false for NaN, infinities, negative numbers, and what is so large that the float32 sums of encoders
// could overflow. The mean square of activations that fit a half is below 2^32.
func usable(v float32) bool { return v >= 0 && v <= 0x1p80 }

// Format is a file format.
type Format string

// The formats that llama-imatrix reads and writes.
const (
	GGUF Format = "gguf"
	Dat  Format = "dat" // means only: no counts of experts, no size of chunks
)

// Write writes m to path, which appears when it is whole. What llama-imatrix cannot do it does not do either:
// GGUF holds sums and counts as float32, sorted by name; .dat leaves out tensors without any data and names
// only the last dataset.
func (m *Matrix) Write(path string, f Format) error {
	if len(m.entries) == 0 {
		return fmt.Errorf("%w: %s: the importance matrix is empty", gguf.ErrInput, path)
	}
	if err := m.check(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if f == Dat {
		return m.writeDat(path)
	}
	return m.perToken(DefaultChunkSize).writeGGUF(path, gguf.F32)
}
