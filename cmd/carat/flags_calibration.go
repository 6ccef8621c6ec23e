package main

import (
	"io"

	"github.com/urfave/cli/v2"
)

// calibrationFlags are those of verbs that round by what layers see of a text.
func calibrationFlags() []cli.Flag {
	return group(roundingGroup,
		&cli.StringFlag{Name: "calibration", Usage: "`FILE` text by which weights are rounded: errors that the layers would see there are made good by others"},
		&cli.IntFlag{Name: "calibration-chunks", Value: 32, Usage: "`N` use the first N chunks of 512 tokens"})
}

// calibration is what calibrationFlags say; without a text nothing is calibrated.
type calibration struct {
	in     io.Reader
	Text   string
	Chunks int
	model  *calibrated // once it is asked for
}

func calibrationOf(c *cli.Context) (calibration, error) {
	o := calibration{in: c.App.Reader, Text: c.String("calibration"), Chunks: c.Int("calibration-chunks")}
	switch {
	case o.Text == "" && c.IsSet("calibration-chunks"):
		return o, usagef("--calibration-chunks has no effect without --calibration")
	case o.Text != "" && c.IsSet("prune-layers"):
		return o, usagef("--calibration cannot be combined with --prune-layers: write the pruned model first, then quantize it")
	case o.Chunks < 2 || o.Chunks > 1<<16:
		return o, outOfRange("--calibration-chunks", 2, 1<<16, o.Chunks)
	}
	return o, nil
}
