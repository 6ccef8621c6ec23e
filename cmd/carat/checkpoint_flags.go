package main

import (
	"math"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/urfave/cli/v2"
)

// checkpointFlags are those of the verbs that make models of checkpoint folders.
func checkpointFlags() []cli.Flag {
	return append(group(adapterGroup,
		&cli.StringSliceFlag{Name: "lora", Usage: "`DIR[=SCALE]` merge the adapter (LoRA, as PEFT saves it) into the weights, SCALE times"}),
		group(sourceGroup, &cli.BoolFlag{Name: denseFlag, Usage: "keep the layers behind the pooling of EmbeddingGemma"})...)
}

const denseFlag = "sentence-transformers-dense-modules" // the reference's name

// checkpointOptions are sourceOptions with checkpointFlags.
func checkpointOptions(c *cli.Context) (convert.Options, error) {
	o := sourceOptions(c)
	o.Dense = c.Bool(denseFlag)
	for _, v := range c.StringSlice("lora") {
		dir, scale := scaled(v)
		if dir == "" || scale == 0 || math.IsNaN(scale) || math.IsInf(scale, 0) {
			return o, usagef("--lora %s: expected the folder of an adapter, or DIR=SCALE with a number that is not 0", v)
		}
		o.LoRA = append(o.LoRA, convert.LoRA{Dir: dir, Scale: scale})
	}
	return o, nil
}

// scaled cuts DIR=SCALE; without a number behind the last = all is the folder's name.
func scaled(v string) (dir string, scale float64) {
	if i := strings.LastIndexByte(v, '='); i >= 0 {
		if f, err := strconv.ParseFloat(v[i+1:], 64); err == nil {
			return v[:i], f
		}
	}
	return v, 1
}
