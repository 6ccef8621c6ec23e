package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/urfave/cli/v2"
)

func sweepCommand() *cli.Command {
	return &cli.Command{
		Name:      "sweep",
		Usage:     "quantize to many types, measure all, and draw size against quality",
		ArgsUsage: "MODEL",
		Description: `Reads the source once and writes every type; then all files are measured side by side against the source over the
same text. The Pareto front holds the types that no other type beats in both size and divergence. --controls are types
quantized without the importance matrix, from which "effective bits" are read. All files exist at the same time, in
$TMPDIR, and are deleted at the end; -o names a folder to keep them in.

EXAMPLES:
   carat sweep ./SmolLM2-135M --types Q4_K_M,IQ4_XS,Q5_K_M,Q6_K --text wiki.txt --html sweep.html
   carat sweep ./SmolLM2-135M --types Q3_K_M,Q4_K_M --imatrix smollm2.imatrix.gguf \
       --controls Q3_K_M,Q4_K_M,Q5_K_M --text wiki.txt --speed -o out/
   carat sweep bf16.gguf --types Q4_0,Q4_1 --control theirs.gguf --text wiki.txt --max-tokens 16000`,
		Flags: slices.Concat(group(typesGroup,
			&cli.StringFlag{Name: "types", Usage: "`A,B,C` file types to make"},
			&cli.StringFlag{Name: "controls", Usage: "`A,B,C` file types to compare with, quantized without the importance matrix"},
			&cli.StringFlag{Name: "imatrix", Usage: "`FILE` importance matrix, GGUF or .dat"},
			&cli.BoolFlag{Name: "allow-requantize", Usage: "accept a source that is already quantized; costs quality"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Category: outputGroup, Usage: "`FOLDER` keep the files in this folder"}),
			comparisonFlags(), measureFlags(), pageFlags(), sourceFlags()),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "MODEL")
			if err != nil {
				return err
			}
			sw := sweep{folder: c.String("output"), requantize: c.Bool("allow-requantize")}
			if sw.types, err = fileTypes("--types", c.String("types")); err != nil {
				return err
			}
			if len(sw.types) == 0 {
				return usagef("sweep needs --types, for example --types Q4_K_M,Q5_K_M")
			}
			if sw.controls, err = fileTypes("--controls", c.String("controls")); err != nil {
				return err
			}
			cmp, err := comparisonOf(c, "sweep")
			if err != nil {
				return err
			}
			cmp.addControls(c.StringSlice("control"))
			if f := c.String("imatrix"); f != "" {
				if sw.imatrix, err = imatrix.Read(f); err != nil {
					return err
				}
				sw.imatrixName = filepath.Base(f)
			}
			ms := models{g: g, src: sourceOptions(c)}
			defer ms.close()
			return sw.run(c.Context, &ms, arg, cmp)
		},
	}
}

// sweep is what to make.
type sweep struct {
	types, controls []recipe.FileType
	imatrix         *imatrix.Matrix
	imatrixName     string
	requantize      bool
	folder          string // "" for one that is deleted
}

func fileTypes(flag, list string) (out []recipe.FileType, err error) {
	for _, name := range strings.Split(list, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		ft, err := recipe.ParseFileType(name)
		if err != nil {
			return nil, usagef("%s: %w", flag, err)
		}
		if slices.Contains(out, ft) {
			return nil, usagef("%s names %s twice", flag, ft)
		}
		out = append(out, ft)
	}
	return out, nil
}

func (w *sweep) run(ctx context.Context, ms *models, path string, cmp *comparison) error {
	src, err := ms.g.open(path, ms.src)
	if err != nil {
		return err
	}
	ms.loader.Keep(src)
	known := src
	if cmp.reference == "" {
		cmp.reference = path
	} else {
		known = nil
	}
	if err := cmp.prepare(ms, known); err != nil {
		return err
	}
	plans, err := w.plans(src, ms.g)
	if err != nil {
		return err
	}
	folder := w.folder
	var scratch *atomicfile.Scratch
	if folder == "" {
		if scratch, err = atomicfile.NewScratch("", "carat-sweep-"); err != nil {
			return err
		}
		defer scratch.Close()
		folder = scratch.Path("")
	} else if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	made, err := w.quantize(ctx, ms.g, plans, targetFolder{path, folder, scratch})
	if err != nil {
		return err
	}
	cmp.candidates = append(made, cmp.candidates...)
	var kept []string
	for _, f := range made {
		if w.folder != "" {
			kept = append(kept, f.path)
		}
	}
	err = cmp.run(ctx, ms, kept)
	ms.close() // before the files go: Windows keeps those that are mapped
	return err
}

// target is a file to make.
type target struct {
	plan *quantize.Plan
	name string // "Q4_K_M", "Q4_K_M-control"
	role string
}

// plans decides on all types, and refuses all that cannot be made, before any work.
func (w *sweep) plans(src gguf.Model, g global) (out []target, err error) {
	var errs []error
	add := func(types []recipe.FileType, role, suffix string, o quantize.Options) {
		o.Threads, o.AllowRequantize = g.threads, w.requantize
		for _, ft := range types {
			o.FileType = ft
			p, err := quantize.NewPlan(src, o)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s%s: %w", ft, suffix, err))
			}
			out = append(out, target{p, ft.String() + suffix, role})
		}
	}
	add(w.types, "", "", quantize.Options{Imatrix: w.imatrix, ImatrixName: w.imatrixName})
	add(w.controls, report.Control, "-control", quantize.Options{})
	return out, errors.Join(errs...)
}

// targetFolder is where targets go.
type targetFolder struct {
	source  string // the model that they are made of
	path    string
	scratch *atomicfile.Scratch // if path is removed in the end
}

// quantize writes all targets to a folder and lists the files.
func (w *sweep) quantize(ctx context.Context, g global, targets []target, to targetFolder) ([]candidateFile, error) {
	base := strings.TrimSuffix(job.Named(to.source).Name, ".gguf")
	var files []candidateFile
	var plans []*quantize.Plan
	var paths []string
	for _, t := range targets {
		file := filepath.Join(to.path, fmt.Sprintf("%s-%s.gguf", base, t.name))
		if err := sameFile(to.source, file); err != nil {
			return nil, err
		}
		printNotes(g, t.plan)
		plans, paths, files = append(plans, t.plan), append(paths, file), append(files, candidateFile{file, t.role})
	}
	b := newBar(g, fmt.Sprintf("quantize to %d types", len(plans)))
	defer b.finish()
	writers, err := quantize.Stage(ctx, plans, paths, b.update)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", to.source, err)
	}
	var o outputs
	defer o.abort()
	if to.scratch != nil {
		return files, to.scratch.Hold(filesOf(writers)...)
	}
	for _, w := range writers {
		o.model(w)
	}
	return files, o.commitUnless(ctx, g.out)
}
