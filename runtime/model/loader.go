package model

import (
	"fmt"
	"math"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/kernel"
)

// loader finds keys and tensors and keeps the first error, so that architectures read as lists.
type loader struct {
	md      *gguf.Metadata
	arch    string
	tensors map[string]gguf.Tensor
	// asked are the keys (without the architecture) and tensors that the architecture looked for; whatever else is
	// there it leaves out.
	asked map[string]bool
	// headersOnly checks tensors without loading them: matrices and vectors are nil.
	headersOnly bool
	weights     []weight             // that activations are multiplied with
	sharesKV    bool                 // some layer uses the keys and values of another one
	changes     map[string][]*change // of tensors, by adapters in their order
	// invent makes tensors that are missing, and for a nil shape says by nil that there is none; nil but in tests, which make models of
	// any architecture with it.
	invent func(name string, shape []int64) gguf.Tensor
	err    error
}

func newLoader(src gguf.Model, arch string) *loader {
	l := &loader{md: src.Metadata(), arch: arch, tensors: map[string]gguf.Tensor{}, asked: map[string]bool{}, changes: map[string][]*change{}}
	for _, t := range src.Tensors() {
		l.tensors[t.Info().Name] = t
	}
	return l
}

// fail keeps the first error.
func (l *loader) fail(format string, args ...any) {
	if l.err == nil {
		l.err = fmt.Errorf("%w: "+format, append([]any{gguf.ErrInput}, args...)...)
	}
}

// keep keeps the first error.
func (l *loader) keep(err error) {
	if l.err == nil {
		l.err = err
	}
}

// key is the architecture's own key.
func (l *loader) key(name string) string { return l.arch + "." + name }

// value returns the value of the architecture's key, nil when it is missing.
func (l *loader) value(name string) (any, bool) {
	l.asked[name] = true
	return l.md.Get(l.key(name))
}

// given reports whether the architecture's key is there.
func (l *loader) given(name string) bool { _, ok := l.value(name); return ok }

// count reads a positive integer that must be there.
func (l *loader) count(name string) int {
	v, there := l.value(name)
	n, ok := l.md.Int(l.key(name))
	switch {
	case !there:
		l.fail("metadata %s is missing", l.key(name))
		return 1
	case !ok:
		l.fail("metadata %s is %v (%T), expected one integer", l.key(name), v, v)
		return 1
	}
	return l.positive(name, n)
}

// positive checks the value of a key that counts something.
func (l *loader) positive(name string, n int64) int {
	if n < 1 || n > 1<<30 {
		l.fail("metadata %s is %d, expected a number between 1 and 2^30", l.key(name), n)
		return 1
	}
	return int(n)
}

// countOr reads a positive integer, or returns otherwise when the key is missing.
func (l *loader) countOr(name string, otherwise int) int {
	if !l.given(name) {
		return otherwise
	}
	return l.count(name)
}

// float reads a number that must be there.
func (l *loader) float(name string) float64 {
	v, there := l.value(name)
	f, ok := l.md.Float(l.key(name))
	switch {
	case !there:
		l.fail("metadata %s is missing", l.key(name))
	case !ok:
		l.fail("metadata %s is %v (%T), expected a float", l.key(name), v, v)
	case math.IsInf(float64(float32(f)), 0) && !math.IsInf(f, 0), f != 0 && float32(f) == 0:
		l.fail("metadata %s is %v, outside the range of float32, with which models are computed", l.key(name), f)
	}
	return f
}

// floatOr reads a number, or returns otherwise when the key is missing.
func (l *loader) floatOr(name string, otherwise float64) float64 {
	if !l.given(name) {
		return otherwise
	}
	return l.float(name)
}

// textOr reads a string, or returns otherwise when the key is missing.
func (l *loader) textOr(name, otherwise string) string {
	v, there := l.value(name)
	s, ok := v.(string)
	if !there {
		return otherwise
	}
	if !ok {
		l.fail("metadata %s is %v (%T), expected a string", l.key(name), v, v)
	}
	return s
}

