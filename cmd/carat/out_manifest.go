package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/hfcache"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/manifest"
	"github.com/urfave/cli/v2"
)

// manifestFlags are shared by the verbs that write models.
func manifestFlags() []cli.Flag {
	return group(outputGroup,
		&cli.StringFlag{Name: "manifest", Usage: "`FILE.json` record sources, options and hashes (docs/manifest.md)"},
		&cli.BoolFlag{Name: "manifest-metadata", Usage: "also record sources and options in the output's metadata"},
	)
}

// recorder makes the manifest of one command line. With nothing to record its methods do nothing.
type recorder struct {
	path     string // "" for none
	out      string
	metadata bool
	manifest *manifest.Manifest
	files    []roleFile
}

// roleFile is a file that a flag names.
type roleFile struct{ role, path string }

// fileFlags are flags whose value is a file that bears on the output.
var fileFlags = map[string]string{
	"imatrix": manifest.RoleImatrix, "metadata": manifest.RoleOption, "recipe": manifest.RoleOption, "tensor-type-file": manifest.RoleOption,
}

// unrecorded are flags that do not bear on the output's bytes; globalFlags do not either.
var unrecorded = []string{"output", "dry-run", "manifest", "manifest-metadata", "eval", "ctx", "chunks", "no-proof", "allow-overlap"}

func newRecorder(c *cli.Context, out string) *recorder {
	r := &recorder{path: c.String("manifest"), out: out, metadata: c.Bool("manifest-metadata")}
	if out == "" || r.path == "" && !r.metadata {
		return &recorder{}
	}
	skip := slices.Clone(unrecorded)
	for _, f := range globalFlags() {
		skip = append(skip, f.Names()...)
	}
	options := map[string]any{}
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		if !c.IsSet(name) || slices.Contains(skip, name) {
			continue
		}
		role, isFile := fileFlags[name]
		switch _, list := f.(*cli.StringSliceFlag); {
		case name == "lora": // the adapters' files are among the model's
			var names []string
			for _, v := range c.StringSlice(name) {
				dir, scale := scaled(v)
				names = append(names, fmt.Sprintf("%s=%v", hfcache.Name(dir), scale))
			}
			options[name] = names
		case name == "base":
			options[name] = hfcache.Name(c.String(name))
		case name == "calibration": // which may be no files: calibrate adds them
			var names []string
			for _, v := range c.StringSlice(name) {
				names = append(names, filepath.Base(v))
			}
			options[name] = names
		case list:
			options[name] = c.StringSlice(name)
		case isFile && c.String(name) != "":
			options[name] = filepath.Base(c.String(name))
			r.files = append(r.files, roleFile{role, c.String(name)})
		default:
			options[name] = c.Value(name)
		}
	}
	r.manifest = manifest.New(c.Command.Name, options)
	return r
}

// addCalibration records the text that the file is calibrated by.
func (r *recorder) addCalibration(t *calibrationText) {
	if r.manifest != nil {
		r.manifest.AddText(manifest.RoleCalibration, t.File, t.Data)
	}
}

// begin hashes what src is made of, and puts the record into plan if that was asked for.
func (r *recorder) begin(src gguf.Model, plan *quantize.Plan) error {
	if r.manifest == nil {
		return nil
	}
	paths, err := plan.Paths(r.out)
	if err != nil {
		return usagef("%v", err)
	}
	for _, p := range paths {
		if filepath.Clean(p) == filepath.Clean(r.path) {
			return usagef("--manifest %s is the output file", r.path)
		}
	}
	files, ok := src.(interface{ Paths() []string })
	if !ok {
		return fmt.Errorf("cannot write a manifest: the files of this kind of source are not known")
	}
	if err := r.manifest.AddSource(manifest.RoleModel, files.Paths()...); err != nil {
		return err
	}
	for _, f := range r.files {
		if err := r.manifest.AddSource(f.role, f.path); err != nil {
			return err
		}
	}
	if !r.metadata {
		return nil
	}
	kvs, err := r.manifest.Metadata()
	if err != nil {
		return err
	}
	plan.Metadata = plan.Metadata.Clone() // it may be the source's
	for _, kv := range kvs {
		plan.Metadata.Append(kv.Key, kv.Value)
	}
	return nil
}

// prove adds how the file compares with a preset to the manifest, which is there by now.
func (r *recorder) prove(p *manifest.Proof) error {
	if r.manifest == nil || r.path == "" || r.path == "-" {
		return nil
	}
	r.manifest.Proof = p
	b, err := r.manifest.Bytes()
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(r.path, b)
}

// finish adds the manifest of what w wrote to o.
func (r *recorder) finish(ctx context.Context, plan *quantize.Plan, w *gguf.Writer, o *outputs) error {
	if r.manifest == nil || r.path == "" {
		return nil
	}
	if err := r.manifest.AddOutput(ctx, plan, w); err != nil {
		return err
	}
	b, err := r.manifest.Bytes()
	if err != nil {
		return err
	}
	return o.write(r.path, b)
}
