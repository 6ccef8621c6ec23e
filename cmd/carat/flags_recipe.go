package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/urfave/cli/v2"
)

// recipeFlags choose types by files, and what is left out or kept.
func recipeFlags() []cli.Flag {
	return group(typesGroup,
		&cli.StringFlag{Name: "tensor-type-file", Usage: "`FILE` read --tensor-type values from a file, separated by white space"},
		&cli.StringFlag{Name: "recipe", Usage: "`FILE.yaml` read all tensors' types from a recipe (see plan --save); replaces --type"},
		&cli.BoolFlag{Name: "keep-quantized", Usage: "leave already quantized tensors (such as MXFP4 experts) unchanged"},
	)
}

// applyRecipeFlags reads --recipe first, since it gives the file type.
func applyRecipeFlags(c *cli.Context, o *quantize.Options) (err error) {
	o.KeepQuantized = c.Bool("keep-quantized")
	if path := c.String("recipe"); path != "" {
		err := readNamed("--recipe", path, func(r io.Reader) (err error) {
			o.File, err = recipe.ParseFile(filepath.Base(path), r)
			return err
		})
		if err != nil {
			return err
		}
		if c.String("type") == "" {
			o.FileType = o.File.FileType
		}
	}
	if path := c.String("tensor-type-file"); path != "" {
		err := readNamed("--tensor-type-file", path, func(r io.Reader) error {
			tts, err := recipe.ParseTensorTypes(r)
			if err == nil && len(tts) == 0 {
				err = errors.New("the file has no REGEX=TYPE and so no effect")
			}
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			o.TensorTypes = append(o.TensorTypes, tts...)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if v := c.String("prune-layers"); v != "" {
		if o.PruneLayers, err = quantize.ParseLayers(v); err != nil {
			return usagef("--prune-layers: %w", err)
		}
	}
	return nil
}

// readNamed opens the file of a flag. What parse finds wrong is a usage error.
func readNamed(flag, path string, parse func(io.Reader) error) error {
	b, err := inputfile.ReadText(path, maxRecipe)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	if err := parse(bytes.NewReader(b)); err != nil {
		return usagef("%s: %w", flag, err)
	}
	return nil
}

// maxRecipe is the size of the largest recipe, or file of tensor types, that is read.
const maxRecipe = 64 << 20
