// Package pickle reads the weights that PyTorch saved: pytorch_model.bin, its shards with pytorch_model.bin.index.json, and
// PEFT's adapter_model.bin.
//
// Such a file is a program for Python's unpickling machine, which could call any function. Here the machine (machine.go)
// knows the instructions that torch.save writes, and a closed list of names that stand for tensors, storages, types and
// dictionaries (globals.go). Any other name is an error that says it; nothing is ever imported or called. The stack, the
// memo and the number of instructions are bounded, and nothing is allocated by a length that was not checked.
//
// Both containers are read: the zip archive of PyTorch 1.6 and later (zip.go), whose entries must be stored as they are,
// and the series of pickles before it (legacy.go). Only where tensors lie is held in memory; their bytes are read by rows
// from the file. Tensors may share a storage, and lie in it with any strides (view.go): each is read as if it were
// contiguous. They come in the order of their names, as those of safetensors do, so that the same tensors make the same
// GGUF file.
//
// The tensors are the dictionary itself, or the one at its key "state_dict" or "model". Its other entries are left out.
package pickle

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
)

// Index is the file that says which shard each tensor is in.
const Index = "pytorch_model.bin.index.json"

var names = safetensors.Names{Index: Index, Prefix: "pytorch_model", Suffix: ".bin"}

// In reports whether dir has weights of this format.
func In(dir string) bool { return names.In(dir) }

// Match reports whether a file of that name is weights of this format.
func Match(name string) bool { return names.Match(name) }

// Open finds the tensors of dir's weight files: those that the index names, or without one all that are called
// pytorch_model*.bin.
func Open(dir string) (*safetensors.Files, error) { return safetensors.OpenAll(dir, names, read) }

// OpenFile finds those of one file of dir, whatever it is called.
func OpenFile(dir, name string) (*safetensors.Files, error) {
	return safetensors.OpenOne(dir, name, read)
}

// read is the safetensors.Reader of this format.
func read(file *inputfile.File) ([]*safetensors.Tensor, error) {
	root, err := load(file)
	if system := (*fs.PathError)(nil); errors.As(err, &system) || errors.Is(err, gguf.ErrInput) {
		return nil, err // about reading, with the path
	}
	var state map[string]*tensor
	if err == nil {
		state, err = stateOf(root)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: PyTorch checkpoint: %w", gguf.ErrInput, file.Path(), err)
	}
	var out []*safetensors.Tensor
	for _, name := range slices.Sorted(maps.Keys(state)) {
		out = append(out, state[name].open(name, file))
	}
	return out, nil
}

// stateOf finds the tensors in what was saved.
func stateOf(root value) (map[string]*tensor, error) {
	d, ok := root.(*dict)
	if !ok {
		return nil, fmt.Errorf("it holds %s, expected a dictionary of tensors: save model.state_dict()", kind(root))
	}
	for _, key := range []string{"state_dict", "model"} {
		if inner, ok := d.entries[key].(*dict); ok {
			if found := tensorsOf(inner); len(found) > 0 {
				return found, nil
			}
		}
	}
	found := tensorsOf(d)
	if len(found) == 0 {
		return nil, fmt.Errorf(`its dictionary of %d entries has no tensors, neither itself nor at "state_dict" or "model"`, len(d.entries))
	}
	return found, nil
}

func tensorsOf(d *dict) map[string]*tensor {
	found := map[string]*tensor{}
	for name, v := range d.entries {
		if t, ok := v.(*tensor); ok {
			found[name] = t
		}
	}
	return found
}
