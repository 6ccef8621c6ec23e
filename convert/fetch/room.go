package fetch

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/carat-llm/carat/internal/atomicfile"
)

// Room requires that the disk of dir, which may have to be made yet, can hold need more bytes.
func Room(dir string, need int64) error {
	for {
		if free, ok := atomicfile.FreeSpace(dir); ok {
			if need > free {
				return fmt.Errorf("%w in %s: %d bytes are needed, %d are free", atomicfile.ErrNoSpace, dir, need, free)
			}
			return nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return nil
		}
		dir = up // the folder is made later
	}
}

// OfSize reports whether a regular file has that size.
func OfSize(path string, size int64) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Size() == size
}
