package gguf

import "io"

// Model is a source of tensors: a GGUF file, its splits read as one, or a checkpoint folder seen as
// the GGUF that conversion would write. Methods are safe for use by several goroutines.
type Model interface {
	// Metadata returns the key-value pairs in file order. The caller must not change them; see Metadata.Clone.
	Metadata() *Metadata
	// Tensors lists the tensors in file order.
	Tensors() []Tensor
	io.Closer
}

// Tensor is a named array whose data is read on demand, some rows at a time.
type Tensor interface {
	Info() TensorInfo
	// ReadRows fills dst with rows first..first+n-1, encoded as Info().Type says, n*RowBytes long.
	// It is safe for use by several goroutines. Errors name the file and the tensor.
	ReadRows(dst []byte, first, n int64) error
}

// Mapped is implemented by tensors whose data lies in memory as it is (a mapped file).
type Mapped interface {
	// Bytes returns the whole encoded data, read-only and valid until the model is closed,
	// or nil when the data is not mapped after all. They are read within mmap.Guard.
	Bytes() []byte
}

// Placed is implemented by tensors that lie in a file of a model, which may be one of several.
type Placed interface {
	// Place returns the number of the file, from 0, and where the data begins in it.
	Place() (file int, offset int64)
}

// Unchanging is implemented by models, and tensors, that are read from files.
type Unchanging interface {
	// Unchanged fails when a file is not what it was when it was opened. What was made of it is then worth nothing,
	// so it is asked before an output gets its name. Errors wrap ErrInput and name the file.
	Unchanged() error
}

// Unchanged asks those of models that are Unchanging.
func Unchanged(models ...Model) error {
	for _, m := range models {
		if u, ok := m.(Unchanging); ok {
			if err := u.Unchanged(); err != nil {
				return err
			}
		}
	}
	return nil
}

// TensorInfo is what the header says of a tensor.
type TensorInfo struct {
	Name string
	Type Type
	// Shape in GGUF order: Shape[0] is the length of a row and contiguous. 1 to 4 dimensions.
	Shape []int64
}

// Cols is the length of a row in elements.
func (t TensorInfo) Cols() int64 { return t.Shape[0] }

// Rows is the number of rows: the product of all dimensions but the first.
func (t TensorInfo) Rows() int64 {
	n := int64(1)
	for _, d := range t.Shape[1:] {
		n *= d
	}
	return n
}

// Elements is the number of elements.
func (t TensorInfo) Elements() int64 { return t.Cols() * t.Rows() }

// RowBytes is the encoded size of a row.
func (t TensorInfo) RowBytes() int64 { return t.Type.RowBytes(t.Cols()) }

// Bytes is the encoded size of the whole tensor, without padding.
func (t TensorInfo) Bytes() int64 { return t.RowBytes() * t.Rows() }

// Dims is the number of dimensions without trailing ones, at least 1 (ggml_n_dims).
func (t TensorInfo) Dims() int {
	n := len(t.Shape)
	for n > 1 && t.Shape[n-1] == 1 {
		n--
	}
	return n
}
