// Package mmap maps files read-only into memory.
//
// Mapped pages belong to the page cache: the system takes them back when memory is short, and the garbage
// collector does not see them. Where mapping is not to be had, Open fails with ErrUnsupported and callers
// read with ReadAt instead.
package mmap

import "errors"

// ErrUnsupported is returned where files cannot be mapped: on this system, or files larger than an int.
var ErrUnsupported = errors.New("files cannot be mapped here")
