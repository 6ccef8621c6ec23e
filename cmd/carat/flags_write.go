package main

import (
	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/quantize"
	"github.com/urfave/cli/v2"
)

func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Category: outputGroup, Usage: "`OUT.gguf` file to write; an existing file is replaced once the new one is complete"}
}

// outputFlags are those of the verbs that make a model.
func outputFlags() []cli.Flag {
	return append(group(outputGroup, outputFlag(),
		&cli.BoolFlag{Name: "dry-run", Usage: "print the plan from headers alone, write nothing"}), manifestFlags()...)
}

// output returns -o, which only a dry run may leave out.
func output(c *cli.Context) (string, error) {
	out := c.String("output")
	if c.Bool("dry-run") {
		return "", nil
	}
	if out == "" {
		return "", usagef("%s needs -o OUT.gguf (or --dry-run)", c.Command.Name)
	}
	return out, nil
}

// writeOptions are what the verbs that make a model of another read from their flags.
type writeOptions struct {
	source      string          // checkpoint folder or GGUF file
	from        convert.Options // how a folder is read
	quantize    quantize.Options
	calibration calibrationOptions
	budget      budget
	save        string // the recipe
	out         string // "" writes nothing
	rec         *recorder
}

// writeOptionsOf reads all but quantize, in which verbs differ.
func writeOptionsOf(c *cli.Context, source string) (o writeOptions, err error) {
	o.source = source
	if o.out, err = output(c); err != nil {
		return o, err
	}
	o.rec = newRecorder(c, o.out)
	o.save = c.String("save")
	o.from, err = checkpointOptions(c)
	return o, err
}

// typesOf reads quantize's own flags: which types, by which text, under which budget.
func (o *writeOptions) typesOf(c *cli.Context, g global) (err error) {
	if o.quantize, err = quantizeOptions(c, g); err != nil {
		return err
	}
	if o.budget, err = budgetOf(c); err != nil {
		return err
	}
	if err := o.budget.measuring(); err != nil {
		return err
	}
	o.calibration, err = calibrationOf(c, o.budget.set())
	return err
}
