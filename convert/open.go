package convert

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/carat-llm/carat/gguf"
)

// OpenPath opens a checkpoint folder, as Open does, or a GGUF file, for which the options have no effect.
func OpenPath(path string, o Options) (gguf.Model, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s: no such file or folder", gguf.ErrInput, path)
	}
	if err != nil || !st.IsDir() {
		return file(path) // which says what it is, when it is no file
	}
	m, err := Open(path, o)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func file(path string) (gguf.Model, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	return f, nil
}
