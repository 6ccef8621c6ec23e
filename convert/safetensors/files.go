package safetensors

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
)

// Files is a checkpoint's weights. Methods are safe for use by several goroutines.
type Files struct {
	tensors []*Tensor
	files   []*inputfile.File
}

// Tensor is one tensor of a checkpoint.
type Tensor struct {
	Name string
	File string // base name of the file it is in
	// Type is F64, F32, F16, BF16 or an integer type; what GGUF has no type for is not Valid.
	Type gguf.Type
	// DType is the type as the file names it.
	DType string
	// Shape as the checkpoint has it: rows x cols, the last dimension contiguous.
	Shape []int64

	src   *inputfile.File
	begin int64
	size  int64
	read  func(dst []byte, off int64) error // in place of src, of what Made returns
}

// Made is a tensor that no file has as it is: read fills dst with its bytes from off on, which are made of others when they
// are asked for. It may be called from several goroutines. shape has a last dimension that is a multiple of the type's block
// size.
func Made(name, file string, typ gguf.Type, shape []int64, read func(dst []byte, off int64) error) *Tensor {
	t := &Tensor{Name: name, File: file, Type: typ, DType: typ.String(), Shape: shape, read: read}
	cols := int64(1)
	if len(shape) > 0 {
		cols = shape[len(shape)-1]
	}
	t.size = t.Elements() / max(1, cols) * typ.RowBytes(cols)
	return t
}

// Open reads the headers of dir's weight files: those that the index names, or without one all that are called
// model*.safetensors.
func Open(dir string) (*Files, error) { return OpenAll(dir, names, read) }

// OpenFile reads the header of one file of dir, whatever it is called.
func OpenFile(dir, name string) (*Files, error) { return OpenOne(dir, name, read) }

// Reader lists the tensors of an open file of a format, in the order of their names.
type Reader func(file *inputfile.File) ([]*Tensor, error)

// OpenAll opens the weight files of a folder in any format.
func OpenAll(dir string, n Names, read Reader) (*Files, error) {
	return openAll(dir, n, read, Elsewhere{Open: inputfile.Open})
}

// Elsewhere says how weights are read that are not in their folder.
type Elsewhere struct {
	Names []string // of the files, for folders without an index; nil for those that are there
	// Open opens the file that would be at path.
	Open func(path string) (*inputfile.File, error)
}

// OpenElsewhere is Open for a folder that has the index, if there is one, and whose weight files e opens.
func OpenElsewhere(dir string, e Elsewhere) (*Files, error) { return openAll(dir, names, read, e) }

func openAll(dir string, n Names, read Reader, e Elsewhere) (*Files, error) {
	names, where, err := n.list(dir, e.Names)
	if err != nil {
		return nil, err
	}
	f := &Files{}
	for _, name := range names {
		if err := f.add(dir, name, read, e.Open); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	if err := f.checkOnce(dir); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if where != nil {
		if err := f.checkIndex(where, filepath.Join(dir, n.Index)); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// OpenOne opens one file of a folder in any format.
func OpenOne(dir, name string, read Reader) (*Files, error) {
	f := &Files{}
	if err := f.add(dir, name, read, inputfile.Open); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Files) add(dir, name string, read Reader, open func(path string) (*inputfile.File, error)) error {
	path := filepath.Join(dir, name)
	file, err := open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s: missing file: the index names it", gguf.ErrInput, path)
	}
	if err != nil {
		return err
	}
	f.files = append(f.files, file)
	tensors, err := read(file)
	if err != nil {
		return err
	}
	for _, t := range tensors {
		t.File = name
	}
	f.tensors = append(f.tensors, tensors...)
	return nil
}

// read is the Reader of this format.
func read(file *inputfile.File) ([]*Tensor, error) {
	spans, err := readHeader(file, file.Size(), file.Path())
	if err != nil {
		return nil, err
	}
	tensors := make([]*Tensor, len(spans))
	for i, s := range spans {
		tensors[i] = &Tensor{Name: s.name, Type: s.typ, DType: s.dtype, Shape: s.shape, src: file, begin: s.begin, size: s.end - s.begin}
	}
	return tensors, nil
}

// checkOnce requires that each tensor is in one file only.
func (f *Files) checkOnce(dir string) error {
	have := map[string]string{}
	for _, t := range f.tensors {
		if other, ok := have[t.Name]; ok {
			return fmt.Errorf("%w: %s: tensor %s is in %s and in %s", gguf.ErrInput, dir, t.Name, other, t.File)
		}
		have[t.Name] = t.File
	}
	return nil
}

func (f *Files) checkIndex(where map[string]string, path string) error {
	have := map[string]string{}
	for _, t := range f.tensors {
		have[t.Name] = t.File
		if where[t.Name] != t.File {
			return fmt.Errorf("%w: %s: index: tensor %s is in %s, but the index says %q", gguf.ErrInput, path, t.Name, t.File, where[t.Name])
		}
	}
	for t, file := range where {
		if have[t] == "" {
			return fmt.Errorf("%w: %s: index: tensor %s is not in %s", gguf.ErrInput, path, t, file)
		}
	}
	return nil
}

// Tensors lists all tensors, file by file, by name within a file.
func (f *Files) Tensors() []*Tensor { return f.tensors }

// Unchanged fails when a file is not what it was when it was opened.
func (f *Files) Unchanged() error {
	var errs []error
	for _, x := range f.files {
		errs = append(errs, x.Unchanged())
	}
	return errors.Join(errs...)
}

// Close closes all files.
func (f *Files) Close() error {
	var errs []error
	for _, x := range f.files {
		errs = append(errs, x.Close())
	}
	f.files = nil
	return errors.Join(errs...)
}

// Size is the number of bytes.
func (t *Tensor) Size() int64 { return t.size }

// Elements is the number of elements.
func (t *Tensor) Elements() int64 {
	n := int64(1)
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// ReadAt fills dst with the tensor's bytes from off.
func (t *Tensor) ReadAt(dst []byte, off int64) error {
	if off < 0 || off+int64(len(dst)) > t.size {
		return fmt.Errorf("%s: tensor %s: %d bytes at %d of %d", t.File, t.Name, len(dst), off, t.size)
	}
	if t.read != nil {
		return t.read(dst, off)
	}
	if _, err := t.src.ReadAt(dst, t.begin+off); err != nil {
		return fmt.Errorf("tensor %s: %w", t.Name, err)
	}
	return nil
}

// Bytes returns the tensor's bytes in the mapped file, or nil where files cannot be mapped and where bytes are made.
func (t *Tensor) Bytes() []byte {
	if t.read != nil {
		return nil
	}
	mapped := t.src.Map()
	if mapped == nil {
		return nil
	}
	return mapped[t.begin : t.begin+t.size : t.begin+t.size]
}
