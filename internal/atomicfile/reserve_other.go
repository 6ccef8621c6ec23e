//go:build !linux

package atomicfile

import "os"

// reserve sets the length; blocks are allocated as they are written.
func reserve(f *os.File, size int64) error { return f.Truncate(size) }
