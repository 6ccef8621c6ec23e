// Package imatrix reads importance matrices: for each weight matrix, how strongly each of its input
// columns was activated on a calibration text.
//
// Read takes both formats that llama-imatrix writes, GGUF and the older .dat, and recognises them by
// content. A Matrix gives Weights per tensor, one for each column (and for each expert of a stacked tensor),
// as the encoders of quantize/codec want them.
package imatrix

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"

	"github.com/carat-llm/carat/gguf"
)

// Matrix is an importance matrix. It is not changed once read: plans may share it.
type Matrix struct {
	entries   map[string]entry
	Datasets  []string
	Chunks    int // number of chunks of text that were evaluated
	ChunkSize int // tokens in a chunk; 0 in .dat files, which do not say
}

// entry holds mean squared activations, experts x columns.
type entry struct {
	weights []float32
	experts int
}

// Len is the number of tensors with weights.
func (m *Matrix) Len() int { return len(m.entries) }

// Names lists the tensors with weights, sorted.
func (m *Matrix) Names() []string { return slices.Sorted(maps.Keys(m.entries)) }

// Weights returns the importance of each column of tensor name, n = cols x experts values with the columns
// of an expert contiguous, or nil when there are none for it. Another number of values is an error.
func (m *Matrix) Weights(name string, n int64) ([]float32, error) {
	e, ok := m.entries[name]
	if !ok {
		return nil, nil
	}
	if int64(len(e.weights)) != n {
		return nil, fmt.Errorf("%w: imatrix: tensor %s has %d importance values, %d columns need as many: it was made for another model",
			gguf.ErrInput, name, len(e.weights), n)
	}
	return e.weights, nil
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
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, fmt.Errorf("%w: %s: no such file", gguf.ErrInput, path)
	}
	if err != nil {
		return nil, err
	}
	var m *Matrix
	if bytes.HasPrefix(b, []byte("GGUF")) {
		m, err = readGGUF(path)
	} else {
		m, err = parseDat(b)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, name := range m.Names() {
		e := m.entries[name]
		for i, v := range e.weights {
			if !usable(v) {
				return nil, fmt.Errorf("%w: %s: tensor %s: the importance of column %d is %v: it must be finite and not negative; collect the matrix again",
					gguf.ErrInput, path, name, i%(len(e.weights)/e.experts), v)
			}
		}
	}
	return m, nil
}

// usable is false for NaN, infinities and negative numbers.
func usable(v float32) bool { return v >= 0 && v <= math.MaxFloat32 }

// parseDat reads the older format: entries with values that were multiplied by a call count.
func parseDat(b []byte) (*Matrix, error) {
	r := &datReader{b: b}
	m := &Matrix{entries: map[string]entry{}}
	n := r.int("number of entries", 1<<24)
	if r.err == nil && n == 0 {
		return nil, fmt.Errorf("%w: an importance matrix without entries", gguf.ErrInput)
	}
	for i := 0; i < n && r.err == nil; i++ {
		name := string(r.bytes(r.int("length of a name", 1<<16)))
		calls := r.int("number of calls", math.MaxInt32)
		values := r.int("number of values", len(b)/4)
		raw := r.bytes(values * 4)
		if r.err != nil {
			break
		}
		if values == 0 || calls == 0 {
			return nil, fmt.Errorf("%w: imatrix entry %q has %d values of %d calls", gguf.ErrInput, name, values, calls)
		}
		if _, twice := m.entries[name]; twice {
			return nil, fmt.Errorf("%w: imatrix entry %q stands twice", gguf.ErrInput, name)
		}
		w := make([]float32, values)
		for j := range w {
			w[j] = math.Float32frombits(binary.LittleEndian.Uint32(raw[j*4:])) / float32(calls)
		}
		m.entries[name] = entry{w, 1}
	}
	// Files of before 2024 end here.
	if r.err == nil && len(r.b) > 0 {
		m.Chunks = r.int("number of chunks", math.MaxInt32)
		m.Datasets = []string{string(r.bytes(r.int("length of the dataset's name", 1<<16)))}
	}
	return m, r.err
}

// datReader takes values off the front of b. The first error stays.
type datReader struct {
	b   []byte
	err error
}

func (r *datReader) bytes(n int) []byte {
	if r.err == nil && n > len(r.b) {
		r.err = fmt.Errorf("%w: this is neither a GGUF nor a .dat importance matrix, or it is truncated: %d bytes needed, %d left", gguf.ErrInput, n, len(r.b))
	}
	if r.err != nil {
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *datReader) int(what string, limit int) int {
	b := r.bytes(4)
	if r.err != nil {
		return 0
	}
	n := int32(binary.LittleEndian.Uint32(b))
	if n < 0 || int(n) > limit {
		r.err = fmt.Errorf("%w: this is neither a GGUF nor a .dat importance matrix: %s is %d", gguf.ErrInput, what, n)
		return 0
	}
	return int(n)
}
