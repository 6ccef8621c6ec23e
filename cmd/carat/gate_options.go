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
	"github.com/carat-llm/carat/gguf"
	"github.com/urfave/cli/v2"
)

// gateOptions are gate's flags and policy, in which flags have taken their places. The tag leaves out of the key what
// only says where something is, or where results go: the content of what is read is in gateInputs.
type gateOptions struct {
	policy       *gate.Policy
	warnOnly     bool
	policyPath   string         `key:"-"` // "" for the built-in one
	given        string         `key:"-"` // path of the candidate; "" when it is built
	out          string         `key:"-"`
	keep         bool           `key:"-"`
	baseline     string         `key:"-"` // path
	saveBaseline string         `key:"-"` // name
	report       string         `key:"-"`
	resume       bool           `key:"-"`
	cache        string         `key:"-"` // "" for none
	built        map[string]any `key:"-"`
	ci           ciOptions      `key:"-"`
	pages        pages          `key:"-"`
}

// buildFlags are the ones that what is built depends on, for its provenance.
var buildFlags = []string{"source", "type", "imatrix", "pre", "metadata", "model-name"}

func gateOptionsOf(c *cli.Context, g global) (*gateOptions, error) {
	if c.NArg() > 1 {
		return nil, usagef("gate takes one CANDIDATE.gguf, or none to build it (got %q)", c.Args().Slice())
	}
	o := &gateOptions{
		policyPath: c.String("policy"), given: c.Args().First(), out: c.String("output"), keep: c.Bool("keep"), baseline: c.String("baseline"),
		saveBaseline: c.String("save-baseline"), report: c.String("report"), resume: c.Bool("resume"), warnOnly: c.Bool("warn-only"),
		built: map[string]any{}, pages: pagesOf(c), ci: ciOptionsOf(c),
	}
	if o.policy = gate.Default(); o.policyPath != "" {
		var err error
		if o.policy, err = gate.Load(o.policyPath); err != nil {
			return nil, err
		}
	}
	if st, err := os.Stat(o.given); err == nil && st.IsDir() {
		o.policy.Model.Source, o.given = o.given, "" // a checkpoint is built from
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
	for _, source := range []*string{&o.policy.Model.Source, &o.policy.Reference.Source} {
		if err := findModel(source, hub.All); *source != "" && err != nil {
			return nil, err
		}
	}
	return o, o.check(c, g)
}

// override puts flags in the place of what the policy says.
func (o *gateOptions) override(c *cli.Context) error {
	p := o.policy
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
	o.baseline = cmp.Or(o.baseline, p.Baseline.Report)
	p.Reference.Source = cmp.Or(p.Reference.Source, p.Model.Source)
	if args := c.StringSlice("text"); len(args) > 0 {
		o.texts(args)
	}
	return nil
}

// texts takes the place of the policy's. Of one whose name it has, all but the path stays.
func (o *gateOptions) texts(args []string) {
	stated := o.policy.Data.Eval
	o.policy.Data.Eval = nil
	for _, arg := range args {
		var t gate.Text
		name, path := namedFile(arg)
		if i := slices.IndexFunc(stated, func(t gate.Text) bool { return name != "" && t.Name == name }); i >= 0 {
			t = stated[i]
		}
		t.Name, t.Path = name, path
		o.policy.Data.Eval = append(o.policy.Data.Eval, t)
	}
}

func (o *gateOptions) check(c *cli.Context, g global) error {
	p := o.policy
	e := measureOptions{Report: o.report, Resume: o.resume}
	e.Eval.Context = p.Context
	switch {
	case o.given == "" && p.Model.Source == "":
		return usagef("gate needs CANDIDATE.gguf, or a source to build it from: model.source in the policy, or --source MODEL")
	case o.given == "" && p.Target.Type == "" && p.Target.Recipe == "":
		return usagef("gate needs a type to build: target.type in the policy, or --type T")
	case o.given != "" && o.out != "":
		return usagef("-o cannot be combined with a given candidate (%s): it names what is built", o.given)
	case o.given != "" && c.IsSet("type"):
		return usagef("--type cannot be combined with a given candidate (%s): it is for what is built", o.given)
	case o.keep && o.out == "":
		return usagef("--keep needs -o OUT.gguf")
	case p.Reference.Source == "":
		return usagef("gate needs a reference: reference.source in the policy, or --reference MODEL")
	case len(p.Data.Eval) == 0:
		return usagef("gate needs evaluation text: data.eval in the policy, or --text FILE")
	case o.out != "" && !strings.HasSuffix(o.out, ".gguf"):
		return usagef("-o must end in .gguf (got %q)", o.out)
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
	if o.given != "" {
		if _, err := os.Stat(o.given); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %s: no such file or folder", gguf.ErrInput, o.given)
		}
	}
	for _, err := range []error{
		e.check(), idleSourceFlags(c, o.given, p.Model.Source, p.Reference.Source), e.checkReport(),
		sameFile(p.Model.Source, o.out), sameFile(p.Reference.Source, o.out), notTheInput(o.baseline, o.report, "--report"),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}
