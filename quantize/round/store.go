package round

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/carat-llm/carat/gguf"
)

// Store is a folder that keeps the layers that are rounded, a GGUF file each, so that interrupted work goes on where it was
// and the result need not fit in memory.
type Store struct {
	dir, key string
	files    []*gguf.File
}

// The metadata of a layer's file: what it was made of, and how its matrices were rounded.
const (
	storeKey   = "carat.rounding.key"
	storeNotes = "carat.rounding.matrices"
)

// OpenStore makes dir a store of layers made from what key names: the model, the text and every option that the result depends on.
// Layers in dir that another key made are not used.
func OpenStore(dir, key string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("%w: %w", gguf.ErrEnvironment, err)
	}
	return &Store{dir: dir, key: key}, nil
}

func (s *Store) path(layer int) string {
	return filepath.Join(s.dir, fmt.Sprintf("layer-%04d.gguf", layer))
}

// load returns the tensors of a layer, mapped; nil when there are none of this key.
func (s *Store) load(layer int) ([]Tensor, error) {
	f, err := gguf.Open(s.path(layer))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	key, _ := f.Metadata().String(storeKey)
	notes, _ := f.Metadata().String(storeNotes)
	var matrices [][]Rounded
	if key != s.key || json.Unmarshal([]byte(notes), &matrices) != nil || len(matrices) != len(f.Tensors()) {
		return nil, f.Close()
	}
	s.files = append(s.files, f)
	tensors := []Tensor{}
	for i, t := range f.Tensors() {
		info := t.Info()
		data := make([]byte, info.Bytes())
		if err := t.ReadRows(data, 0, info.Rows()); err != nil {
			return nil, err
		}
		tensors = append(tensors, Tensor{info, data, matrices[i]})
	}
	return tensors, nil
}

// save writes the tensors of a layer.
func (s *Store) save(layer int, tensors []Tensor) error {
	md := &gguf.Metadata{}
	var infos []gguf.TensorInfo
	var matrices [][]Rounded
	for _, t := range tensors {
		infos, matrices = append(infos, t.TensorInfo), append(matrices, t.Matrices)
	}
	notes, err := json.Marshal(matrices)
	if err != nil {
		return err
	}
	md.Set(storeKey, s.key)
	md.Set(storeNotes, string(notes))
	w, err := gguf.Create(s.path(layer), md, infos)
	if err != nil {
		return err
	}
	for i, t := range tensors {
		if err := w.WriteAt(i, t.Data, 0); err != nil {
			return errors.Join(err, w.Abort())
		}
	}
	if err := w.Commit(); err != nil {
		return err
	}
	f, err := gguf.Open(s.path(layer))
	if err != nil {
		return err
	}
	s.files = append(s.files, f)
	return nil
}

// Tensors are those of all layers, mapped. The store must stay open while they are read.
func (s *Store) Tensors() (all []gguf.Tensor) {
	for _, f := range s.files {
		all = append(all, f.Tensors()...)
	}
	return all
}

// Close closes the layers' files. A nil store has none.
func (s *Store) Close() (err error) {
	if s == nil {
		return nil
	}
	for _, f := range s.files {
		err = errors.Join(err, f.Close())
	}
	s.files = nil
	return err
}

// Remove closes the store and removes its files, and the folder when nothing else is in it.
func (s *Store) Remove() error {
	if s == nil {
		return nil
	}
	var paths []string
	for _, f := range s.files {
		paths = append(paths, f.Paths()...)
	}
	err := s.Close()
	for _, p := range paths {
		err = errors.Join(err, os.Remove(p))
	}
	return errors.Join(err, os.Remove(s.dir))
}
