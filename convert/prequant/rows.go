package prequant

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/mmap"
	"github.com/carat-llm/carat/quantize/codec"
)

// rows gives the bytes of rows that are made when they are read.
type rows struct {
	rowBytes int64
	// make fills dst with whole rows, the first of them row first.
	make func(dst []byte, first int64) error
}

// read makes the rows that dst touches; those that it has a part of only are made aside.
func (r rows) read(dst []byte, off int64) error {
	for len(dst) > 0 {
		row, within := off/r.rowBytes, off%r.rowBytes
		if whole := int64(len(dst)) / r.rowBytes * r.rowBytes; within == 0 && whole > 0 {
			if err := r.make(dst[:whole], row); err != nil {
				return err
			}
			dst, off = dst[whole:], off+whole
			continue
		}
		aside := make([]byte, r.rowBytes)
		if err := r.make(aside, row); err != nil {
			return err
		}
		k := copy(dst, aside[within:])
		dst, off = dst[k:], off+int64(k)
	}
	return nil
}

// made is the weight as typ. fill makes whole rows, the first of them row first, reading mapped memory.
func (w *quantized) made(typ gguf.Type, shape []int64, fill func(dst []byte, first int64) error) *safetensors.Tensor {
	r := rows{typ.RowBytes(shape[len(shape)-1]), fill}
	return safetensors.Made(w.name, w.codes.File, typ, shape, func(dst []byte, off int64) error {
		if err := mmap.Guard(func() error { return r.read(dst, off) }); err != nil {
			return fmt.Errorf("tensor %s: %w", w.name, err)
		}
		return nil
	})
}

// stepElements are decoded at a time.
const stepElements = 1 << 14

var spare = sync.Pool{New: func() any { return new([]float32) }}

// decoded is the weight as float32. decode fills dst with whole rows, the first of them row first.
func (w *quantized) decoded(shape []int64, decode func(dst []float32, first int64) error) *Tensor {
	return w.decodedBy(1, shape, decode)
}

// decodedBy is decoded for layouts that are read better some rows at a time.
func (w *quantized) decodedBy(least int64, shape []int64, decode func(dst []float32, first int64) error) *Tensor {
	cols := shape[len(shape)-1]
	return &Tensor{Tensor: w.made(gguf.F32, shape, func(dst []byte, first int64) error {
		values := spare.Get().(*[]float32)
		defer spare.Put(values)
		enc, _ := codec.For(gguf.F32)
		step := max(least, stepElements/cols)
		n := int64(len(dst)) / (4 * cols)
		if need := min(n, step) * cols; int64(cap(*values)) < need {
			*values = make([]float32, need)
		}
		for n > 0 {
			k := min(n, step)
			v := (*values)[:k*cols]
			if err := decode(v, first); err != nil {
				return err
			}
			enc.Encode(dst[:4*k*cols], v, int(cols), nil)
			dst, first, n = dst[4*k*cols:], first+k, n-k
		}
		return nil
	})}
}

// data is a tensor's bytes: mapped, or read once where files cannot be mapped.
type data struct {
	t    *safetensors.Tensor
	once sync.Once
	read []byte
	err  error
}

func (d *data) bytes() ([]byte, error) {
	if b := d.t.Bytes(); b != nil {
		return b, nil
	}
	d.once.Do(func() {
		d.read = make([]byte, d.t.Size())
		d.err = d.t.ReadAt(d.read, 0)
	})
	return d.read, d.err
}

// small reads a tensor of at most limit bytes.
func small(t *safetensors.Tensor, limit int64) ([]byte, error) {
	if t.Size() > limit {
		return nil, fmt.Errorf("%w: %s: tensor %s has %d bytes, expected no more than %d", gguf.ErrInput, t.File, t.Name, t.Size(), limit)
	}
	b := make([]byte, t.Size())
	return b, t.ReadAt(b, 0)
}

// floats are the numbers of a tensor, read where they are wanted.
type floats struct {
	data
	width int64
	at    func(b []byte) float32
}

var floatTypes = map[string]struct {
	width int64
	at    func(b []byte) float32
}{
	"F32":              {4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }},
	"F16":              {2, func(b []byte) float32 { return codec.F16ToF32(binary.LittleEndian.Uint16(b)) }},
	"BF16":             {2, func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) }},
	safetensors.F8E4M3: {1, func(b []byte) float32 { return e4m3[b[0]] }},
	safetensors.F8E8M0: {1, func(b []byte) float32 { return float32(math.Ldexp(1, int(b[0])-127)) }},
}

// floats makes a tensor of floats of any type readable.
func (w *quantized) floats(t *safetensors.Tensor) (*floats, error) {
	f, ok := floatTypes[t.DType]
	if !ok {
		return nil, w.wrong(t, "has the type %s, expected a type of floats", t.DType)
	}
	return &floats{data{t: t}, f.width, f.at}, nil
}

// fill reads len(dst) numbers from number first.
func (f *floats) fill(dst []float32, first int64) error {
	b, err := f.bytes()
	if err != nil {
		return err
	}
	for i := range dst {
		dst[i] = f.at(b[(first+int64(i))*f.width:])
	}
	return nil
}

// one reads the number of a tensor that has one.
func (w *quantized) one(t *safetensors.Tensor) (float32, error) {
	f, err := w.floats(t)
	if err != nil {
		return 0, err
	}
	if t.Elements() != 1 {
		return 0, w.wrong(t, "has the shape %v, expected one number", t.Shape)
	}
	b, err := small(t, 8)
	if err != nil {
		return 0, err
	}
	v := f.at(b)
	if v-v != 0 {
		return 0, w.wrong(t, "is %v, expected a finite number", v)
	}
	return v, nil
}

// all reads a table of n float32.
func (w *quantized) all(t *safetensors.Tensor, n int64) ([]float32, error) {
	if err := w.want(t, nil, "F32"); err != nil {
		return nil, err
	}
	if t.Elements() != n {
		return nil, w.wrong(t, "has the shape %v, expected %d numbers", t.Shape, n)
	}
	b, err := small(t, 4*n)
	if err != nil {
		return nil, err
	}
	out := make([]float32, n)
	decodeF32(out, b)
	return out, nil
}

func decodeF32(dst []float32, b []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
}

// lines are rows of bytes of a tensor.
type lines struct {
	t     *safetensors.Tensor
	bytes int64 // of a row
}

// get returns n rows: mapped, or read where files cannot be mapped.
func (l lines) get(first, n int64) ([]byte, error) {
	if b := l.t.Bytes(); b != nil {
		return b[first*l.bytes:][:n*l.bytes], nil
	}
	b := make([]byte, n*l.bytes)
	return b, l.t.ReadAt(b, first*l.bytes)
}
