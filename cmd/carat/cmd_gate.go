package main

import (
	"fmt"

	"github.com/carat-llm/carat/eval/gate"
	"github.com/urfave/cli/v2"
)

func gateCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "gate",
		Usage:     "build or take a model, measure it and judge it by a policy",
		ArgsUsage: "[CANDIDATE.gguf | DIR]",
		Description: `Judges a model by a policy (docs/policy.md): bounds on divergence, perplexity, agreement, size, speed and tasks. A bound
holds only if the one-sided confidence limit does; otherwise the gate is inconclusive, and more text is scored up to
the policy's cap. The candidate is the file named; a checkpoint folder (or --source) is built from by the policy's target, and
the result gets the name -o only when it passes: until then, and otherwise, what is there stays.
Without --policy the built-in one catches broken models. Paths in a policy are relative to where carat runs.

Verdicts are kept in --cache under the SHA-256 of everything they depend on (models, texts, policy, flags, carat itself):
when nothing has changed, the stored one is told, in no time. Those that say 4 or 5 are not kept. See carat cache.

Baselines: --baseline, or the policy's baseline.report, names the report of the last release. With baseline.release: latest
it is the one kept last in --cache: a run that passes with the profile release, or has --save-baseline, keeps its report there,
by the model's SHA-256 too. Without one, gates against the baseline are skipped; a first --save-baseline is kept nevertheless
when nothing else stands in the way.

EXAMPLES:
   carat gate --policy carat.yaml -o model-Q4_K_M.gguf --report report.json --junit junit.xml
   carat gate q4.gguf --reference ./checkpoint --text wiki.txt --text code=code.txt
   carat gate ./checkpoint --type Q4_K_M --text wiki.txt -o model-Q4_K_M.gguf --html report.html
   carat gate --policy carat.yaml --baseline last-release.json --github --sarif findings.sarif
   carat gate --print-policy > carat.yaml

EXIT STATUS:
   0 passed                  4 the candidate or another input is invalid
   1 a gate failed           5 something required could not be measured (noise, no baseline, memory, disk)
   2 usage or policy        70 a bug in carat
   3 inconclusive          130 interrupted: go on with --resume`,
		Flags: append(append(append(sourceFlags(),
			&cli.StringFlag{Name: "policy", Usage: "the policy, `FILE.yaml`"},
			&cli.BoolFlag{Name: "print-policy", Usage: "print the built-in policy and exit"},
			&cli.StringFlag{Name: "source", Usage: "`MODEL` to build the candidate from; the policy's model.source"},
			&cli.StringFlag{Name: "type", Aliases: []string{"t"}, Usage: "file type `T` to build; the policy's target.type"},
			&cli.StringFlag{Name: "imatrix", Usage: "importance matrix `FILE`; the policy's target.imatrix"},
			&cli.StringFlag{Name: "reference", Usage: "`MODEL` to compare with; the policy's reference.source, or else the source"},
			&cli.StringSliceFlag{Name: "text", Usage: "evaluation text, `[NAME=]FILE`; instead of the policy's data.eval, whose entry of that name says the rest"},
			&cli.StringFlag{Name: "calibration", Usage: "calibration text, `FILE`, to look for evaluation text in; the policy's data.calib"},
			&cli.StringFlag{Name: "profile", Usage: "smoke, pr or release: how much text is scored; instead of the policy's"},
			&cli.IntFlag{Name: "ctx", Usage: "tokens in a chunk; instead of the policy's"},
			&cli.StringFlag{Name: "llama-perplexity", Usage: "`PATH` of llama.cpp's program, for gates on parity.llama_cpp; the policy's target.llama_cpp, or else $CARAT_LLAMA_PERPLEXITY, or else llama-perplexity in PATH"},
			&cli.StringFlag{Name: "baseline", Usage: "`REPORT.json` of the last release; the policy's baseline"},
			&cli.StringFlag{Name: "save-baseline", Usage: "keep the report of a run that passes as the latest baseline, and as `NAME`"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`OUT.gguf`, written only when the candidate that was built passes"},
			&cli.BoolFlag{Name: "keep", Usage: "write -o whatever the verdict"},
			&cli.StringFlag{Name: "report", Usage: "write all figures and the verdict to `FILE.json` (docs/report.md); when interrupted, the figures until then"},
			&cli.BoolFlag{Name: "resume", Usage: "go on from the interrupted --report"},
			&cli.BoolFlag{Name: "warn-only", Usage: "exit with 0 instead of 1 and 3"},
			cacheFlag(),
			&cli.BoolFlag{Name: "no-cache", Usage: "measure even if nothing has changed, and store nothing"}),
			ciFlags()...), pageFlags()...),
		Action: func(c *cli.Context) error {
			if c.Bool("print-policy") {
				_, err := fmt.Fprint(s.out, gate.DefaultText())
				return err
			}
			x, err := newGating(c, s)
			if err != nil {
				return err
			}
			defer x.models.close()
			return x.run(c.Context)
		},
	}
}

// newGating reads a command line.
func newGating(c *cli.Context, s streams) (*gating, error) {
	g, err := globals(c)
	if err != nil {
		return nil, err
	}
	o, err := gateOptionsOf(c, g)
	if err != nil {
		return nil, err
	}
	src := sourceOptions(c)
	return &gating{gateInputs: gateInputs{gateOptions: *o, Convert: src}, s: s, g: g, models: &models{g: g, src: src}}, nil
}
