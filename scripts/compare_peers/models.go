package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// models makes the files that are measured, once.
type models struct {
	runner
	dir, carat, synth string
	threads           int
	text              string // for importances
}

// Types of the tables: those that most files have, and all.
var (
	fewTypes    = []string{"Q8_0", "Q4_K_M", "IQ4_XS"}
	commonTypes = []string{"F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "IQ4_XS", "Q3_K_M", "Q2_K"}
	allTypes    = []string{"F32", "F16", "BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q5_1", "Q5_0", "Q4_K_M", "Q4_1", "Q4_0", "IQ4_XS", "IQ4_NL",
		"Q3_K_M", "IQ3_S", "IQ3_XXS", "Q2_K", "IQ2_S", "IQ2_XS", "IQ2_XXS", "IQ1_M", "IQ1_S", "TQ2_0", "TQ1_0", "MXFP4_MOE"}
)

func typesOf(list string, quick bool) []string {
	switch {
	case list == "all":
		return allTypes
	case list != "":
		return strings.Split(list, ",")
	case quick:
		return fewTypes
	}
	return commonTypes
}

// weighted are file types that llama-quantize writes with an importance matrix only.
var weighted = []string{"IQ3_XXS", "IQ2_S", "IQ2_XS", "IQ2_XXS", "IQ1_M", "IQ1_S"}

// random is the random model of a shape and a file type.
func (m models) random(ctx context.Context, shape, fileType string) (string, error) {
	f16 := filepath.Join(m.dir, shape+"-f16.gguf")
	if fileType == "F16" {
		return f16, m.missing(f16, func() error {
			_, err := m.run(ctx, m.synth, "--shape", shape, "-o", f16)
			return err
		})
	}
	path := filepath.Join(m.dir, fmt.Sprintf("%s-%s.gguf", shape, fileType))
	return path, m.missing(path, func() error {
		if !slices.Contains(weighted, fileType) {
			_, err := m.run(ctx, m.synth, "--shape", shape, "--type", fileType, "-o", path)
			return err
		}
		imatrix, err := m.importance(ctx, shape)
		if err != nil {
			return err
		}
		_, err = m.run(ctx, m.carat, "quantize", f16, "--type", fileType, "--imatrix", imatrix, "-o", path, "--quiet")
		return err
	})
}

// importance is an importance matrix of a shape's random model: any will do for speed.
func (m models) importance(ctx context.Context, shape string) (string, error) {
	f16, err := m.random(ctx, shape, "F16")
	if err != nil {
		return "", err
	}
	path := filepath.Join(m.dir, shape+".imatrix.dat")
	return path, m.missing(path, func() error {
		if m.text == "" {
			return errors.New("--text is missing: an importance matrix must be made")
		}
		_, err := m.run(ctx, m.carat, "imatrix", f16, "--text", m.text, "--chunks", "1", "-o", path, "--quiet")
		return err
	})
}

// smol is SmolLM2-135M in a file type.
func (m models) smol(ctx context.Context, folder, fileType string) (string, error) {
	if folder == "" {
		return "", errors.New("--checkpoint is missing")
	}
	path := filepath.Join(m.dir, fmt.Sprintf("smollm2-%s.gguf", fileType))
	return path, m.missing(path, func() error {
		_, err := m.run(ctx, m.carat, "quantize", folder, "--type", fileType, "-o", path, "--quiet")
		return err
	})
}

// missing calls write unless path is there. synth and carat write whole files only.
func (m models) missing(path string, write func() error) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return write()
}
