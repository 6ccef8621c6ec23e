package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/carat-llm/carat/eval/sensitivity"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/buildinfo"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/allocate"
	"github.com/carat-llm/carat/quantize/clients"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/carat-llm/carat/quantize/round"
)

// probeTokens is the number of tokens over which each sensitivity is measured.
const probeTokens = 256

// fallbackType has what is not measured: embeddings that are only looked up.
const fallbackType = recipe.Q4_K_M

// allocateTypes measures the tensors of m over the calibration text and gives m the types that cost least within the budget.
func allocateTypes(ctx context.Context, m *newModel, b budget) error {
	if !b.set() {
		return nil
	}
	m.quantize.FileType = fallbackType
	base, err := quantize.NewPlan(m.src, m.quantize)
	if err != nil {
		return err
	}
	tensors, err := measurements(ctx, m, base, b.measurements)
	if err != nil {
		return err
	}
	sum, err := base.Summary()
	if err != nil {
		return err
	}
	measured := map[string]int{}
	for i, t := range tensors {
		measured[t.Name] = i
	}
	rest := sum.FileBytes // header, padding and tensors that are not chosen
	for _, t := range base.Tensors {
		if _, ok := measured[t.Name]; ok {
			rest -= allocate.Padded(t.TensorInfo, t.Type)
		}
	}
	most := b.bytes
	if b.bits > 0 {
		most = int64(b.bits*float64(sum.Elements)/8) + sum.FileBytes - sum.Bytes
	}
	choice, err := allocate.Solve(allocate.Classes(tensors), most-rest)
	if errors.Is(err, allocate.ErrBudget) {
		return fmt.Errorf("%w: %s is too small for this model: %w; %s of it are not a matter of choice", quantize.ErrOptions, display.Bytes(most), err, display.Bytes(max(0, rest)))
	}
	if err != nil {
		return err
	}
	bytes := map[gguf.Type]int64{}
	var list []recipe.FileTensor
	for _, t := range base.Tensors {
		f := recipe.FileTensor{Name: t.Name, Type: t.Type, Keep: t.Type == t.Source, Reason: t.Reason}
		if i, ok := measured[t.Name]; ok {
			k := choice.Of[i]
			f.Type, f.Keep = tensors[i].Types[k], false
			f.Reason = fmt.Sprintf("sensitivity %.3g, expected divergence %.3g", tensors[i].Sensitivity, tensors[i].Sensitivity*tensors[i].Losses[k])
			bytes[f.Type] += allocate.Padded(t.TensorInfo, f.Type)
		}
		list = append(list, f)
	}
	m.quantize.FileType = fileTypeOf(bytes)
	m.quantize.File = recipe.NewFile(m.quantize.FileType, list)
	if !m.g.json && !m.g.quiet {
		printf(m.g.err, "carat: note: %s of at most %s; expected divergence %.4g nats, at least %.4g\n",
			display.Bytes(choice.Bytes+rest), display.Bytes(most), choice.Cost, choice.Bound)
	}
	return nil
}

// fileTypeOf names a file by the type that most of its bytes have.
func fileTypeOf(bytes map[gguf.Type]int64) recipe.FileType {
	var most gguf.Type
	for t, n := range bytes {
		if n > bytes[most] || n == bytes[most] && t < most {
			most = t
		}
	}
	for _, name := range recipe.Names() {
		if ft, err := recipe.ParseFileType(name); err == nil && ft.Default() == most {
			return ft
		}
	}
	return fallbackType
}

// measurements reads from file what was measured of the tensors that base quantizes, or measures it and writes the file,
// if it has a name.
func measurements(ctx context.Context, m *newModel, base *quantize.Plan, file string) ([]allocate.Tensor, error) {
	c, err := m.calibration.ready(m.g, m.source, m.src)
	if err != nil {
		return nil, err
	}
	if file == "" {
		return measureTensors(ctx, m, base, c)
	}
	model, err := imatrix.Fingerprint(m.src)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	fmt.Fprintln(sum, "carat measurements", buildinfo.Version(), model, c.sha256, len(c.chunks), calibrationContext, probeTokens)
	for _, t := range base.Tensors {
		fmt.Fprintln(sum, t.Name, t.Eligible && t.Type.Quantized())
	}
	for _, client := range m.quantize.Clients {
		fmt.Fprintln(sum, client.Name)
	}
	key := hex.EncodeToString(sum.Sum(nil))
	if exists(file) {
		data, err := inputfile.ReadText(file, maxRecipe)
		if err != nil {
			return nil, err
		}
		known, err := allocate.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if known.Key != key {
			return nil, usagef("%s was measured with another model, text, --calibration-chunks, --for or version of carat: delete it, or name another file", file)
		}
		return known.Tensors, nil
	}
	found := allocate.Measurements{Key: key}
	if found.Tensors, err = measureTensors(ctx, m, base, c); err != nil {
		return nil, err
	}
	data, err := found.Bytes()
	if err != nil {
		return nil, err
	}
	return found.Tensors, atomicfile.WriteFile(file, data)
}

// measureTensors measures the tensors that base quantizes, for the types that all readers read. All weights of c are in the
// end what they were.
func measureTensors(ctx context.Context, m *newModel, base *quantize.Plan, c *calibrated) ([]allocate.Tensor, error) {
	some := [][]int32{c.chunks[0][:min(probeTokens, len(c.chunks[0]))]}
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
		Types: func(info gguf.TensorInfo) []gguf.Type {
			if !eligible[info.Name] {
				return nil
			}
			return slices.DeleteFunc(allocate.Pool(info.Cols()), func(t gguf.Type) bool {
				info.Type = t
				return slices.ContainsFunc(m.quantize.Clients, func(c clients.Client) bool { return !c.Reads(info) })
			})
		},
	})
}
