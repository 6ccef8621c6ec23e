package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/eval/sensitivity"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/buildinfo"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/allocate"
	"github.com/carat-llm/carat/quantize/clients"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/carat-llm/carat/quantize/round"
	"github.com/urfave/cli/v2"
)

// budgetFlags choose types by what a file may cost.
func budgetFlags() []cli.Flag {
	return group(typesGroup,
		&cli.StringFlag{Name: "target-size", Usage: "`SIZE` choose the types that keep the model closest to the original in a file of at most SIZE, such as 105M or 4.5G; needs --calibration"},
		&cli.Float64Flag{Name: "target-bpw", Usage: "`BITS` the same, with at most so many bits per weight"},
		&cli.StringFlag{Name: "measurements", Usage: "`FILE.json` read what was measured for a budget before, or write it: another budget then takes no measuring"})
}

// budget is what budgetFlags say; zero says nothing.
type budget struct {
	bytes        int64
	bits         float64
	measurements string // the file
}

func (b budget) set() bool { return b.bytes > 0 || b.bits > 0 }

func budgetOf(c *cli.Context) (b budget, err error) {
	if v := c.String("target-size"); v != "" {
		if b.bytes, err = parseTargetSize(v); err != nil {
			return b, usagef("--target-size: %w", err)
		}
	}
	b.bits, b.measurements = c.Float64("target-bpw"), c.String("measurements")
	switch {
	case c.IsSet("target-bpw") && !(b.bits > 0 && b.bits < 17):
		return b, outOfRange("--target-bpw", 1, 16, b.bits)
	case !b.set() && b.measurements != "":
		return b, usagef("--measurements has no effect without --target-size or --target-bpw")
	case b.bytes > 0 && b.bits > 0:
		return b, usagef("--target-size cannot be combined with --target-bpw")
	case b.set() && (c.String("type") != "" || c.String("recipe") != ""):
		return b, usagef("--target-size and --target-bpw choose the types: omit --type and --recipe")
	case b.set() && c.String("calibration") == "":
		return b, hint.Wrap(usagef("--target-size and --target-bpw need --calibration: types are chosen by what the model makes of a text"),
			"any text that resembles what the model will read will do; some hundred kB are enough")
	}
	return b, nil
}

// parseTargetSize reads 105000000, 105M, 105MB or 4.5G.
func parseTargetSize(s string) (int64, error) {
	digits := strings.TrimSuffix(strings.ToUpper(s), "B")
	unit := 1.0
	if n := len(digits); n > 0 {
		if u := map[byte]float64{'K': 1e3, 'M': 1e6, 'G': 1e9}[digits[n-1]]; u > 0 {
			digits, unit = digits[:n-1], u
		}
	}
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || !(v*unit >= 1 && v*unit < math.MaxInt64/2) {
		return 0, fmt.Errorf("expected a size such as 105M or 4.5G, in decimal units (got %q)", s)
	}
	return int64(v * unit), nil
}

// probeTokens is the number of tokens over which each sensitivity is measured.
const probeTokens = 256

// fallbackType has what is not measured: embeddings that are only looked up.
const fallbackType = recipe.Q4_K_M

