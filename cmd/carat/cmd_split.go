package main

import (
	"context"

	"github.com/carat-llm/carat/gguf"
	"github.com/urfave/cli/v2"
)

func splitCommand() *cli.Command {
	return &cli.Command{
		Name:      "split",
		Usage:     "split a GGUF file into several",
		ArgsUsage: "MODEL.gguf",
		Description: `Writes OUT-00001-of-0000N.gguf and so on: the first file has all metadata, and tensors keep their order. Every verb
that reads a model takes the first file. The files equal llama-gguf-split's byte for byte; either all appear or none.
A tensor that is larger than --split-max-size gets a file of its own.

EXAMPLES:
   carat split model.gguf --split-max-size 2G -o model.gguf
   carat split model.gguf --split-max-tensors 128 -o parts/model.gguf --json`,
		Flags: append(splitFlags(), outputFlag()),
		Action: func(c *cli.Context) error {
			g, in, out, err := rewriteArguments(c, "MODEL.gguf")
			if err != nil {
				return err
			}
			split, err := splitOptions(c)
			if err != nil {
				return err
			}
			if split.MaxBytes == 0 && split.MaxTensors == 0 {
				return usagef("split needs --split-max-size or --split-max-tensors")
			}
			split.CountLast = true
			return runRewrite(c.Context, g, in, rewriting{out: out, split: split, title: "split"})
		},
	}
}

func mergeCommand() *cli.Command {
	return &cli.Command{
		Name:      "merge",
		Usage:     "join the files of a split into one GGUF file",
		ArgsUsage: "FIRST-00001-of-0000N.gguf",
		Description: `Reads all files of a split and writes one. What carat split or llama-gguf-split has split becomes the original
again, byte for byte.

EXAMPLES:
   carat merge model-00001-of-00003.gguf -o model.gguf`,
		Flags: []cli.Flag{outputFlag()},
		Action: func(c *cli.Context) error {
			g, in, out, err := rewriteArguments(c, "FIRST-00001-of-0000N.gguf")
			if err != nil {
				return err
			}
			return runRewrite(c.Context, g, in, rewriting{out: out, title: "merge"})
		},
	}
}

// rewriteArguments are those of verbs that make a GGUF file of another one.
func rewriteArguments(c *cli.Context, what string) (g global, in, out string, err error) {
	if g, in, err = opening(c, what); err != nil {
		return g, "", "", err
	}
	out = c.String("output")
	if out == "" {
		return g, "", "", usagef("%s needs -o OUT.gguf", c.Command.Name)
	}
	return g, in, out, nil
}

// rewritten is the JSON of split and merge.
type rewritten struct {
	Output  *outputFile `json:"output"`
	Tensors int         `json:"tensors"`
}

func runRewrite(ctx context.Context, g global, in string, r rewriting) error {
	f, err := gguf.Open(in)
	if err != nil {
		return err
	}
	defer f.Close()
	r.metadata = f.Metadata()
	o, err := rewrite(ctx, g, f, r)
	switch {
	case err != nil:
		return err
	case g.json:
		return printJSON(g.out, rewritten{o, len(f.Tensors())})
	case !g.quiet:
		o.print(g.out)
	}
	return nil
}

// rewriting is how a GGUF file is written once more.
type rewriting struct {
	metadata *gguf.Metadata
	out      string
	split    gguf.Split
	title    string // of the progress bar
}

// rewrite writes f's tensors as r says and tells of the files that it wrote, with sums if somebody will see them. The
// input's files are not written over.
func rewrite(ctx context.Context, g global, f *gguf.File, r rewriting) (*outputFile, error) {
	paths, err := r.split.Paths(r.out, r.metadata, gguf.Infos(f.Tensors()))
	if err != nil {
		return nil, usagef("%v", err)
	}
	for _, from := range f.Paths() {
		for _, to := range paths {
			if err := sameFile(from, to); err != nil {
				return nil, err
			}
		}
	}
	b := newBar(g, r.title)
	defer b.finish()
	w, err := gguf.CreateSplit(r.out, r.metadata, gguf.Infos(f.Tensors()), r.split)
	if err != nil {
		return nil, err
	}
	var o outputs
	o.model(w)
	defer o.abort()
	hash := g.json || !g.quiet
	if hash {
		w.Hash()
	}
	if err := w.Copy(ctx, f.Tensors(), b.update); err != nil {
		return nil, err
	}
	var sums *outputFile
	if hash {
		if sums, err = hashStaged(ctx, w); err != nil {
			return nil, err
		}
	}
	return sums, o.commitUnless(ctx, g.out)
}
