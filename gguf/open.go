package gguf

import (
	"errors"
	"fmt"

	"github.com/carat-llm/carat/internal/inputfile"
)

// File is an open GGUF file, or a split model's files read as one. It implements Model.
type File struct {
	metadata *Metadata
	tensors  []Tensor
	parts    []*part
	from     func(path string) (*inputfile.File, error)
}

// part is one file of the model.
type part struct {
	number int // from 0
	path   string
	file   *inputfile.File
}

// Open opens a GGUF file. The first file of a split (name-00001-of-00003.gguf) opens all of them; the
// metadata is then the first file's without the split.* keys. Another file of a split is refused.
func Open(path string) (*File, error) { return OpenFrom(path, inputfile.Open) }

// OpenFrom is Open for files that are elsewhere: on the hub, read range by range.
func OpenFrom(path string, open func(path string) (*inputfile.File, error)) (*File, error) {
	f := &File{from: open}
	h, err := f.add(path)
	if err == nil {
		err = f.addSplits(path, h)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// add opens one file and appends its tensors.
func (f *File) add(path string) (*header, error) {
	file, err := f.from(path)
	if err != nil {
		return nil, err
	}
	p := &part{number: len(f.parts), path: path, file: file}
	f.parts = append(f.parts, p)
	h, err := parse(file, file.Size(), path)
	if err != nil {
		return nil, err
	}
	for _, e := range h.tensors {
		f.tensors = append(f.tensors, &fileTensor{e, p})
	}
	return h, nil
}

// Metadata implements Model.
func (f *File) Metadata() *Metadata { return f.metadata }

// Tensors implements Model.
func (f *File) Tensors() []Tensor { return f.tensors }

// Paths lists the files that the model is made of, in order.
func (f *File) Paths() []string {
	paths := make([]string, len(f.parts))
	for i, p := range f.parts {
		paths[i] = p.path
	}
	return paths
}

// Unchanged implements Unchanging.
func (f *File) Unchanged() error {
	var errs []error
	for _, p := range f.parts {
		errs = append(errs, p.file.Unchanged())
	}
	return errors.Join(errs...)
}

// Close unmaps and closes all files; bytes from Mapped tensors must not be used afterwards.
func (f *File) Close() error {
	var errs []error
	for _, p := range f.parts {
		errs = append(errs, p.file.Close())
	}
	f.parts = nil
	return errors.Join(errs...)
}

// fileTensor is a tensor in a file.
type fileTensor struct {
	entry
	part *part
}

func (t *fileTensor) Info() TensorInfo { return t.TensorInfo }

// Place implements Placed.
func (t *fileTensor) Place() (file int, offset int64) { return t.part.number, t.offset }

// ReadRows reads with ReadAt even where the file is mapped: pages then do not count as this process's
// memory, and a read error is an error, not a fault.
func (t *fileTensor) ReadRows(dst []byte, first, n int64) error {
	rb := t.RowBytes()
	if first < 0 || n < 0 || n > t.Rows() || first > t.Rows()-n || int64(len(dst)) != n*rb {
		return fmt.Errorf("%s: tensor %s: cannot read rows %d to %d of %d into %d bytes", t.part.path, t.Name, first, first+n, t.Rows(), len(dst))
	}
	if _, err := t.part.file.ReadAt(dst, t.offset+first*rb); err != nil {
		return fmt.Errorf("tensor %s: %w", t.Name, err)
	}
	return nil
}

// Unchanged implements Unchanging.
func (t *fileTensor) Unchanged() error { return t.part.file.Unchanged() }

// Bytes implements Mapped.
func (t *fileTensor) Bytes() []byte {
	mapped := t.part.file.Map()
	if mapped == nil {
		return nil
	}
	return mapped[t.offset:][:t.TensorInfo.Bytes():t.TensorInfo.Bytes()]
}
