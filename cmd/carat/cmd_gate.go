package main

import (
	"fmt"
	"slices"

	"github.com/carat-llm/carat/eval/gate"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/urfave/cli/v2"
)

func gateCommand() *cli.Command {
	return &cli.Command{
		Name:      "gate",
		Usage:     "build or take a model, measure it and judge it by a policy",
		ArgsUsage: "[CANDIDATE.gguf | DIR]",
		Description: `Judges a model by a policy (docs/policy.md): bounds on divergence, perplexity, agreement, size, speed and tasks.
A bound holds only if the one-sided confidence limit does; otherwise the gate is inconclusive, and more text is scored
up to the policy's limit. The candidate is the given file. From a checkpoint folder (or --source) it is built by the
policy's target; -o is written only if the candidate passes, and until then an existing file is untouched. Without
--policy the built-in policy catches broken models. Paths in a policy are relative to the current folder.

Verdicts are stored in --cache under the SHA-256 of everything they depend on (models, texts, policy, flags, carat
itself): when nothing has changed, the stored verdict is returned at once. Verdicts with exit code 4 or 5 are not
stored. See carat cache.

Baselines: --baseline, or the policy's baseline.report, names the report of the last release. With baseline.release:
latest it is the last one stored in --cache: a run that passes with the profile release, or has --save-baseline, stores
its report there. Without a baseline, gates against it are skipped; a first --save-baseline is stored if nothing else
prevents it.

EXAMPLES:
   carat gate --policy policy.yaml -o model-Q4_K_M.gguf --report report.json --junit junit.xml
   carat gate q4.gguf --reference ./checkpoint --text wiki.txt --text code=code.txt
   carat gate ./checkpoint --type Q4_K_M --text wiki.txt -o model-Q4_K_M.gguf --html report.html
   carat gate --policy policy.yaml --baseline last-release.json --github --sarif findings.sarif
   carat gate --print-policy > policy.yaml

EXIT STATUS:
   0 passed                  4 the candidate or another input is invalid
   1 a gate failed           5 something required could not be measured
   2 usage or policy        70 a bug in carat
   3 inconclusive          130 interrupted: continue with --resume`,
		Flags: slices.Concat(gateFlags(), pageFlags(), ciFlags(), sourceFlags()),
		Action: func(c *cli.Context) error {
			if c.Bool("print-policy") {
				return printPolicy(c)
			}
			g, err := globals(c)
			if err != nil {
				return err
			}
			o, err := gateOptionsOf(c, g)
			if err != nil {
				return err
			}
			return runGate(c.Context, g, o, sourceOptions(c))
		},
	}
}

func gateFlags() []cli.Flag {
	return slices.Concat(
		group("POLICY",
			&cli.StringFlag{Name: "policy", Usage: "`FILE.yaml` policy to judge by"},
			&cli.BoolFlag{Name: "print-policy", Usage: "print the built-in policy and exit"},
			&cli.StringFlag{Name: "profile", Usage: "`smoke|pr|release` how much text is scored; overrides the policy's"},
			&cli.BoolFlag{Name: "warn-only", Usage: "exit with 0 instead of 1 and 3"}),
		group("CANDIDATE",
			&cli.StringFlag{Name: "source", Usage: "`MODEL` what to build the candidate from; overrides the policy's model.source"},
			&cli.StringFlag{Name: "type", Aliases: []string{"t"}, Usage: "`T` file type to build; overrides the policy's target.type"},
			&cli.StringFlag{Name: "imatrix", Usage: "`FILE` importance matrix; overrides the policy's target.imatrix"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`OUT.gguf` file to write, only if the built candidate passes"},
			&cli.BoolFlag{Name: "keep", Usage: "write -o whatever the verdict"}),
		group(measureGroup,
			&cli.StringFlag{Name: "reference", Usage: "`MODEL` model to compare with; overrides the policy's reference.source, which defaults to the source"},
			&cli.StringSliceFlag{Name: "text", Usage: "`[NAME=]FILE` evaluation text; replaces the policy's data.eval, whose entry of that name keeps its other settings"},
			&cli.StringFlag{Name: "calibration", Usage: "`FILE` calibration text, to search for evaluation text; overrides the policy's data.calib"},
			&cli.IntFlag{Name: "ctx", Usage: "`TOKENS` tokens per chunk; overrides the policy's"},
			&cli.StringFlag{Name: "llama-perplexity", Usage: "`PATH` llama.cpp's program, for gates on parity.llama_cpp; overrides the policy's target.llama_cpp and $CARAT_LLAMA_PERPLEXITY; by default llama-perplexity in PATH"}),
		computeFlags(kernel.Exact),
		group("BASELINE",
			&cli.StringFlag{Name: "baseline", Usage: "`REPORT.json` report of the last release; overrides the policy's baseline"},
			&cli.StringFlag{Name: "save-baseline", Usage: "`NAME` store the report of a run that passes under this name, and as the latest baseline"}),
		group("REPORT AND CACHE",
			&cli.StringFlag{Name: "report", Usage: "`FILE.json` write all figures and the verdict (docs/report.md); an interrupted run saves what it has"},
			&cli.BoolFlag{Name: "resume", Usage: "resume the interrupted run saved in --report"},
			cacheFlag(),
			&cli.BoolFlag{Name: "no-cache", Usage: "measure even if nothing has changed, and store nothing"}),
	)
}

// printPolicy prints the built-in policy, as YAML with its comments or as JSON, which is a policy too.
func printPolicy(c *cli.Context) error {
	g, err := globals(c)
	if err != nil {
		return err
	}
	if c.NArg() > 0 {
		return usagef("gate --print-policy takes no model (got %q)", c.Args().Slice())
	}
	if !g.json {
		_, err := fmt.Fprint(g.out, gate.DefaultText())
		return err
	}
	policy, err := gate.DefaultJSON()
	if err != nil {
		return err
	}
	return printJSON(g.out, policy)
}
