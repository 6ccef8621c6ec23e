package convert

import (
	"fmt"
	"math"
	"slices"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/prequant"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// tensor is a tensor of the checkpoint as GGUF has it. Its rows are gathered as the bytes that the checkpoint has (gather.go);
// only where those are not what GGUF has they are decoded, changed and encoded.
type tensor struct {
	gguf.TensorInfo
	src  *safetensors.Tensor
	spec arch.Tensor
	// raw says that elements stay the bytes that they are.
	raw bool
	// kept says that these are blocks of GGUF's, which the checkpoint has already, and in is the tensor that they are of, nil
	// for those that were not quantized.
	kept bool
	in   *prequant.Tensor
}

// newTensor makes what becomes of src.
func newTensor(src *safetensors.Tensor, spec arch.Tensor, out gguf.Type) *tensor {
	shape := slices.Clone(spec.Result())
	slices.Reverse(shape) // GGUF names the contiguous dimension first
	t := &tensor{TensorInfo: gguf.TensorInfo{Name: spec.Name, Shape: shape}, src: src, spec: spec}
	if arch.ExpectF32(t.Name, t.dims()) {
		out = gguf.F32
	}
	t.become(out)
	return t
}

// newQuantized makes what becomes of a tensor that may be quantized already: blocks that GGUF has are kept if their elements
// stay what they are and only move with their blocks.
func newQuantized(in *prequant.Tensor, spec arch.Tensor, out gguf.Type) *tensor {
	t := newTensor(in.Tensor, spec, out)
	t.in = in
	if in.Kept == nil || spec.Changes() || spec.Transpose || arch.ExpectF32(t.Name, t.dims()) {
		return t
	}
	if block := int64(in.Kept.Type.BlockSize()); t.Cols()%block != 0 || spec.Order != nil && t.run()%block != 0 {
		return t
	}
	t.src, t.Type, t.raw, t.kept = in.Kept, in.Kept.Type, true, true
	return t
}

// decoded is t as it is where blocks cannot be kept.
func (t *tensor) decoded(out gguf.Type) *tensor {
	if t.kept {
		return newTensor(t.in.Tensor, t.spec, out)
	}
	return t
}

// dims are the dimensions of the tensor that t is, or is one of the experts of.
func (t *tensor) dims() int {
	if t.spec.Experts > 0 {
		return len(t.Shape) + 1
	}
	return len(t.Shape)
}

// become sets the type of a tensor, F16 where rows are no whole blocks of out.
func (t *tensor) become(out gguf.Type) {
	t.Type = out
	if t.Cols()%int64(out.BlockSize()) != 0 {
		t.Type = gguf.F16
	}
	t.raw = t.Type == t.src.Type && !t.spec.Changes()
}

func (t *tensor) Info() gguf.TensorInfo { return t.TensorInfo }

// Bytes implements gguf.Mapped for tensors that stay as they are.
func (t *tensor) Bytes() []byte {
	if !t.raw || t.spec.Moves() {
		return nil
	}
	return t.src.Bytes()
}

// ReadRows implements gguf.Tensor.
func (t *tensor) ReadRows(dst []byte, first, n int64) error {
	if first < 0 || n < 0 || first+n > t.Rows() || int64(len(dst)) != n*t.RowBytes() {
		return fmt.Errorf("tensor %s: rows %d to %d of %d into %d bytes", t.Name, first, first+n, t.Rows(), len(dst))
	}
	s := spare.Get().(*scratch)
	defer spare.Put(s)
	cols := t.Cols()
	rowBytes := t.src.Type.RowBytes(cols)
	raw := dst
	if !t.raw {
		raw = grow(&s.elements, n*rowBytes)
	}
	if err := t.gather(s, raw, first, n); err != nil {
		return err
	}
	if t.kept || t.raw && codec.Finite(t.Type, raw) {
		return nil
	}
	// A few rows at a time, which stay in the nearest cache until they are encoded.
	step := max(1, stepElements/cols)
	for row := int64(0); row < n; row += step {
		k := min(step, n-row)
		values := grow(&s.values, k*cols)
		if err := t.decode(values, raw[row*rowBytes:], first+row); err != nil {
			return err
		}
		if err := t.encode(dst[row*t.RowBytes():][:k*t.RowBytes()], values, first+row); err != nil {
			return err
		}
	}
	return nil
}

// stepElements are converted at a time.
const stepElements = 1 << 14

// decode makes float32 of raw, which begins with the result's row first.
func (t *tensor) decode(values []float32, raw []byte, first int64) error {
	t.src.Decode(values, raw[:len(values)*t.src.Type.BlockBytes()])
	return t.refuse(values, first, math.MaxFloat32, "not finite; the checkpoint is broken or damaged")
}

// encode changes values and encodes them.
func (t *tensor) encode(dst []byte, values []float32, first int64) error {
	if t.spec.Values != nil {
		t.spec.Values(values)
	}
	if t.spec.ByRow != nil {
		for i := int64(0); i*t.Cols() < int64(len(values)); i++ {
			t.spec.ByRow(first+i, values[i*t.Cols():][:t.Cols()])
		}
	}
	if t.Type == gguf.F16 {
		if err := t.refuse(values, first, math.Nextafter32(65520, 0), "overflow, F16 holds up to 65504; use bf16 or f32"); err != nil {
			return err
		}
	}
	enc, _ := codec.For(t.Type)
	enc.Encode(dst, values, int(t.Cols()), nil)
	return nil
}

// refuse makes an error of the first value beyond limit, or NaN. values begin with the result's row first; the error says
// where in the checkpoint the value is.
func (t *tensor) refuse(values []float32, first int64, limit float32, why string) error {
	if codec.Largest(values) <= limit {
		return nil
	}
	i := slices.IndexFunc(values, func(v float32) bool { return !(v <= limit && v >= -limit) })
	at, cols := t.place(first*t.Cols()+int64(i)), t.spec.Shape[len(t.spec.Shape)-1]
	row, col := at/cols, at%cols
	return fmt.Errorf("%w: %s: tensor %s (%s): row %d column %d is %v: %s", gguf.ErrInput, t.src.File, t.src.Name, t.Name, row, col, values[i], why)
}

// computed is a tensor that was made from the config.
type computed struct {
	gguf.TensorInfo
	values []float32
}

func newComputed(e arch.Computed) gguf.Tensor {
	return &computed{gguf.TensorInfo{Name: e.Name, Type: gguf.F32, Shape: []int64{int64(len(e.Values))}}, e.Values}
}

func (t *computed) Info() gguf.TensorInfo { return t.TensorInfo }

func (t *computed) ReadRows(dst []byte, first, n int64) error {
	if first != 0 || n != 1 || len(dst) != 4*len(t.values) {
		return fmt.Errorf("tensor %s has one row of %d values", t.Name, len(t.values))
	}
	c, _ := codec.For(gguf.F32)
	c.Encode(dst, t.values, len(t.values), nil)
	return nil
}