// allocateTypes measures the model's tensors over the calibration text and returns opts with the types that cost least within the budget.
func allocateTypes(ctx context.Context, g global, path string, src gguf.Model, opts quantize.Options, b budget, o *calibration) (quantize.Options, error) {
	if !b.set() {
		return opts, nil
	}
	opts.FileType = fallbackType
	base, err := quantize.NewPlan(src, opts)
	if err != nil {
		return opts, err
	}
	m, err := o.ready(g, path, src)
	if err != nil {
		return opts, err
	}
	tensors, err := measurements(ctx, g, path, src, base, opts.Clients, b, m)
	if err != nil {
		return opts, err
	}
	sum, err := base.Summary()
	if err != nil {
		return opts, err
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
		return opts, fmt.Errorf("%w: %s is too small for this model: %w; %s of it are not a matter of choice", quantize.ErrOptions, display.Bytes(most), err, display.Bytes(max(0, rest)))
	}
	if err != nil {
		return opts, err
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
	opts.FileType = fileTypeOf(bytes)
	opts.File = recipe.NewFile(opts.FileType, list)
	if !g.json && !g.quiet {
		printf(g.err, "carat: note: %s of at most %s; expected divergence %.4g nats, at least %.4g\n",
			display.Bytes(choice.Bytes+rest), display.Bytes(most), choice.Cost, choice.Bound)
	}
	return opts, nil
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

// measurements reads what was measured before, or measures and writes it.
func measurements(ctx context.Context, g global, path string, src gguf.Model, base *quantize.Plan, readers []clients.Client, b budget, m *calibrated) ([]allocate.Tensor, error) {
	if b.measurements == "" {
		return measureTensors(ctx, g, path, src, base, readers, m)
	}
	model, err := imatrix.Fingerprint(src)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	fmt.Fprintln(sum, "carat measurements", buildinfo.Version(), model, m.sha256, len(m.chunks), calibrationContext, probeTokens)
	for _, t := range base.Tensors {
		fmt.Fprintln(sum, t.Name, t.Eligible && t.Type.Quantized())
	}
	for _, c := range readers {
		fmt.Fprintln(sum, c.Name)
	}
	key := hex.EncodeToString(sum.Sum(nil))
	if exists(b.measurements) {
		data, err := inputfile.ReadText(b.measurements, maxRecipe)
		if err != nil {
			return nil, err
		}
		known, err := allocate.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.measurements, err)
		}
		if known.Key != key {
			return nil, usagef("%s was measured with another model, text, --calibration-chunks, --for or version of carat: delete it, or name another file", b.measurements)
		}
		return known.Tensors, nil
	}
	found := allocate.Measurements{Key: key}
	if found.Tensors, err = measureTensors(ctx, g, path, src, base, readers, m); err != nil {
		return nil, err
	}
	data, err := found.Bytes()
	if err != nil {
		return nil, err
	}
	return found.Tensors, atomicfile.WriteFile(b.measurements, data)
}

// measureTensors measures the tensors that base quantizes, for the types that all readers read. All weights of m are in the end
// what they were.
func measureTensors(ctx context.Context, g global, path string, src gguf.Model, base *quantize.Plan, readers []clients.Client, m *calibrated) ([]allocate.Tensor, error) {
	some := [][]int32{m.chunks[0][:min(probeTokens, len(m.chunks[0]))]}
	tape, err := m.Record(some)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	probe, err := sensitivity.New(tape, some, m.Vocab(), m.Each)
	if err != nil {
		return nil, err
	}
	walk, err := m.NewWalk(m.chunks)
	if err != nil {
		return nil, err
	}
	eligible := map[string]bool{}
	for _, t := range base.Tensors {
		eligible[t.Name] = t.Eligible && t.Type.Quantized() && t.Type != t.Source
	}
	b := newCounter(g, "measure layers")
	defer b.finish()
	b.update(0, int64(walk.Layers()+1))
	return allocate.Measure(ctx, src, walk, probe, allocate.Settings{
		Settings: round.Settings{Options: round.Options{Sweeps: 1, Product: m.Product, Each: m.Each}, Chunks: len(m.chunks), Memory: momentBytes,
			Done: func(layer int, _ []round.Tensor) error { b.update(int64(layer+1), int64(walk.Layers()+1)); return nil }},
		Types: func(info gguf.TensorInfo) []gguf.Type {
			if !eligible[info.Name] {
				return nil
			}
			return slices.DeleteFunc(allocate.Pool(info.Cols()), func(t gguf.Type) bool {
				info.Type = t
				return slices.ContainsFunc(readers, func(c clients.Client) bool { return !c.Reads(info) })
			})
		},
	})
}
