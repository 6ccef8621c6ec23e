package gguf

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Split says how a model is cut into files. The zero value is one file. By limits a file holds at least one
// tensor, so one that is larger than MaxBytes has a file of its own. What fits one file is written as one, with its
// plain name and without split.* keys.
type Split struct {
	MaxBytes   int64 // of tensor data with padding in a file, 0 for no limit
	MaxTensors int   // in a file, 0 for no limit
	// Counts is the number of tensors in each file, for splits that are given; the limits are then not used.
	// It may be 0: some splits begin with a file of metadata only.
	Counts []int
	// CountLast writes split.count behind split.tensors.count as llama-gguf-split does; llama-quantize and the
	// reference converter write it before.
	CountLast bool
}

// maxWrittenSplits is what the u16 of split.count holds.
const maxWrittenSplits = math.MaxUint16

// cut returns the number of tensors in each file, at least one number.
func (s Split) cut(md *Metadata, tensors []TensorInfo) ([]int, error) {
	counts := s.Counts
	if len(counts) == 0 {
		alignment := int64(DefaultAlignment)
		if a, ok := md.Int("general.alignment"); ok && a > 0 {
			alignment = a
		}
		counts = []int{0}
		var bytes int64
		for _, t := range tensors {
			n, last := pad(t.Bytes(), alignment), &counts[len(counts)-1]
			full := s.MaxTensors > 0 && *last == s.MaxTensors || s.MaxBytes > 0 && bytes+n > s.MaxBytes
			if full && *last > 0 {
				counts, bytes = append(counts, 1), n
				continue
			}
			*last, bytes = *last+1, bytes+n
		}
	}
	sum := 0
	for _, n := range counts {
		if n < 0 {
			return nil, fmt.Errorf("a file of a split cannot have %d tensors", n)
		}
		sum += n
	}
	switch {
	case sum != len(tensors):
		return nil, fmt.Errorf("the files of the split have %d tensors, but the model has %d", sum, len(tensors))
	case len(counts) > maxWrittenSplits:
		return nil, fmt.Errorf("cannot split into %d files: the format allows %d; choose larger files", len(counts), maxWrittenSplits)
	}
	return counts, nil
}

// Paths lists the files that CreateSplit writes: path alone, or for OUT.gguf OUT-00001-of-0000N.gguf and so on.
func (s Split) Paths(path string, md *Metadata, tensors []TensorInfo) ([]string, error) {
	counts, err := s.cut(md, tensors)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(counts) == 1 {
		return []string{path}, nil
	}
	paths := make([]string, len(counts))
	for i := range paths {
		paths[i] = SplitPath(strings.TrimSuffix(path, ".gguf"), i+1, len(counts))
	}
	return paths, nil
}

// CreateSplit is Create for a model in several files, at the names that Split.Paths gives. The first has md;
// each has the split.* keys. Commit names all files or none.
func CreateSplit(path string, md *Metadata, tensors []TensorInfo, s Split) (*Writer, error) {
	if _, err := FileSize(md, tensors); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	paths, err := s.Paths(path, md, tensors)
	if err != nil {
		return nil, err
	}
	if len(paths) == 1 {
		return Create(path, md, tensors)
	}
	counts, err := s.cut(md, tensors)
	if err != nil {
		return nil, err
	}
	w, rest := &Writer{}, tensors
	for i, n := range counts {
		part := &Metadata{}
		if i == 0 {
			part = md.Clone()
		}
		s.describe(part, i, len(counts), len(tensors))
		if err := w.add(paths[i], part, rest[:n]); err != nil {
			return nil, errors.Join(err, w.Abort())
		}
		rest = rest[n:]
	}
	return w, nil
}

// describe appends the split.* keys of file no of count.
func (s Split) describe(md *Metadata, no, count, tensors int) {
	md.Append(splitNo, uint16(no))
	md.Append(splitCount, uint16(count))
	md.Append(splitTensors, int32(tensors))
	if s.CountLast {
		md.Append(splitCount, uint16(count))
	}
}
