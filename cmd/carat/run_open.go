package main

import (
	"fmt"
	"io"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/engine"
)

// open opens what a verb is asked to work on, and says on stderr what the user should know of how a folder was read.
func (g global) open(path string, opts convert.Options) (gguf.Model, error) {
	m, err := convert.OpenPath(path, opts)
	if err == nil {
		g.noteSource(m)
	}
	return m, err
}

// openAdapted is open for a model with adapters.
func (g global) openAdapted(path string, opts convert.Options, adapters []convert.LoRA) (gguf.Model, error) {
	m, err := g.open(path, opts)
	if err != nil {
		return nil, err
	}
	return g.adapt(m, path, adapters)
}

// engine opens the model at path, as open does, and makes it ready to run.
func (g global) engine(path string, src convert.Options, opts engine.Options, adapters ...convert.LoRA) (*engine.Engine, error) {
	opts.Source = func(path string) (gguf.Model, error) { return g.openAdapted(path, src, adapters) }
	return engine.Open(path, g.computed(opts))
}

// computed are opts with what global flags say.
func (g global) computed(opts engine.Options) engine.Options {
	opts.Threads = g.threads
	return g.computing.options(opts)
}

// load makes a model ready to run that is open already.
func (g global) load(path string, src gguf.Model, opts engine.Options) (*engine.Engine, error) {
	e, err := engine.Load(src, g.computed(opts))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return e, nil
}

// noteSource prints the notes of a checkpoint folder.
func (g global) noteSource(m gguf.Model) {
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
