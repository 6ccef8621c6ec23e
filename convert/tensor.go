package convert

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// tensor is a tensor of the checkpoint as GGUF has it.
type tensor struct {
	gguf.TensorInfo
	src  *safetensors.Tensor
	spec arch.Tensor
	// same says that the bytes are the checkpoint's.
	same bool
}

func newTensor(src *safetensors.Tensor, spec arch.Tensor, out gguf.Type) *tensor {
	shape := slices.Clone(spec.Shape)
	if !spec.Transpose {
		slices.Reverse(shape) // GGUF names the contiguous dimension first
	}
	t := &tensor{gguf.TensorInfo{Name: spec.Name, Type: out, Shape: shape}, src, spec, false}
	switch {
	case arch.ExpectF32(spec.Name, len(shape)):
		t.Type = gguf.F32
	case t.Cols()%int64(out.BlockSize()) != 0:
		t.Type = gguf.F16
	}
	t.same = t.Type == src.Type && spec.Transform == arch.Transform{}
	return t
}

func (t *tensor) Info() gguf.TensorInfo { return t.TensorInfo }

// Bytes implements gguf.Mapped for tensors that stay as they are.
func (t *tensor) Bytes() []byte {
	if !t.same {
		return nil
	}
	return t.src.Bytes()
}

// ReadRows implements gguf.Tensor.
func (t *tensor) ReadRows(dst []byte, first, n int64) error {
	if first < 0 || n < 0 || first+n > t.Rows() || int64(len(dst)) != n*t.RowBytes() {
		return fmt.Errorf("tensor %s: rows %d to %d of %d into %d bytes", t.Name, first, first+n, t.Rows(), len(dst))
	}
	if t.same {
		return t.src.ReadAt(dst, first*t.RowBytes())
	}
	values := make([]float32, n*t.Cols())
	if err := t.read(values, first, n); err != nil {
		return err
	}
	if t.spec.AddOne {
		for i := range values {
			values[i]++
		}
	}
	enc, _ := codec.For(t.Type)
	if t.Type == gguf.F16 {
		for i, v := range values {
			if v >= 65520 || v <= -65520 {
				return t.bad(first+int64(i)/t.Cols(), int64(i)%t.Cols(), v, "overflow, F16 holds up to 65504; use bf16 or f32")
			}
		}
	}
	enc.Encode(dst, values, int(t.Cols()), nil)
	return nil
}

// read fills values with rows first..first+n-1 of the result, before AddOne.
func (t *tensor) read(values []float32, first, n int64) error {
	cols := t.Cols()
	switch {
	case t.spec.Transpose:
		return t.transposed(values, first, n)
	case t.spec.Heads > 0 && len(t.Shape) == 1:
		// A bias: its elements are what rows are to a matrix.
		all := make([]float32, cols)
		if err := t.decode(all, 0); err != nil {
			return err
		}
		for i := range values {
			values[i] = all[t.headRow(int64(i), cols)]
		}
	case t.spec.Heads > 0:
		for i := range n {
			if err := t.decode(values[i*cols:(i+1)*cols], t.headRow(first+i, t.Rows())*cols); err != nil {
				return err
			}
		}
	default:
		return t.decode(values, first*cols)
	}
	return nil
}

// headRow is the checkpoint's row that becomes row r: within a head of d rows, halves become pairs.
func (t *tensor) headRow(r, rows int64) int64 {
	d := rows / t.spec.Heads
	within := r % d
	return r - within + within%2*(d/2) + within/2
}

// decode reads len(values) elements of the checkpoint from element at.
func (t *tensor) decode(values []float32, at int64) error {
	width := int64(t.src.Type.BlockBytes())
	raw := make([]byte, int64(len(values))*width)
	if err := t.src.ReadAt(raw, at*width); err != nil {
		return err
	}
	if t.src.Type == gguf.F64 {
		decodeF64(values, raw)
	} else {
		dec, _ := codec.For(t.src.Type)
		dec.Decode(values, raw)
	}
	cols := t.spec.Shape[len(t.spec.Shape)-1]
	for i, v := range values {
		if v != v || math.IsInf(float64(v), 0) {
			return t.bad((at+int64(i))/cols, (at+int64(i))%cols, v, "not finite; the checkpoint is broken or damaged")
		}
	}
	return nil
}

// decodeF64 rounds to the nearest float32. What is too large for one becomes infinite, and is refused as such.
func decodeF64(values []float32, raw []byte) {
	for i := range values {
		values[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
	}
}

func (t *tensor) bad(row, col int64, v float32, why string) error {
	return fmt.Errorf("%w: %s: tensor %s (%s): row %d column %d is %v: %s", gguf.ErrInput, t.src.File, t.src.Name, t.Name, row, col, v, why)
}

// transposed gathers rows of the result, which are columns of the checkpoint, a block of its rows at a time.
func (t *tensor) transposed(values []float32, first, n int64) error {
	in, out := t.spec.Shape[0], t.spec.Shape[1]
	block := max(1, (1<<18)/out)
	buf := make([]float32, block*out)
	for row := int64(0); row < in; row += block {
		k := min(block, in-row)
		if err := t.decode(buf[:k*out], row*out); err != nil {
			return err
		}
		for j := range k {
			for i := range n {
				values[i*in+row+j] = buf[j*out+first+i]
			}
		}
	}
	return nil
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
