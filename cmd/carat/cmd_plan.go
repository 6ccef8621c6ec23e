package main

import (
	"slices"

	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/quantize"
	"github.com/urfave/cli/v2"
)

func planCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Aliases:   []string{"explain"},
		Usage:     "show what quantize would make of each tensor, and why",
		ArgsUsage: "MODEL",
		Description: `Reads only headers, so it is instant: each tensor's type and bytes, the rule that chose the type, and where a
fallback replaces it. Adjacent layers with the same result share one row; --json lists every tensor. Notes name the
programs that do not read a type. The plan can be saved as a recipe, edited, and given back to plan, quantize and build
with --recipe.

EXAMPLES:
   carat plan smollm2-BF16.gguf --type Q4_K_M
   carat plan smollm2-BF16.gguf --type IQ4_XS --for ollama,candle
   carat plan HuggingFaceTB/SmolLM2-1.7B --stream --type Q4_K_M
   carat plan ./SmolLM2-135M --type Q4_K_M --imatrix smollm2.imatrix.gguf --save recipe.yaml
   carat quantize ./SmolLM2-135M --recipe recipe.yaml -o smollm2.gguf
   carat plan ./SmolLM2-135M --measurements measured.json --pareto sizes.html
   carat plan ./SmolLM2-135M --measurements measured.json --target-size 94M
   carat plan ./SmolLM2-135M --recipe recipe.yaml --export-tensor-types types.txt
   llama-quantize --tensor-type-file types.txt smollm2-BF16.gguf smollm2.gguf Q4_K_M`,
		Flags: slices.Concat(quantizeFlags(), budgetFlags(), saveFlag(), group(outputGroup,
			&cli.StringFlag{Name: "export-tensor-types", Usage: "`FILE` write the types for llama-quantize --tensor-type-file"}),
			splitFlags(), checkpointFlags(), sourceFlags(), streamFlag()),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "MODEL")
			if err != nil {
				return err
			}
			o, err := planOptionsOf(c, g, arg)
			if err != nil {
				return err
			}
			if err := streamed(c, g, &o.source, &o.from); err != nil {
				return err
			}
			return runPlan(g, o)
		},
	}
}

// planOptions are plan's flags.
type planOptions struct {
	writeOptions
	typed bool   // types are given: by a file type, a recipe or a budget
	types string // the file for llama-quantize
}

func planOptionsOf(c *cli.Context, g global, source string) (o planOptions, err error) {
	o.source, o.save, o.types = source, c.String("save"), c.String("export-tensor-types")
	if o.quantize, err = quantizeOptions(c, g); err != nil {
		return o, err
	}
	o.quantize.NoteClients = true
	if o.from, err = checkpointOptions(c); err != nil {
		return o, err
	}
	if o.budget, err = budgetOf(c); err != nil {
		return o, err
	}
	if o.budget.rate > 0 {
		return o, usagef("plan measures nothing: --min-tokens-per-second needs the model at work; carat build --dry-run has it")
	}
	o.typed = o.budget.set() || c.String("type") != "" || o.quantize.File != nil
	if b := o.budget; b.measurements == "" && (b.set() || b.pareto != "") {
		return o, hint.Wrap(usagef("plan measures nothing: --%s needs the --measurements of an earlier run", append(setBudgets(c), "pareto")[0]),
			"carat build %s --target-bpw 4.5 --calibration TEXT --measurements FILE.json --dry-run makes them", display.Name(source))
	}
	return o, nil
}

// planned is plan's JSON.
type planned struct {
	FileType  string `json:"file_type"`
	FileBytes int64  `json:"file_bytes"` // with header and padding
	*written
}

func runPlan(g global, o planOptions) error {
	src, err := g.open(o.source, o.from)
	if err != nil {
		return err
	}
	defer src.Close()
	m := newModel{g: g, writeOptions: o.writeOptions, src: src}
	if o.budget.measurements != "" {
		if err := m.allocateKnown(o.typed); err != nil {
			return err
		}
	}
	if !o.typed {
		return m.showCurve()
	}
	if m.plan, err = quantize.NewPlan(src, m.quantize); err != nil {
		return err
	}
	var files outputs
	defer files.abort()
	if err := m.saveRecipe(&files); err != nil {
		return err
	}
	if err := savePlan(m.plan, "", o.types, &files); err != nil {
		return err
	}
	if err := files.commit(g.out); err != nil {
		return err
	}
	return m.showPlan()
}

// showPlan prints the plan.
func (m *newModel) showPlan() error {
	w, err := m.describe()
	if err != nil {
		return err
	}
	g := m.g
	p := planned{m.quantize.FileType.String(), w.fileBytes, w}
	if g.json {
		return printJSON(g.out, p)
	}
	if !g.quiet {
		printNotes(g, m.plan)
	}
	if !g.quiet && !g.piped {
		p.print(g.out)
		printf(g.out, "the file would have %d bytes (%s)\n", p.FileBytes, display.Bytes(p.FileBytes))
		p.Budget.printCurve(g.out)
	}
	return nil
}

// showCurve draws and prints what every budget comes to.
func (m *newModel) showCurve() error {
	var files outputs
	defer files.abort()
	if err := m.drawCurve(&files); err != nil {
		return err
	}
	if err := files.commit(m.g.out); err != nil {
		return err
	}
	b := m.allocation.budgetReport
	if m.g.json {
		return printJSON(m.g.out, b.Curve)
	}
	if !m.g.quiet {
		b.printCurve(m.g.out)
	}
	return nil
}

// savePlan adds the files that were asked for to o.
func savePlan(plan *quantize.Plan, recipePath, typesPath string, o *outputs) error {
	if recipePath != "" {
		f, err := plan.Recipe()
		if err != nil {
			return err
		}
		if err := o.write(recipePath, f.Bytes()); err != nil {
			return err
		}
	}
	if typesPath != "" {
		b, err := plan.TensorTypes()
		if err != nil {
			return err
		}
		return o.write(typesPath, b)
	}
	return nil
}

// printNotes says on stderr what the plan's table does not show; JSON has it under notes.
func printNotes(g global, plan *quantize.Plan) {
	if g.json || g.quiet {
		return
	}
	for _, n := range plan.Notes() {
		printf(g.err, "carat: note: %s\n", n)
	}
}
