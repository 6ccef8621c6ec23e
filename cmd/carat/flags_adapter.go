package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/runtime/model"
	"github.com/urfave/cli/v2"
)

const loraFlag = "lora"

// adaptingVerbs apply adapters to a model, of whatever kind, as it runs; others merge them into a checkpoint.
var adaptingVerbs = []string{"run", "embed", "eval", "tasks"}

// adapterFlags are those of adaptingVerbs.
func adapterFlags() []cli.Flag {
	return group(adapterGroup,
		&cli.StringSliceFlag{Name: loraFlag, Usage: "`ADAPTER[=SCALE]` apply a GGUF adapter to MODEL as it runs, SCALE times; for a checkpoint folder also PEFT's folder of one"})
}

// adaptersOf are the values of --lora.
func adaptersOf(c *cli.Context) (list []convert.LoRA, err error) {
	for _, v := range c.StringSlice(loraFlag) {
		path, scale := scaled(v)
		if path == "" || scale == 0 || math.IsNaN(scale) || math.IsInf(scale, 0) {
			return nil, usagef("--lora %s: expected an adapter, or ADAPTER=SCALE with a number that is not 0", v)
		}
		list = append(list, convert.LoRA{Dir: path, Scale: scale})
	}
	return list, nil
}

// scaled cuts ADAPTER=SCALE; without a number behind the last = all is the adapter's name.
func scaled(v string) (path string, scale float64) {
	if i := strings.LastIndexByte(v, '='); i >= 0 {
		if f, err := strconv.ParseFloat(v[i+1:], 64); err == nil {
			return v[:i], f
		}
	}
	return v, 1
}

// adapt puts adapters on the model that was opened at path. After an error src is closed.
func (g global) adapt(src gguf.Model, path string, list []convert.LoRA) (gguf.Model, error) {
	if len(list) == 0 {
		return src, nil
	}
	var adapters []model.Adapter
	for _, l := range list {
		m, err := openAdapter(l.Dir, path)
		if err != nil {
			return nil, errors.Join(err, model.Adapt(src, adapters...).Close())
		}
		g.noteSource(m)
		adapters = append(adapters, model.Adapter{Name: l.Dir, Source: m, Scale: l.Scale})
	}
	return model.Adapt(src, adapters...), nil
}

// openAdapter opens a GGUF adapter, or the folder of one as PEFT saves it, for the model at path.
func openAdapter(adapter, path string) (gguf.Model, error) {
	if !isFolder(adapter) {
		return gguf.Open(adapter)
	}
	if !isFolder(path) {
		return nil, hint.Wrap(usagef("--lora %s is a folder, as PEFT saves adapters, and %s a file: reading it takes the model's config.json", adapter, path),
			"make a GGUF adapter of it: carat convert %s --base CHECKPOINT -o adapter.gguf", adapter)
	}
	m, err := convert.OpenAdapter(adapter, path, convert.Options{})
	if err != nil {
		return nil, fmt.Errorf("--lora: %w", err)
	}
	return m, nil
}

func isFolder(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// adapts reports whether a verb takes adapters for models of any kind.
func adapts(c *cli.Context) bool { return slices.Contains(adaptingVerbs, c.Command.Name) }
