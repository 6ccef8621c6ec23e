package convert

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
)

// OpenPath opens a checkpoint folder, as Open does, or a GGUF file, for which the options have no effect but Weights: the file is then
// where those are.
func OpenPath(path string, o Options) (gguf.Model, error) {
	if o.Weights != nil && slices.Contains(o.Weights.Names, path) {
		return file(path, o.Weights.Open)
	}
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s: no such file or folder", gguf.ErrInput, path)
	}
	if err != nil || !st.IsDir() {
		return file(path, inputfile.Open) // which says what it is, when it is no file
	}
	m, err := Open(path, o)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func file(path string, open func(string) (*inputfile.File, error)) (gguf.Model, error) {
	f, err := gguf.OpenFrom(path, open)
	if err != nil {
		return nil, err
	}
	return f, nil
}
