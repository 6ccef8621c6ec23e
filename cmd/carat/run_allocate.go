package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/carat-llm/carat/eval/sensitivity"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/buildinfo"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/allocate"
	"github.com/carat-llm/carat/quantize/clients"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/carat-llm/carat/quantize/round"
)

// Sensitivities are measured over excerpts of so many tokens, of as many chunks, so that they are of several kinds of text.
const (
	probeTokens   = 128
	probeExcerpts = 4
)

// excerpts are the beginnings of chunks as far apart as can be.
func excerpts(chunks [][]int32) (out [][]int32) {
	n := min(probeExcerpts, len(chunks))
	for i := range n {
		ids := chunks[i*len(chunks)/n]
		out = append(out, ids[:min(probeTokens, len(ids))])
	}
	return out
}

// fallbackType has what is not measured, such as embeddings of positions.
const fallbackType = recipe.Q4_K_M

// allocateTypes measures the tensors of m over the calibration text and gives m the types that are best within its budget.
func allocateTypes(ctx context.Context, m *newModel) error {
	b := m.budget
	if !b.set() {
		return nil
	}
	m.quantize.FileType = fallbackType
	base, err := quantize.NewPlan(m.src, m.quantize)
	if err != nil {
		return err
	}
	if err := m.budget.fit(m.src); err != nil {
		return err
	}
	found, err := measurements(ctx, m, base, b.measurements)
	if err != nil {
		return err
	}
	if err := m.allocate(base, found); err != nil {
		return err
	}
	if !m.g.json && !m.g.quiet {
		printf(m.g.err, "carat: note: %s\n", m.allocation.note())
	}
	return nil
}

// measurements reads from file what was measured of the tensors that base quantizes, or measures it and writes the file,
// if it has a name.
func measurements(ctx context.Context, m *newModel, base *quantize.Plan, file string) (*allocate.Measurements, error) {
	c, err := m.calibration.ready(m.g, m.source, m.src)
	if err != nil {
		return nil, err
	}
	text := m.quantize.Calibration
	found := &allocate.Measurements{Text: fmt.Sprintf("%d chunks of %s", len(c.chunks), filepath.Base(text.Name)), Name: text.Name, SHA256: text.SHA256}
	if file == "" {
		found.Tensors, err = measureTensors(ctx, m, base, c)
		return found, err
	}
	model, err := imatrix.Fingerprint(m.src)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	fmt.Fprintln(sum, "carat measurements with lookups", buildinfo.Version(), model, c.sha256, len(c.chunks), calibrationContext, probeTokens, probeExcerpts)
	for _, t := range base.Tensors {
		fmt.Fprintln(sum, t.Name, t.Eligible && t.Type.Quantized())
	}
	for _, client := range m.quantize.Clients {
		fmt.Fprintln(sum, client.Name)
	}
	key := hex.EncodeToString(sum.Sum(nil))
	if exists(file) {
		known, err := readMeasurements(file)
		if err != nil {
			return nil, err
		}
		if known.Key != key {
			return nil, usagef("%s was measured with another model, text, --calibration-chunks, --for or version of carat: delete it, or name another file", file)
		}
		return known, nil
	}
	found.Key, found.Model = key, model
	if found.Tensors, err = measureTensors(ctx, m, base, c); err != nil {
		return nil, err
	}
	data, err := found.Bytes()
	if err != nil {
		return nil, err
	}
	return found, atomicfile.WriteFile(file, data)
}

// compareMeasured notes by how much the finished file's divergence is more than was expected, in the measurements, too: limits of divergence
// are then kept by what files have.
func (m *newModel) compareMeasured(divergence float64) error {
	a := m.allocation
	if a == nil || a.Expected == 0 {
		return nil
	}
	a.Measured, a.Ratio = divergence, divergence/a.Expected
	if m.budget.measurements == "" {
		return nil
	}
	a.found.Ratio = a.Ratio
	data, err := a.found.Bytes()
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(m.budget.measurements, data)
}

// readMeasurements reads what an earlier run measured.
func readMeasurements(file string) (*allocate.Measurements, error) {
	data, err := inputfile.ReadText(file, maxRecipe)
	if err != nil {
		return nil, err
	}
	m, err := allocate.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

// measureTensors measures the tensors that base quantizes, for the types that all readers read. All weights of c are in the
// end what they were.
func measureTensors(ctx context.Context, m *newModel, base *quantize.Plan, c *calibrated) ([]allocate.Tensor, error) {
	some := excerpts(c.chunks)
	tape, err := c.Record(some)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.source, err)
	}
	probe, err := sensitivity.New(tape, some, c.Vocab(), c.Each)
	if err != nil {
		return nil, err
	}
	walk, err := c.NewWalk(c.chunks)
	if err != nil {
		return nil, err
	}
	eligible := map[string]bool{}
	for _, t := range base.Tensors {
		eligible[t.Name] = t.Eligible && t.Type.Quantized() && t.Type != t.Source
	}
	b := newCounter(m.g, "measure layers")
	defer b.finish()
	b.update(0, int64(walk.Layers()+1))
	return allocate.Measure(ctx, m.src, walk, probe, allocate.Settings{
		Settings: round.Settings{Options: round.Options{Sweeps: 1, Product: c.Product, Each: c.Each}, Chunks: len(c.chunks), Memory: momentBytes,
			Done: func(layer int, _ []round.Tensor) error { b.update(int64(layer+1), int64(walk.Layers()+1)); return nil }},
		Tokens: c.chunks,
		Types: func(info gguf.TensorInfo) []gguf.Type {
			if !eligible[info.Name] {
				return nil
			}
			return slices.DeleteFunc(allocate.Pool(info.Cols()), func(t gguf.Type) bool {
				info.Type = t
				return !clients.AllRead(m.quantize.Clients, info)
			})
		},
	})
}