// has reports whether there is a tensor of that name.
func (l *loader) has(name string) bool {
	_, ok := l.tensors[name]
	return ok || l.invent != nil && l.invent(name, nil) != nil
}

// rows is the number of rows of a tensor that must be there.
func (l *loader) rows(name string) int {
	t, ok := l.tensors[name]
	if !ok && l.invent != nil {
		return 3
	}
	if !ok {
		l.fail("tensor %s is missing", name)
		return 0
	}
	return int(t.Info().Rows())
}

// matrix loads a tensor of the given shape, cols first as GGUF has it; rows is 1 for vectors, and stacked
// tensors have more than one number of rows.
func (l *loader) matrix(name string, cols int, rows ...int) *kernel.Matrix {
	l.asked[name] = true
	if l.err != nil {
		return nil
	}
	want := gguf.TensorInfo{Shape: []int64{int64(cols)}}
	for _, n := range rows {
		want.Shape = append(want.Shape, int64(n))
	}
	t, ok := l.tensors[name]
	if !ok && l.invent != nil {
		t, ok = l.invent(name, want.Shape[:want.Dims()]), true
		l.tensors[name] = t
	}
	if !ok {
		l.fail("tensor %s is missing", name)
		return nil
	}
	info := t.Info()
	if !slices.Equal(info.Shape[:info.Dims()], want.Shape[:want.Dims()]) {
		l.fail("tensor %s has shape %v, but the metadata says %v", name, info.Shape, want.Shape)
		return nil
	}
	if err := kernel.CheckMatrix(info.Type, cols); err != nil {
		l.err = fmt.Errorf("tensor %s: %w", name, err)
		return nil
	}
	if l.headersOnly {
		return nil
	}
	data, err := read(t)
	if err != nil {
		l.err = err
		return nil
	}
	m, err := kernel.NewMatrix(info.Type, int(info.Rows()), cols, data)
	if err != nil {
		l.err = fmt.Errorf("tensor %s: %w", name, err)
		return nil
	}
	return m
}

// read returns the tensor's encoded data: where it is mapped, or copied into memory.
func read(t gguf.Tensor) ([]byte, error) {
	if m, ok := t.(gguf.Mapped); ok {
		if data := m.Bytes(); data != nil {
			return data, nil
		}
	}
	info := t.Info()
	if !info.Type.Valid() || info.Cols()%int64(info.Type.BlockSize()) != 0 {
		return nil, fmt.Errorf("%w: tensor %s: rows of %d elements of %s", gguf.ErrInput, info.Name, info.Cols(), info.Type)
	}
	data := make([]byte, info.Bytes())
	return data, t.ReadRows(data, 0, info.Rows())
}

// vector loads a tensor of one dimension as float32.
func (l *loader) vector(name string, n int) []float32 {
	return l.table(name, n, 1)
}

// table loads a tensor as float32, one row after the other.
func (l *loader) table(name string, cols, rows int) []float32 {
	m := l.matrix(name, cols, rows)
	if m == nil {
		return nil
	}
	v := make([]float32, rows*cols)
	for i := range rows {
		m.Row(v[i*cols:], i)
	}
	return v
}

// columns loads a tensor as float32, as its columns.
func (l *loader) columns(name string, cols, rows int) [][]float32 {
	t := l.table(name, cols, rows)
	if t == nil {
		return nil
	}
	out := make([][]float32, cols)
	for j := range out {
		out[j] = make([]float32, rows)
		for i := range rows {
			out[j][i] = t[i*cols+j]
		}
	}
	return out
}

// vectorIf is vector for a tensor that may be absent; nil then.
func (l *loader) vectorIf(name string, n int) []float32 {
	if !l.has(name) {
		return nil
	}
	return l.vector(name, n)
}
