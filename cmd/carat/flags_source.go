package main

import (
	"os"
	"slices"

	"github.com/carat-llm/carat/convert"
	"github.com/urfave/cli/v2"
)

// checkSourceFlags refuses, before a verb begins, the flags of conversion where nothing is converted. A gate's policy may
// name more models: it looks itself.
func checkSourceFlags(c *cli.Context) error {
	if c.Command.Name == "gate" {
		return nil
	}
	paths := append(c.Args().Slice(), c.String("reference"))
	if c.Command.Name == "embed" || c.Command.Name == "rank" {
		paths = paths[:min(1, len(paths))] // the others are texts
	}
	return idleSourceFlags(c, paths...)
}

// idleSourceFlags refuses flags of conversion when all models are GGUF files. What is wrong with a path otherwise is said
// by those who open it.
func idleSourceFlags(c *cli.Context, paths ...string) error {
	flags := append(sourceFlags(), checkpointFlags()...)
	i := slices.IndexFunc(flags, func(f cli.Flag) bool {
		name := f.Names()[0]
		return c.IsSet(name) && (name != loraFlag || !adapts(c))
	})
	if i < 0 {
		return nil
	}
	file := ""
	for _, path := range paths {
		if path == "" {
			continue
		}
		st, err := os.Stat(path)
		if err != nil || !st.Mode().IsRegular() {
			return nil
		}
		file = path
	}
	if file == "" {
		return nil
	}
	advice := "; carat edit changes the metadata of GGUF files"
	if i >= len(sourceFlags()) {
		advice = ""
	}
	return usagef("--%s has no effect: it is for checkpoint folders, and %s is a file%s", flags[i].Names()[0], file, advice)
}

// sourceFlags tell how a checkpoint folder is read.
func sourceFlags() []cli.Flag {
	return append(preFlag(), group(sourceGroup,
		&cli.StringFlag{Name: "metadata", Usage: "`FILE.json` general.* metadata that replaces what the folder says"},
		&cli.StringFlag{Name: "model-name", Usage: "`NAME` value of general.name"},
	)...)
}

// preFlag is what a verb needs that reads a checkpoint folder and writes no model.
func preFlag() []cli.Flag {
	return group(sourceGroup,
		&cli.StringFlag{Name: "pre", Usage: "`NAME` pre-tokenizer, if carat does not recognise it"})
}

func sourceOptions(c *cli.Context) convert.Options {
	return convert.Options{Pre: c.String("pre"), MetadataFile: c.String("metadata"), ModelName: c.String("model-name")}
}
