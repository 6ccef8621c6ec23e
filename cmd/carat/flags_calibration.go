package main

import (
	"io"
	"slices"

	"github.com/urfave/cli/v2"
)

// calibrationFlags are those of verbs that round by what layers see of a text.
func calibrationFlags() []cli.Flag {
	return group(roundingGroup,
		&cli.StringSliceFlag{Name: "calibration", Usage: "`TEXT` round weights by what the layers see of a text, so that errors make good for each other: a file, a folder whose files take turns, or default for the text that comes with carat; several texts take turns"},
		&cli.IntFlag{Name: "calibration-chunks", Value: 32, Usage: "`N` use the first N chunks of 512 tokens"})
}

// calibrationOptions are what calibrationFlags say; without texts nothing is calibrated.
type calibrationOptions struct {
	in     io.Reader
	Texts  []string
	Chunks int
	text   *calibrationText // once it is read
	model  *calibrated      // once it is asked for
}

// calibrationOf reads calibrationFlags; where a text is needed and none is given it is the default.
func calibrationOf(c *cli.Context, needed bool) (calibrationOptions, error) {
	o := calibrationOptions{in: c.App.Reader, Texts: c.StringSlice("calibration"), Chunks: c.Int("calibration-chunks")}
	if !o.set() && needed {
		o.Texts = []string{defaultCalibration}
	}
	switch {
	case !o.set() && c.IsSet("calibration-chunks"):
		return o, usagef("--calibration-chunks has no effect without --calibration")
	case o.set() && c.IsSet("prune-layers"):
		return o, usagef("--calibration cannot be combined with --prune-layers: write the pruned model first, then quantize it")
	case o.Chunks < 2 || o.Chunks > 1<<16:
		return o, outOfRange("--calibration-chunks", 2, 1<<16, o.Chunks)
	}
	return o, nil
}

// set says whether there is a text to calibrate by.
func (o *calibrationOptions) set() bool { return len(o.Texts) > 0 }

// ownText says whether the texts of --calibration are the one that comes with carat.
func ownText(texts []string) bool { return slices.Equal(texts, []string{defaultCalibration}) }
