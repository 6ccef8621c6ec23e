package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert/hub"
	"github.com/carat-llm/carat/eval/cache"
	"github.com/carat-llm/carat/eval/gate"
	gaterun "github.com/carat-llm/carat/eval/gate/run"
	"github.com/carat-llm/carat/gguf"
	"github.com/urfave/cli/v2"
)

// gateOptions are gate's flags: what is judged, and what comes of it.
type gateOptions struct {
	gaterun.Request
	policyPath   string // "" for the built-in one
	saveBaseline string // name
	report       string
	cache        string // "" for none
	built        map[string]any
	ci           ciOptions
	pages        pages
}

// buildFlags are the ones that what is built depends on, for its provenance.
var buildFlags = []string{"source", "type", "imatrix", "pre", "metadata", "model-name"}

func gateOptionsOf(c *cli.Context, g global) (*gateOptions, error) {
	if c.NArg() > 1 {
		return nil, usagef("gate takes one CANDIDATE.gguf, or none to build it (got %q)", c.Args().Slice())
	}
	o := &gateOptions{
		Request: gaterun.Request{
			Given: c.Args().First(), Out: c.String("output"), Keep: c.Bool("keep"), LastReport: c.String("baseline"), WarnOnly: c.Bool("warn-only"),
			Convert: sourceOptions(c), Computation: g.computing.record(),
		},
		policyPath: c.String("policy"), saveBaseline: c.String("save-baseline"), report: c.String("report"),
		built: map[string]any{}, pages: pagesOf(c), ci: ciOptionsOf(c),
	}
	if c.Bool("resume") {
		o.Resume = o.report
	}
	if o.Policy = gate.Default(); o.policyPath != "" {
		var err error
		if o.Policy, err = gate.Load(o.policyPath); err != nil {
			return nil, err
		}
	}
	if st, err := os.Stat(o.Given); err == nil && st.IsDir() {
		o.Policy.Model.Source, o.Given = o.Given, "" // a checkpoint is built from
	}
	for _, name := range buildFlags {
		if v := c.String(name); v != "" {
			o.built[name] = v
		}
	}
	if !c.Bool("no-cache") {
		o.cache = cacheFolder(c)
	}
	if err := o.override(c); err != nil {
		return nil, err
	}
	for _, source := range []*string{&o.Policy.Model.Source, &o.Policy.Reference.Source} {
		if err := findModel(source, hub.All); *source != "" && err != nil {
			return nil, err
		}
	}
	return o, o.check(c, g)
}

// override puts flags in the place of what the policy says.
func (o *gateOptions) override(c *cli.Context) error {
	p := o.Policy
	for flag, at := range map[string]*string{
		"source": &p.Model.Source, "type": &p.Target.Type, "imatrix": &p.Target.Imatrix, "reference": &p.Reference.Source, "calibration": &p.Data.Calibration,
		"llama-perplexity": &p.Target.LlamaCPP,
	} {
		*at = cmp.Or(c.String(flag), *at)
	}
	if c.IsSet("type") {
		p.Target.Recipe = ""
	}
	if c.IsSet("ctx") {
		p.Context = c.Int("ctx")
	}
	if v := c.String("profile"); v != "" {
		if err := p.SetProfile(v); err != nil {
			return usagef("--profile: %w", err)
		}
	}
	o.LastReport = cmp.Or(o.LastReport, p.Baseline.Report)
	p.Reference.Source = cmp.Or(p.Reference.Source, p.Model.Source)
	if args := c.StringSlice("text"); len(args) > 0 {
		o.texts(args)
	}
	return nil
}

// texts takes the place of the policy's. Of one whose name it has, all but the path stays.
func (o *gateOptions) texts(args []string) {
	stated := o.Policy.Data.Eval
	o.Policy.Data.Eval = nil
	for _, arg := range args {
		var t gate.Text
		name, path := namedFile(arg)
		if i := slices.IndexFunc(stated, func(t gate.Text) bool { return name != "" && t.Name == name }); i >= 0 {
			t = stated[i]
		}
		t.Name, t.Path = name, path
		o.Policy.Data.Eval = append(o.Policy.Data.Eval, t)
	}
}

func (o *gateOptions) check(c *cli.Context, g global) error {
	p := o.Policy
	e := measureOptions{Report: o.report, Resume: c.Bool("resume")}
	e.Eval.Context = p.Context
	switch {
	case o.Given == "" && p.Model.Source == "":
		return usagef("gate needs CANDIDATE.gguf, or a source to build it from: model.source in the policy, or --source MODEL")
	case o.Given == "" && p.Target.Type == "" && p.Target.Recipe == "":
		return usagef("gate needs a type to build: target.type in the policy, or --type T")
	case o.Given != "" && o.Out != "":
		return usagef("-o cannot be combined with a given candidate (%s): it names what is built", o.Given)
	case o.Given != "" && c.IsSet("type"):
		return usagef("--type cannot be combined with a given candidate (%s): it is for what is built", o.Given)
	case o.Keep && o.Out == "":
		return usagef("--keep needs -o OUT.gguf")
	case p.Reference.Source == "":
		return usagef("gate needs a reference: reference.source in the policy, or --reference MODEL")
	case len(p.Data.Eval) == 0:
		return usagef("gate needs evaluation text: data.eval in the policy, or --text FILE")
	case o.Out != "" && !strings.HasSuffix(o.Out, ".gguf"):
		return usagef("-o must end in .gguf (got %q)", o.Out)
	case c.String("llama-perplexity") != "" && !p.Needs().Parity:
		return usagef("--llama-perplexity has no effect: the policy has no gate on parity.llama_cpp")
	case o.saveBaseline != "" && o.cache == "":
		return usagef("--save-baseline cannot be combined with --no-cache: the report is stored in the cache")
	}
	if o.saveBaseline != "" {
		if err := cache.CheckBaseline(o.saveBaseline); err != nil {
			return usagef("--save-baseline: %v", err)
		}
	}
	if o.Given != "" {
		if _, err := os.Stat(o.Given); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %s: no such file or folder", gguf.ErrInput, o.Given)
		}
	}
	for _, err := range []error{
		e.check(), idleSourceFlags(c, o.Given, p.Model.Source, p.Reference.Source), e.checkReport(),
		sameFile(p.Model.Source, o.Out), sameFile(p.Reference.Source, o.Out), notTheInput(o.LastReport, o.report, "--report"),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}
