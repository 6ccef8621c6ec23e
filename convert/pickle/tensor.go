package pickle

import (
	"fmt"
	"math"
	"slices"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/internal/inputfile"
)

// storage is memory that tensors are views of.
type storage struct {
	key   string
	dtype string // of its elements; "" if it is of bytes
	size  int64  // bytes
	begin int64  // in the file; in the older container it is known last
}

// newStorage reads a persistent id: "storage", type, key, device, number of elements.
func newStorage(id tuple) (*storage, error) {
	if len(id) < 5 || id[0] != value("storage") {
		return nil, fmt.Errorf("the pickle refers to data by %s, expected a storage", kind(id))
	}
	class, ok := id[1].(global)
	dtype, ok2 := storages[class]
	key, ok3 := id[2].(string)
	n, ok4 := id[4].(int64)
	if !ok || !ok2 || !ok3 || !ok4 {
		return nil, fmt.Errorf("a storage is described by %s, %s, %s, %s: expected its type, key, device and size", kind(id[1]), kind(id[2]), kind(id[3]), kind(id[4]))
	}
	width := max(1, safetensors.Width(dtype))
	if n < 0 || n > math.MaxInt64/width {
		return nil, fmt.Errorf("storage %q has %d elements", key, n)
	}
	return &storage{key: key, dtype: dtype, size: n * width}, nil
}

// tensor is a view of a storage: element (i, j, ...) is the one at offset + i*strides[0] + j*strides[1] + ...
type tensor struct {
	storage        *storage
	dtype          string
	offset         int64
	shape, strides []int64
}

// rebuild makes a tensor of its storage, offset, shape and strides, and checks that it lies within the storage. No element
// may be in it twice, so that a tensor is never larger than what the file has.
func rebuild(args tuple, least int, dtype string) (value, error) {
	if len(args) < least {
		return nil, fmt.Errorf("a tensor is made of %s, expected %d", kind(args), least)
	}
	s, ok := args[0].(*storage)
	offset, ok2 := args[1].(int64)
	if !ok || !ok2 || offset < 0 {
		return nil, fmt.Errorf("a tensor is made of %s and %s, expected a storage and an offset in it", kind(args[0]), kind(args[1]))
	}
	t := &tensor{storage: s, dtype: dtype, offset: offset}
	var err error
	if t.shape, err = dims(args[2]); err == nil {
		t.strides, err = dims(args[3])
	}
	switch {
	case err != nil:
		return nil, err
	case dtype == "":
		t.dtype = s.dtype
	case s.dtype != "" && s.dtype != dtype:
		return nil, fmt.Errorf("a tensor of type %s is made of a storage of %s", dtype, s.dtype)
	}
	if t.dtype == "" {
		return nil, fmt.Errorf("a tensor is made of storage %q, which has no type", s.key)
	}
	if len(args) > least {
		if d, ok := args[least].(*dict); ok && (d.entries["conj"] == true || d.entries["neg"] == true) {
			return nil, fmt.Errorf("a tensor is saved as the negative or conjugate of its storage %q: save a copy of it (resolve_neg, resolve_conj)", s.key)
		}
	}
	return t, t.check()
}

// dims reads a tuple of numbers that are not negative.
func dims(v value) ([]int64, error) {
	t, ok := v.(tuple)
	if !ok || len(t) > 64 {
		return nil, fmt.Errorf("a tensor has %s in place of its shape or strides", kind(v))
	}
	out := make([]int64, len(t))
	for i := range t {
		n, ok := t[i].(int64)
		if !ok || n < 0 {
			return nil, fmt.Errorf("a tensor has %s in its shape or strides, expected numbers from 0 on", kind(t[i]))
		}
		out[i] = n
	}
	return out, nil
}

// check requires that all elements lie in the storage.
func (t *tensor) check() error {
	if len(t.shape) != len(t.strides) {
		return fmt.Errorf("a tensor has the shape %v, but the strides %v", t.shape, t.strides)
	}
	have := t.storage.size / safetensors.Width(t.dtype)
	outside := fmt.Errorf("a tensor of shape %v, strides %v and offset %d does not lie in its storage %q of %d elements", t.shape, t.strides, t.offset, t.storage.key, have)
	if slices.Contains(t.shape, 0) {
		t.offset = 0
		if slices.Max(t.shape) > math.MaxInt32 {
			return outside
		}
		return nil
	}
	if t.offset >= have {
		return outside
	}
	elements, last := int64(1), t.offset
	for i, n := range t.shape {
		if n > have || elements > have/n {
			return outside
		}
		elements *= n
		if n > 1 && t.strides[i] > (have-1)/(n-1) {
			return outside
		}
		if last += (n - 1) * t.strides[i]; last >= have {
			return outside
		}
	}
	return nil
}

// contiguous reports whether elements lie one after the other.
func (t *tensor) contiguous() bool {
	n := int64(1)
	for i := len(t.shape) - 1; i >= 0; i-- {
		if t.shape[i] == 0 {
			return true
		}
		if t.shape[i] > 1 && t.strides[i] != n {
			return false
		}
		n *= t.shape[i]
	}
	return true
}

// open shows the tensor as one of a checkpoint.
func (t *tensor) open(name string, file *inputfile.File) *safetensors.Tensor {
	width := safetensors.Width(t.dtype)
	begin := t.storage.begin + t.offset*width
	if t.contiguous() {
		return safetensors.Placed(name, t.dtype, t.shape, file, begin)
	}
	v := &view{file: file, begin: begin, width: width, shape: t.shape, strides: t.strides}
	return safetensors.Gathered(name, t.dtype, t.shape, v.read)
}
