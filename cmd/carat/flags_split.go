package main

import (
	"github.com/carat-llm/carat/gguf"
	"github.com/urfave/cli/v2"
)

// splitFlags are shared by the verbs that write a model.
func splitFlags() []cli.Flag {
	return group(splitGroup,
		&cli.StringFlag{Name: "split-max-size", Usage: "`SIZE` write files OUT-00001-of-0000N.gguf with at most this size of tensors each, such as 500M or 2G (decimal units)"},
		&cli.IntFlag{Name: "split-max-tensors", Usage: "`N` write at most N tensors to each file"},
	)
}

func splitOptions(c *cli.Context) (s gguf.Split, err error) {
	if v := c.String("split-max-size"); c.IsSet("split-max-size") {
		if s.MaxBytes, err = gguf.ParseSize(v); err != nil {
			return s, usagef("--split-max-size: %w", err)
		}
	}
	if s.MaxTensors = c.Int("split-max-tensors"); c.IsSet("split-max-tensors") && s.MaxTensors < 1 {
		return s, usagef("--split-max-tensors must be at least 1 (got %d)", s.MaxTensors)
	}
	return s, nil
}

func keepSplitFlag() cli.Flag {
	return &cli.BoolFlag{Name: "keep-split", Category: splitGroup, Usage: "split as the source is: as many files, the same tensors in each"}
}

// quantizeSplit reads both ways to ask for a split; build has no --keep-split.
func quantizeSplit(c *cli.Context) (s gguf.Split, keep bool, err error) {
	keep = c.Bool("keep-split")
	if keep && (c.IsSet("split-max-size") || c.IsSet("split-max-tensors")) {
		return s, keep, usagef("--keep-split cannot be combined with --split-max-size or --split-max-tensors")
	}
	s, err = splitOptions(c)
	return s, keep, err
}
