// Command quantdiff compares what carat and llama-quantize make of the same models: for every file type, without and
// with importance weights, whole files byte by byte and the types of tensors.
//
//	go run ./scripts/quantdiff --llama llama.cpp/build/bin testdata/checkpoints/*
//	go run ./scripts/quantdiff --llama llama.cpp/build/bin --write DIR CHECKPOINT...
//	go run ./scripts/quantdiff --llama llama.cpp/build/bin --only imatrix --text wiki.txt CHECKPOINT...
//
// Each checkpoint folder is converted to F16 and quantized by both. Since rules look at layers, at experts and at the
// length of rows, of which such small models have few, their headers are also written with 34 layers, with rows as real
// models have them, with 8 experts and with shared key heads, and both are asked for the types (llama-quantize --dry-run).
// Differences are printed, and make it fail. --write stores what llama-quantize did as files.txt and types.txt.gz: the
// expected results of the tests here and of quantize/recipe. With --text the importance matrices are compared, too, that carat
// and llama-imatrix collect.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "quantdiff:", err)
		}
		os.Exit(1)
	}
}

// differ compares with one llama-quantize, in one folder for scratch files.
type differ struct {
	llama, dir string
	out        io.Writer
	compared   int
	differ     int
	quick      bool
	files      []string // lines of files.txt
	types      strings.Builder
}

func run(ctx context.Context, out io.Writer, args []string) error {
	flags := flag.NewFlagSet("quantdiff", flag.ContinueOnError)
	llama := flags.String("llama", "", "folder with llama-quantize")
	types := flags.String("types", "", "file types, with commas in between; all when empty")
	write := flags.String("write", "", "folder for files.txt and types.txt.gz")
	only := flags.String("only", "", "files, types or imatrix: compare these alone")
	quick := flags.Bool("quick", false, "with importance weights compare only file types that look at them")
	text := flags.String("text", "", "text for importance matrices")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *llama == "" || flags.NArg() == 0 {
		return errors.New("expected --llama DIR and checkpoint folders")
	}
	if *only == "imatrix" && *text == "" {
		return errors.New("--only imatrix needs --text FILE")
	}
	names := recipe.Names()
	if *types != "" {
		names = strings.Split(*types, ",")
	}
	dir, err := os.MkdirTemp("", "quantdiff")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d := &differ{llama: *llama, dir: dir, out: out, quick: *quick}
	for _, path := range flags.Args() {
		if err := d.model(ctx, path, names, *only, *text); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	fmt.Fprintf(out, "%d of %d comparisons are equal\n", d.compared-d.differ, d.compared)
	if *write != "" {
		if err := d.write(*write); err != nil {
			return err
		}
	}
	if d.differ > 0 {
		return fmt.Errorf("%d differences", d.differ)
	}
	return nil
}

// nameOf is a folder's name and that of the folder it is in: two collections may have a model of one name.
func nameOf(path string) string {
	return filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path)
}

func (d *differ) model(ctx context.Context, path string, types []string, only, text string) error {
	fmt.Fprintln(d.out, nameOf(path))
	if text != "" && (only == "" || only == "imatrix") {
		if err := d.compareImatrix(ctx, nameOf(path), path, text); err != nil {
			return err
		}
	}
	if only == "imatrix" {
		return nil
	}
	f16 := filepath.Join(d.dir, "f16.gguf")
	if err := convertTo(ctx, "f16", path, f16); err != nil {
		return err
	}
	src, err := gguf.Open(f16)
	if err != nil {
		return err
	}
	defer src.Close()
	if only != "types" {
		if err := d.compareFiles(ctx, nameOf(path), src, f16, types); err != nil {
			return err
		}
	}
	if only != "files" {
		for _, v := range variants(src) {
			if err := d.compareTypes(ctx, nameOf(path)+" "+v.name, v, types); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareFiles compares whole files for each of the importance matrices.
func (d *differ) compareFiles(ctx context.Context, name string, src gguf.Model, f16 string, types []string) error {
	for _, mode := range modes {
		if err := mode.write(src, filepath.Join(d.dir, matrixName)); err != nil {
			return err
		}
		line := name + " " + mode.name
		for _, typ := range d.of(mode, types) {
			ours, err := caratFile(ctx, src, d.dir, mode, typ)
			if err != nil {
				return err
			}
			theirs, err := d.llamaFile(ctx, f16, mode, typ)
			if errors.Is(err, errUnread) {
				fmt.Fprintf(d.out, "   %s %s %s: not compared: %v\n", name, mode.name, typ, err)
				return nil
			}
			if err != nil {
				return err
			}
			d.count(ours == theirs, "%s %s %s: carat %s, llama-quantize %s", name, mode.name, typ, ours, theirs)
			line += " " + typ + "=" + theirs
		}
		d.files = append(d.files, line)
	}
	return nil
}

// weighted are file types whose rules or encoders differ most with importance weights.
var weighted = []string{"Q4_0", "Q5_0", "Q6_K", "Q4_K_M", "Q2_K_S", "IQ4_NL", "IQ4_XS", "IQ3_XXS", "IQ2_M"}

func (d *differ) of(m mode, types []string) []string {
	if !d.quick || m.lacking == nil {
		return types
	}
	return slices.DeleteFunc(slices.Clone(types), func(t string) bool { return !slices.Contains(weighted, t) })
}

func (d *differ) count(equal bool, format string, args ...any) {
	d.compared++
	if !equal {
		d.differ++
		fmt.Fprintf(d.out, "DIFFERENT "+format+"\n", args...)
	}
}

// compareTypes compares the types of the tensors of a header, and which file types need importance weights for them.
func (d *differ) compareTypes(ctx context.Context, name string, v variant, types []string) error {
	path := filepath.Join(d.dir, "header.gguf")
	if err := v.write(path); err != nil {
		return err
	}
	v.describe(&d.types, name)
	for _, mode := range modes[:2] {
		if err := mode.write(v, filepath.Join(d.dir, matrixName)); err != nil {
			return err
		}
		for _, typ := range d.of(mode, types) {
			theirs, err := d.llamaTypes(ctx, path, mode, typ)
			if err != nil {
				fmt.Fprintf(d.out, "   %s %s %s: not compared: %v\n", name, mode.name, typ, err)
				return nil
			}
			ours, err := caratTypes(v, mode, typ)
			if err != nil {
				return err
			}
			d.count(slices.Equal(ours.types, theirs.types) && ours.needs == theirs.needs, "%s %s %s: %s", name, mode.name, typ, first(v.infos, ours, theirs))
			theirs.describe(&d.types, mode.name, typ)
		}
	}
	return nil
}
