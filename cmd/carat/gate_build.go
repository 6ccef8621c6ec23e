package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/hfcache"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/recipe"
)

// build makes the candidate, unless it is given, and the control, if there is one, from one read of the source. They
// are in a folder of their own, which the caller closes; nil when nothing was made.
func (x *gating) build(ctx context.Context) (folder *atomicfile.Scratch, err error) {
	x.candidate = x.given
	p := x.policy
	if x.given != "" && !p.Control.Set() {
		return nil, nil
	}
	source := p.Model.Source
	if source == "" {
		source = p.Reference.Source
	}
	src, err := convert.OpenPath(source, x.models.src)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	if folder, err = temporary(x.out); err != nil {
		return nil, err
	}
	var plans []*quantize.Plan
	var paths []string
	add := func(o quantize.Options, name string) (string, error) {
		o.Threads = x.g.threads
		plan, err := quantize.NewPlan(src, o)
		if err != nil {
			return "", err
		}
		printNotes(x.s, x.g, plan)
		path := folder.Path(name)
		plans, paths = append(plans, plan), append(paths, path)
		return path, nil
	}
	if x.given == "" {
		o, err := x.target()
		if err != nil {
			return folder, err
		}
		if x.made, err = add(o, x.builtName()); err != nil {
			return folder, fmt.Errorf("%s: %w", source, err)
		}
		x.candidate = x.made
	}
	if c := p.Control; c.Set() {
		o := quantize.Options{FileType: c.Type}
		if c.Imatrix {
			x.weigh(&o)
		}
		if x.control, err = add(o, "control.gguf"); err != nil {
			return folder, fmt.Errorf("%s: the control %s: %w", source, c.Name, err)
		}
	}
	b := newBar(x.s.err, x.g, "build")
	defer b.finish()
	writers, err := quantize.Stage(ctx, plans, paths, b.update)
	if err != nil {
		return folder, fmt.Errorf("%s: %w", source, err)
	}
	return folder, folder.Hold(filesOf(writers)...)
}

// builtName is the base name of what is built, which the report shows.
func (x *gating) builtName() string {
	if x.out != "" {
		return filepath.Base(x.out)
	}
	how := x.policy.Target.Type
	if how == "" {
		how = strings.TrimSuffix(filepath.Base(x.policy.Target.Recipe), filepath.Ext(x.policy.Target.Recipe))
	}
	return fmt.Sprintf("%s-%s.gguf", strings.TrimSuffix(hfcache.Name(x.policy.Model.Source), ".gguf"), how)
}

// target is what the policy has built.
func (x *gating) target() (o quantize.Options, err error) {
	t := x.policy.Target
	if x.Recipe != nil {
		o.File, o.FileType = x.Recipe, x.Recipe.FileType
	} else if o.FileType, err = recipe.ParseFileType(t.Type); err != nil {
		return o, usagef("--type: %w", err)
	}
	x.weigh(&o)
	return o, nil
}

// weigh has the policy's importance matrix used.
func (x *gating) weigh(o *quantize.Options) {
	if x.Imatrix != nil {
		o.Imatrix, o.ImatrixName = x.Imatrix, filepath.Base(x.policy.Target.Imatrix)
	}
}

// temporary makes a folder next to path, so that publishing only renames, or in the system's temporary folder when path is
// empty.
func temporary(path string) (*atomicfile.Scratch, error) {
	parent, prefix := "", "carat-gate-"
	if path != "" {
		target, err := atomicfile.Resolve(path)
		if err != nil {
			return nil, err
		}
		parent, prefix = filepath.Dir(target), ".carat-gate-"
	}
	folder, err := atomicfile.NewScratch(parent, prefix)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", gguf.ErrEnvironment, err)
	}
	return folder, nil
}
