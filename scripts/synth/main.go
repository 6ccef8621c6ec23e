// Command synth makes random models for measurements: the shapes of real ones, and the same bytes on every machine.
//
//	go run ./scripts/synth --shape 1b -o 1b-f16.gguf
//	go run ./scripts/synth --shape 7b --type Q4_K_M -o 7b-Q4_K_M.gguf
//
// Weights are drawn row by row while the file is written, and quantized on the way: no F16 file of 14 GB stands
// between a 7B shape and its Q4_K_M. Speed depends on shapes and types alone, so that such a model is measured in the
// place of one that must be downloaded; what it says is noise.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"

	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/recipe"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "synth:", err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("synth", flag.ContinueOnError)
	name := flags.String("shape", "1b", "shape of the model: "+shapeNames())
	layers := flags.Int64("layers", 0, "layers in place of the shape's: what a layer takes can be measured with two of them")
	fileType := flags.String("type", "F16", "file type, as carat quantize takes it")
	out := flags.String("o", "", "file to write")
	threads := flags.Int("threads", runtime.NumCPU(), "threads; the bytes do not depend on them")
	if err := flags.Parse(args); err != nil {
		return err
	}
	shape, ok := shapes[*name]
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case !ok:
		return fmt.Errorf("unknown --shape %q: there are %s", *name, shapeNames())
	case *out == "":
		return errors.New("-o FILE is missing")
	case *layers < 0 || *layers > 1000:
		return fmt.Errorf("--layers %d: expected 1 to 1000", *layers)
	case *layers > 0:
		shape.layers = *layers
	}
	ft, err := recipe.ParseFileType(*fileType)
	if err != nil {
		return err
	}
	return write(ctx, newModel(*name, shape), ft, *out, *threads)
}

// write writes m to path as file type ft. F16 is what m is drawn as.
func write(ctx context.Context, m *model, ft recipe.FileType, path string, threads int) error {
	if ft == recipe.F16 {
		return quantize.Write(ctx, m, path, threads, nil)
	}
	plan, err := quantize.NewPlan(m, quantize.Options{FileType: ft, Threads: threads})
	if err != nil {
		return err
	}
	return plan.Run(ctx, path, nil)
}
