package gguf

import (
	"context"
	"errors"
	"fmt"
)

// chunkBytes bounds what tools hold of a tensor at a time, but a chunk has at least one row. It stays in the processor's
// cache.
const chunkBytes = 1 << 20

// Progress is called with the bytes done so far and in all; it may be nil.
type Progress func(done, total int64)

// EachChunk reads t from front to back by whole rows, n of them from first, and gives each chunk to f, which must
// not keep it. It ends early with the error of ctx, of reading or of f.
func EachChunk(ctx context.Context, t Tensor, f func(data []byte, first, n int64) error) error {
	i := t.Info()
	rows := max(1, min(i.Rows(), chunkBytes/max(1, i.RowBytes())))
	buf := make([]byte, rows*i.RowBytes())
	for first := int64(0); first < i.Rows(); first += rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(rows, i.Rows()-first)
		data := buf[:n*i.RowBytes()]
		if err := t.ReadRows(data, first, n); err != nil {
			return err
		}
		if err := f(data, first, n); err != nil {
			return err
		}
	}
	return nil
}

// Copy fills the file with the data of tensors as they are: the ones it was created for, in that order. It fails when
// a file that they are read from changed meanwhile.
func (w *Writer) Copy(ctx context.Context, tensors []Tensor, progress Progress) error {
	var done, total int64
	for _, t := range tensors {
		total += t.Info().Bytes()
	}
	if len(tensors) != len(w.tensors) {
		return fmt.Errorf("cannot copy %d tensors into a file of %d", len(tensors), len(w.tensors))
	}
	for i, t := range tensors {
		if err := EachChunk(ctx, t, func(data []byte, first, _ int64) error {
			if done += int64(len(data)); progress != nil {
				progress(done, total)
			}
			return w.WriteAt(i, data, first*t.Info().RowBytes())
		}); err != nil {
			return err
		}
	}
	for _, t := range tensors {
		if u, ok := t.(Unchanging); ok {
			if err := u.Unchanged(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Rewrite writes md and tensors to path, or to the files of a split; the tensors' data stays as it is. When
// anything fails nothing is left.
func Rewrite(ctx context.Context, path string, md *Metadata, tensors []Tensor, s Split, progress Progress) error {
	w, err := CreateSplit(path, md, Infos(tensors), s)
	if err != nil {
		return err
	}
	if err := w.Copy(ctx, tensors, progress); err != nil {
		return errors.Join(err, w.Abort())
	}
	return w.Commit()
}

// Infos is what the header says of tensors.
func Infos(tensors []Tensor) []TensorInfo {
	infos := make([]TensorInfo, len(tensors))
	for i, t := range tensors {
		infos[i] = t.Info()
	}
	return infos
}
