// Package mmap maps files read-only into memory.
//
// Mapped pages belong to the page cache: the system takes them back when memory is short, and the garbage
// collector does not see them. Where mapping is not to be had, Map fails with ErrUnsupported and callers
// read with ReadAt instead.
//
// A page that cannot be read, because the file was cut off or its disk failed, is a fault of the processor where the
// page is first used. [Guard] makes an error of it; all code that reads mapped memory runs within it.
package mmap

import (
	"errors"
	"os"
)

// ErrUnsupported is returned where files cannot be mapped: on this system, or files larger than an int.
var ErrUnsupported = errors.New("files cannot be mapped here")

// Map maps the first size bytes of f. fault makes the error of the byte at an offset that cannot be read.
func Map(f *os.File, size int64, fault func(offset int64) error) ([]byte, error) {
	if size <= 0 || int64(int(size)) != size {
		return nil, ErrUnsupported
	}
	b, err := mapFile(f, size)
	if err == nil {
		register(b, fault)
	}
	return b, err
}

// Unmap ends what Map began; the bytes must not be used any more.
func Unmap(b []byte) error {
	forget(b)
	return unmapFile(b)
}
