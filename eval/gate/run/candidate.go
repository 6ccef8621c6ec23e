package run

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/hfcache"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/recipe"
)

// Candidate is the file that is judged, and that of the control.
type Candidate struct {
	Path    string // of what is measured
	Built   bool   // Path is a temporary file
	Control string // the control's temporary file; "" without one

	folder *atomicfile.Scratch // of what was built; nil when nothing was
}

// Close removes what was built and has no name.
func (c *Candidate) Close() {
	if c != nil {
		c.folder.Close()
	}
}

// Move gives a candidate that was built its name, together with the other files of the batch.
func (c *Candidate) Move(out string, files *atomicfile.Batch) error {
	return c.folder.Move(c.Path, out, files)
}

// Build makes the candidate, unless it is given, and the control, if there is one, from one read of the source. They
// are in a folder of their own, which Close removes.
func Build(ctx context.Context, in *Inputs, env *Env) (c *Candidate, err error) {
	c = &Candidate{Path: in.Given}
	p := in.Policy
	if in.Given != "" && !p.Control.Set() {
		return c, nil
	}
	source := p.Model.Source
	if source == "" {
		source = p.Reference.Source
	}
	src, err := env.Open(source, "")
	if err != nil {
		return nil, err
	}
	defer src.Close()
	if c.folder, err = temporary(in.Out); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	var plans []*quantize.Plan
	var paths []string
	add := func(o quantize.Options, name string) (string, error) {
		o.Threads = env.Threads
		plan, err := quantize.NewPlan(src, o)
		if err != nil {
			return "", err
		}
		env.Planned(plan)
		path := c.folder.Path(name)
		plans, paths = append(plans, plan), append(paths, path)
		return path, nil
	}
	if in.Given == "" {
		o, err := in.target()
		if err != nil {
			return nil, err
		}
		if c.Path, err = add(o, in.builtName()); err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
		c.Built = true
	}
	if control := p.Control; control.Set() {
		o := quantize.Options{FileType: control.Type}
		if control.Imatrix {
			in.weigh(&o)
		}
		if c.Control, err = add(o, "control.gguf"); err != nil {
			return nil, fmt.Errorf("%s: the control %s: %w", source, control.Name, err)
		}
	}
	b := env.Progress("build", false)
	defer b.Finish()
	writers, err := quantize.Stage(ctx, plans, paths, b.Update)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	var files []*atomicfile.File
	for _, w := range writers {
		files = append(files, w.Files()...)
	}
	return c, c.folder.Hold(files...)
}

// builtName is the base name of what is built, which the report shows.
func (in *Inputs) builtName() string {
	if in.Out != "" {
		return filepath.Base(in.Out)
	}
	how := in.Policy.Target.Type
	if how == "" {
		how = strings.TrimSuffix(filepath.Base(in.Policy.Target.Recipe), filepath.Ext(in.Policy.Target.Recipe))
	}
	return fmt.Sprintf("%s-%s.gguf", strings.TrimSuffix(hfcache.Name(in.Policy.Model.Source), ".gguf"), how)
}

// target is what the policy has built.
func (in *Inputs) target() (o quantize.Options, err error) {
	if in.Recipe != nil {
		o.File, o.FileType = in.Recipe, in.Recipe.FileType
	} else if o.FileType, err = recipe.ParseFileType(in.Policy.Target.Type); err != nil {
		return o, &UsageError{fmt.Errorf("--type: %w", err)}
	}
	in.weigh(&o)
	return o, nil
}

// weigh has the policy's importance matrix used.
func (in *Inputs) weigh(o *quantize.Options) {
	if in.Imatrix != nil {
		o.Imatrix, o.ImatrixName = in.Imatrix, filepath.Base(in.Policy.Target.Imatrix)
	}
}

// temporary makes a folder next to path, so that publishing only renames, or in the system's temporary folder when path
// is empty.
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
