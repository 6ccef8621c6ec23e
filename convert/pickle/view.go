package pickle

import (
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/internal/mmap"
)

// view is a tensor of one dimension or more whose elements do not lie one after the other.
type view struct {
	file           *inputfile.File
	begin, width   int64 // of its first element, and of each, in bytes
	shape, strides []int64
}

// read fills dst with bytes of the tensor, from off on, as if its rows stood one after the other. It needs no memory: what a
// file that cannot be mapped has apart is read apart.
func (v *view) read(dst []byte, off int64) error {
	mapped := v.file.Map()
	if mapped == nil {
		return v.rows(dst, off, func(p []byte, at int64) error {
			_, err := v.file.ReadAt(p, at)
			return err
		})
	}
	return mmap.Guard(func() error {
		return v.rows(dst, off, func(p []byte, at int64) error {
			copy(p, mapped[at:])
			return nil
		})
	})
}

// rows reads row after row: at once if its elements stand together, or else element after element.
func (v *view) rows(dst []byte, off int64, read func(p []byte, at int64) error) error {
	n := len(v.shape) - 1
	cols, stride := v.shape[n]*v.width, v.strides[n]*v.width
	for len(dst) > 0 {
		begin, col := v.row(off/cols), off%cols
		k := min(int64(len(dst)), cols-col)
		piece := k // read at a time
		if stride != v.width {
			piece = min(k, v.width-col%v.width)
		}
		for done := int64(0); done < k; {
			at := begin + (col+done)/v.width*stride + (col+done)%v.width
			if err := read(dst[done:done+piece], at); err != nil {
				return err
			}
			done += piece
			if stride != v.width {
				piece = min(k-done, v.width)
			}
		}
		dst, off = dst[k:], off+k
	}
	return nil
}

// row is where row r begins in the file.
func (v *view) row(r int64) int64 {
	at := v.begin
	for i := len(v.shape) - 2; i >= 0; i-- {
		at += r % v.shape[i] * v.strides[i] * v.width
		r /= v.shape[i]
	}
	return at
}
