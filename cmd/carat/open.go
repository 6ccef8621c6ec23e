package main

import (
	"errors"
	"fmt"
	"io"
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
	if err == nil && st.IsDir() {
		return convert.Open(path, opts)
	}
	return gguf.Open(path) // says what it is, when it is no file
}

// open is openModel for what a verb is asked to work on: it says on stderr what the user should know of how a folder
// was read.
func (g global) open(path string, opts convert.Options) (gguf.Model, error) {
	m, err := openModel(path, opts)
	if err == nil {
		g.tell(m)
	}
	return m, err
}

// tell prints the notes of a checkpoint folder.
func (g global) tell(m gguf.Model) {
	folder, ok := m.(*convert.Model)
	if !ok || g.note == nil {
		return
	}
	for _, note := range folder.Notes() {
		g.note(note)
	}
}

// noter prints notes, each once: some verbs open a folder several times.
func noter(w io.Writer, quiet bool) func(string) {
	said := map[string]bool{}
	return func(note string) {
		if !quiet && !said[note] {
			said[note] = true
			fmt.Fprintf(w, "carat: note: %s\n", note)
		}
	}
}
