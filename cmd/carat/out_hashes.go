package main

import (
	"context"

	"github.com/carat-llm/carat/gguf"
)

// hashStaged hashes the files that w will give their names.
func hashStaged(ctx context.Context, w *gguf.Writer) (*outputFile, error) {
	sums, err := w.HashFiles(ctx)
	if err != nil {
		return nil, err
	}
	var parts []*outputFile
	all := &outputFile{Path: w.Files()[0].Name()}
	for i, h := range sums {
		parts = append(parts, &outputFile{Path: w.Files()[i].Name(), Bytes: h.Bytes, SHA256: h.SHA256})
		all.Bytes += h.Bytes
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	all.Parts = parts
	return all, nil
}

// hashFiles hashes the file, or the files of a split.
func hashFiles(paths []string) (*outputFile, error) {
	if len(paths) == 1 {
		return hashFile(paths[0])
	}
	all := &outputFile{Path: paths[0]}
	for _, p := range paths {
		f, err := hashFile(p)
		if err != nil {
			return nil, err
		}
		all.Bytes += f.Bytes
		all.Parts = append(all.Parts, f)
	}
	return all, nil
}

func hashFile(path string) (*outputFile, error) {
	h, err := gguf.HashFile(path)
	if err != nil {
		return nil, err
	}
	return &outputFile{Path: path, Bytes: h.Bytes, SHA256: h.SHA256}, nil
}
