package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
)

// openModel opens a checkpoint folder or a GGUF file.
func openModel(path string, opts convert.Options) (gguf.Model, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s: no such file or folder", gguf.ErrInput, path)
	}
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return convert.Open(path, opts)
	}
	return gguf.Open(path)
}

// notTheInput refuses a file to write that is the input, or a folder.
func notTheInput(in, path, flag string) error {
	a, errA := os.Stat(in)
	b, errB := os.Stat(path)
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return usagef("%s %s is the input itself", flag, path)
	}
	if errB == nil && b.IsDir() {
		return usagef("%s %s is a folder; give the file's name", flag, path)
	}
	return nil
}

// sameFile refuses an output that is the input: it would be replaced while being read.
func sameFile(in, out string) error { return notTheInput(in, out, "-o") }
