package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/eval/gate"
	"github.com/carat-llm/carat/quantize"
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
the result gets the name -o only when it passes. Without --policy the built-in one catches broken models.

Verdicts are kept under the SHA-256 of everything they depend on: when nothing has changed, the stored one is told.

EXAMPLES:
   carat gate --policy carat.yaml -o model-Q4_K_M.gguf --report report.json --junit junit.xml
   carat gate q4.gguf --reference ./checkpoint --text wiki.txt --text code=code.txt
   carat gate --source ./checkpoint --type Q4_K_M --text wiki.txt -o model-Q4_K_M.gguf --html report.html
   carat gate --policy carat.yaml --baseline last-release.json --github --sarif findings.sarif
   carat gate --print-policy > carat.yaml

EXIT STATUS:
   0 passed                  4 the candidate or another input is invalid
   1 a gate failed           5 something required could not be measured (noise, memory)
   2 usage or policy        70 a bug in carat
   3 inconclusive          130 interrupted`,
		Flags: append(append(append(sourceFlags(),
			&cli.StringFlag{Name: "policy", Usage: "the policy, `FILE.yaml`"},
			&cli.BoolFlag{Name: "print-policy", Usage: "print the built-in policy and exit"},
			&cli.StringFlag{Name: "source", Usage: "`MODEL` to build the candidate from; the policy's model.source"},
			&cli.StringFlag{Name: "type", Aliases: []string{"t"}, Usage: "file type `T` to build; the policy's target.type"},
			&cli.StringFlag{Name: "imatrix", Usage: "importance matrix `FILE`; the policy's target.imatrix"},
			&cli.StringFlag{Name: "reference", Usage: "`MODEL` to compare with; the policy's reference.source, or else the source"},
			&cli.StringSliceFlag{Name: "text", Usage: "evaluation text, `[NAME=]FILE`; instead of the policy's data.eval"},
			&cli.StringFlag{Name: "calibration", Usage: "calibration text, `FILE`; the policy's data.calib"},
			&cli.StringFlag{Name: "profile", Usage: "smoke, pr or release: how much text is scored; instead of the policy's"},
			&cli.IntFlag{Name: "ctx", Usage: "tokens in a chunk; instead of the policy's"},
			&cli.StringFlag{Name: "baseline", Usage: "`REPORT.json` of the last release; the policy's baseline"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`OUT.gguf`, written only when the candidate that was built passes"},
			&cli.BoolFlag{Name: "keep", Usage: "write -o whatever the verdict"},
			&cli.StringFlag{Name: "report", Usage: "write all figures and the verdict to `FILE.json` (docs/report.md)"},
			&cli.BoolFlag{Name: "resume", Usage: "go on from the interrupted --report"},
			&cli.BoolFlag{Name: "warn-only", Usage: "exit with 0 instead of 1 and 3"},
			&cli.StringFlag{Name: "cache", EnvVars: []string{"CARAT_CACHE"}, Usage: "`FOLDER` of stored verdicts"},
			&cli.BoolFlag{Name: "no-cache", Usage: "measure even if nothing has changed, and store nothing"}),
			ciFlags()...), pageFlags()...),
		Action: func(c *cli.Context) error {
			if c.Bool("print-policy") {
				_, err := fmt.Fprint(s.out, gate.DefaultText())
				return err
			}
			g, err := globals(c)
			if err != nil {
				return err
			}
			o, err := gateOptionsOf(c)
			if err != nil {
				return err
			}
			ms := models{g: g, src: sourceOptions(c)}
			defer ms.close()
			return (&gating{gateOptions: o, s: s, g: g, models: &ms}).run(c.Context)
		},
	}
}

// gateOptions are gate's flags and policy, the former taking precedence.
type gateOptions struct {
	policy     *gate.Policy
	policyPath string // "" for the built-in one
	candidate  string // "" when it is built
	build      quantize.Options
	texts      []string // flags; when there are none, the policy's
	out        string
	keep       bool
	baseline   string
	report     string
	resume     bool
	warnOnly   bool
	cache      string // "" for none
	ci         ciOptions
	pages      pages
}

func gateOptionsOf(c *cli.Context) (o gateOptions, err error) {
	if c.NArg() > 1 {
		return o, usagef("gate takes one CANDIDATE.gguf, or none to build it; got %q", c.Args().Slice())
	}
	o = gateOptions{
		policyPath: c.String("policy"), candidate: c.Args().First(), texts: c.StringSlice("text"), out: c.String("output"), keep: c.Bool("keep"),
		baseline: c.String("baseline"), report: c.String("report"), resume: c.Bool("resume"), warnOnly: c.Bool("warn-only"), pages: pagesOf(c), ci: ciOptionsOf(c),
	}
	if o.policy = gate.Default(); o.policyPath != "" {
		if o.policy, err = gate.Load(o.policyPath); err != nil {
			return o, err
		}
	}
	if st, err := os.Stat(o.candidate); err == nil && st.IsDir() {
		o.policy.Model.Source, o.candidate = o.candidate, "" // a checkpoint is built from
	}
	if err := o.override(c); err != nil {
		return o, err
	}
	if err := o.check(); err != nil {
		return o, err
	}
	if !c.Bool("no-cache") {
		if o.cache = c.String("cache"); o.cache == "" {
			if dir, err := os.UserCacheDir(); err == nil {
				o.cache = filepath.Join(dir, "carat")
			}
		}
	}
	return o, nil
}

// override puts flags in the place of what the policy says.
func (o *gateOptions) override(c *cli.Context) (err error) {
	p := o.policy
	for flag, at := range map[string]*string{
		"source": &p.Model.Source, "type": &p.Target.Type, "imatrix": &p.Target.Imatrix, "reference": &p.Reference.Source, "calibration": &p.Data.Calibration,
	} {
		if v := c.String(flag); v != "" {
			*at = v
		}
	}
	if v := c.Int("ctx"); v != 0 {
		p.Context = v
	}
	if v := c.String("profile"); v != "" {
		if err := p.SetProfile(v); err != nil {
			return usagef("--profile: %v", err)
		}
	}
	if o.baseline == "" {
		o.baseline = p.Baseline.Report
	}
	if p.Reference.Source == "" {
		p.Reference.Source = p.Model.Source
	}
	return nil
}

func (o *gateOptions) check() error {
	p := o.policy
	e := measureOptions{}
	e.Eval.Context = p.Context
	switch {
	case o.candidate == "" && p.Model.Source == "":
		return usagef("gate needs CANDIDATE.gguf, or a source to build it from: the policy's model.source, or --source MODEL")
	case o.candidate == "" && p.Target.Type == "" && p.Target.Recipe == "":
		return usagef("gate needs a type to build: the policy's target.type, or --type T")
	case o.candidate != "" && o.out != "":
		return usagef("-o names what is built, and %s is given", o.candidate)
	case p.Reference.Source == "":
		return usagef("gate needs a reference: the policy's reference.source, or --reference MODEL")
	case len(o.texts) == 0 && len(p.Data.Eval) == 0:
		return usagef("gate needs evaluation text: the policy's data.eval, or --text FILE")
	case o.resume && o.report == "":
		return usagef("--resume goes on from --report FILE.json, which is missing")
	case o.out != "" && !strings.HasSuffix(o.out, ".gguf"):
		return usagef("-o %s: gate writes one file, OUT.gguf", o.out)
	}
	for flag, path := range map[string]string{"--report": o.report, "-o": o.out} {
		if err := writable(flag, path); err != nil {
			return err
		}
	}
	if err := o.ci.check(); err != nil {
		return err
	}
	if err := o.pages.check(); err != nil {
		return err
	}
	return e.check()
}
