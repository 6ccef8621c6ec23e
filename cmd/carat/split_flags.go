package main

import (
	"github.com/carat-llm/carat/gguf"
	"github.com/urfave/cli/v2"
)

// splitFlags are shared by the verbs that write a model.
func splitFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "split-max-size", Usage: "write OUT-00001-of-0000N.gguf and so on, each with at most `N(K|M|G)` bytes of tensors (decimal units)"},
		&cli.IntFlag{Name: "split-max-tensors", Usage: "write files with at most `N` tensors each"},
	}
}

func splitOptions(c *cli.Context) (s gguf.Split, err error) {
	if v := c.String("split-max-size"); c.IsSet("split-max-size") {
		if s.MaxBytes, err = gguf.ParseSize(v); err != nil {
			return s, usagef("--split-max-size: %v", err)
		}
	}
	if s.MaxTensors = c.Int("split-max-tensors"); c.IsSet("split-max-tensors") && s.MaxTensors < 1 {
		return s, usagef("--split-max-tensors %d: from 1", s.MaxTensors)
	}
	return s, nil
}

func keepSplitFlag() cli.Flag {
	return &cli.BoolFlag{Name: "keep-split", Usage: "write as many files as the source has, with the same tensors in each"}
}

// quantizeSplit reads both ways to ask for a split; build has no --keep-split.
func quantizeSplit(c *cli.Context) (s gguf.Split, keep bool, err error) {
	keep = c.Bool("keep-split")
	if keep && (c.IsSet("split-max-size") || c.IsSet("split-max-tensors")) {
		return s, keep, usagef("--keep-split and --split-max-...: give one of them")
	}
	s, err = splitOptions(c)
	return s, keep, err
}
