package gguf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrEdit is wrapped by errors about an edit that does not go with the metadata, or would make the file unreadable.
var ErrEdit = errors.New("this edit is refused")

// Edit changes metadata: keys are deleted, then renamed in their place, then set (in their place, or appended).
type Edit struct {
	Delete []string
	Rename []Renaming
	Set    []KV
	// Force allows what would likely make readers fail: see guarded.
	Force bool
}

// Renaming gives the value of a key another key.
type Renaming struct{ Old, New string }

// Apply returns md with the changes; md stays as it is. Errors wrap ErrEdit.
func (e Edit) Apply(md *Metadata) (*Metadata, error) {
	refuse := func(format string, args ...any) (*Metadata, error) {
		return nil, fmt.Errorf("%w: %s", ErrEdit, fmt.Sprintf(format, args...))
	}
	out := md.Clone()
	for _, key := range e.Delete {
		if _, ok := out.Get(key); !ok {
			return refuse("no key %s to delete", key)
		}
		if err := e.guard(md, key, true); err != nil {
			return nil, err
		}
		out.Delete(key)
	}
	for _, r := range e.Rename {
		if _, ok := out.Get(r.Old); !ok {
			return refuse("no key %s to rename", r.Old)
		}
		if _, ok := out.Get(r.New); ok {
			return refuse("cannot rename %s to %s: that key already exists", r.Old, r.New)
		}
		if err := errors.Join(e.guard(md, r.Old, true), e.guard(md, r.New, false)); err != nil {
			return nil, err
		}
		out.rename(r.Old, r.New)
	}
	for _, kv := range e.Set {
		if err := e.guard(md, kv.Key, false); err != nil {
			return nil, err
		}
		if old, ok := out.Get(kv.Key); ok && !e.Force && fmt.Sprintf("%T", old) != fmt.Sprintf("%T", kv.Value) {
			return refuse("%s has another type in the file than the new value, which readers would not accept; give that type, or --force", kv.Key)
		}
		out.Set(kv.Key, kv.Value)
	}
	if _, err := FileSize(out, nil); err != nil {
		return refuse("%v", err)
	}
	return out, nil
}

// guarded keys say how tensors and tokens are to be read; ARCH stands for general.architecture.
var guarded = []string{
	"general.architecture", "general.alignment", "general.quantization_version",
	"tokenizer.ggml.model", "tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type", "tokenizer.ggml.merges",
	"ARCH.block_count", "ARCH.embedding_length", "ARCH.feed_forward_length", "ARCH.vocab_size", "ARCH.expert_count",
	"ARCH.attention.head_count", "ARCH.attention.head_count_kv", "ARCH.attention.key_length", "ARCH.attention.value_length",
}

// guard refuses changes of keys without which the file cannot be read. gone is true when the key would no longer
// be there, which is refused for every key of the architecture.
func (e Edit) guard(md *Metadata, key string, gone bool) error {
	if slices.Contains(splitKeys, key) {
		return fmt.Errorf("%w: %s is set by how the file is split; use carat split or carat merge", ErrEdit, key)
	}
	if e.Force {
		return nil
	}
	general := key
	if arch := md.Architecture(); arch != "" {
		if rest, ok := strings.CutPrefix(key, arch+"."); ok {
			general = "ARCH." + rest
		}
	}
	if slices.Contains(guarded, general) || gone && strings.HasPrefix(general, "ARCH.") {
		return fmt.Errorf("%w: changing %s would likely make the file unreadable; to do it anyway, use --force", ErrEdit, key)
	}
	return nil
}

// rename gives old's value the key new, in the same place.
func (m *Metadata) rename(old, new string) {
	i := m.index[old]
	delete(m.index, old)
	m.kvs[i].Key = new
	m.index[new] = i
}

// Split is how f's tensors lie in its files. The first may hold metadata only.
func (f *File) Split() Split {
	s := Split{Counts: make([]int, len(f.parts))}
	for _, t := range f.tensors {
		n, _ := t.(Placed).Place()
		s.Counts[n]++
	}
	return s
}

// Replace writes f anew with md in the place of its own files, or of those that links lead to, and closes it. When
// anything fails the files are as they were.
func (f *File) Replace(ctx context.Context, md *Metadata, progress Progress) error {
	defer f.Close()
	path, split := f.parts[0].path, f.Split()
	if len(f.parts) > 1 {
		path = splitName.FindStringSubmatch(path)[1] + ".gguf"
	}
	w, err := CreateSplit(path, md, Infos(f.tensors), split)
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := w.Copy(ctx, f.tensors, progress); err != nil {
		return err
	}
	// Some systems do not rename over a file that is open.
	if err := f.Close(); err != nil {
		return err
	}
	return w.Commit()
}
