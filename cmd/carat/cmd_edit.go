package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hfcache"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/urfave/cli/v2"
)

func editCommand() *cli.Command {
	return &cli.Command{
		Name:      "edit",
		Usage:     "change a GGUF file's metadata",
		ArgsUsage: "MODEL.gguf",
		Description: `Deletes keys, then renames, then sets them; tensors are copied unchanged, and a split stays split. The result
appears only when it is complete, also with --in-place. Changes that would likely make the file unreadable
(architecture, alignment, sizes, the vocabulary, another type for a key), special tokens outside the vocabulary and
whatever else carat run would refuse to load afterwards need --force.

TYPES:
   u8 i8 u16 i16 u32 i32 u64 i64 f32 f64 bool str, and arr[TYPE] with a JSON list

EXAMPLES:
   carat edit model.gguf --set general.name=str:Mine --delete general.url -o mine.gguf
   carat edit model.gguf --set llama.context_length=u32:8192 --in-place
   carat edit model.gguf --set 'general.tags=arr[str]:["chat","en"]' --dry-run`,
		Flags: slices.Concat(group("CHANGES",
			&cli.StringSliceFlag{Name: "set", Usage: "`KEY=TYPE:VALUE` set a key"},
			&cli.StringSliceFlag{Name: "delete", Usage: "`KEY` delete a key"},
			&cli.StringSliceFlag{Name: "rename-key", Usage: "`OLD=NEW` rename a key"},
			&cli.BoolFlag{Name: "force", Usage: "allow changes that other programs may not understand"}),
			group(outputGroup, outputFlag(),
				&cli.BoolFlag{Name: "in-place", Usage: "replace the file itself once the new one is complete"},
				&cli.BoolFlag{Name: "dry-run", Usage: "show the changes, write nothing"})),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "MODEL.gguf")
			if err != nil {
				return err
			}
			o := editOptions{out: c.String("output"), inPlace: c.Bool("in-place"), dryRun: c.Bool("dry-run")}
			if o.inPlace && o.out != "" {
				return usagef("-o and --in-place cannot be combined")
			}
			if !o.inPlace && !o.dryRun && o.out == "" {
				return usagef("edit needs -o OUT.gguf, --in-place or --dry-run")
			}
			if o.inPlace && hfcache.Within(arg) {
				return usagef("--in-place cannot change %s: it is in the cache of the hub, which other programs use; give -o OUT.gguf", arg)
			}
			if o.edit, err = parseEdit(c); err != nil {
				return err
			}
			return runEdit(c.Context, g, arg, o)
		},
	}
}

type editOptions struct {
	edit            gguf.Edit
	out             string
	inPlace, dryRun bool
}

func parseEdit(c *cli.Context) (gguf.Edit, error) {
	e := gguf.Edit{Delete: c.StringSlice("delete"), Force: c.Bool("force")}
	for _, v := range c.StringSlice("rename-key") {
		from, to, ok := strings.Cut(v, "=")
		if !ok || from == "" || to == "" {
			return e, usagef("--rename-key must be OLD=NEW (got %q)", v)
		}
		e.Rename = append(e.Rename, gguf.Renaming{Old: from, New: to})
	}
	for _, v := range c.StringSlice("set") {
		kv, err := gguf.ParseKV(v)
		if err != nil {
			return e, usagef("--set: %w", err)
		}
		if slices.ContainsFunc(e.Set, func(other gguf.KV) bool { return other.Key == kv.Key }) {
			return e, usagef("--set names %s twice: a key has one value", kv.Key)
		}
		e.Set = append(e.Set, kv)
	}
	if len(e.Delete)+len(e.Rename)+len(e.Set) == 0 {
		return e, usagef("edit needs --set, --delete or --rename-key")
	}
	return e, nil
}

// edited is edit's JSON.
type edited struct {
	Output   *outputFile          `json:"output,omitempty"` // absent with --dry-run
	Metadata []metadataDifference `json:"metadata"`
}

func runEdit(ctx context.Context, g global, in string, o editOptions) error {
	f, err := gguf.Open(in)
	if err != nil {
		return err
	}
	defer f.Close()
	md, err := o.edit.Apply(f.Metadata())
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	if !o.edit.Force {
		if err := stillLoads(f, md); err != nil {
			return fmt.Errorf("%s: %w", in, err)
		}
	}
	e := edited{Metadata: describeChanges(gguf.DiffMetadata(f.Metadata(), md))}
	if !o.dryRun {
		if e.Output, err = writeEdit(ctx, g, f, md, o); err != nil {
			return err
		}
	}
	if g.json {
		return printJSON(g.out, e)
	}
	if !g.quiet {
		printChanges(g.out, e.Metadata)
		if e.Output != nil {
			e.Output.print(g.out)
		}
	}
	return nil
}

// relabelled is a model with other metadata.
type relabelled struct {
	gguf.Model
	md *gguf.Metadata
}

func (m relabelled) Metadata() *gguf.Metadata { return m.md }

// stillLoads refuses new metadata md with which loading m would fail although it did not before.
func stillLoads(m gguf.Model, md *gguf.Metadata) error {
	before, after := engine.Check(m), engine.Check(relabelled{m, md})
	sound := before == nil || errors.Is(before, gguf.ErrUnsupported)
	if after == nil || !sound || before != nil && errors.Is(after, gguf.ErrUnsupported) {
		return nil
	}
	return fmt.Errorf("%w: the model would not load any more: %s; --force writes it all the same", gguf.ErrEdit, strings.Replace(after.Error(), gguf.ErrInput.Error()+": ", "", 1))
}

// writeEdit tells of the files that it wrote.
func writeEdit(ctx context.Context, g global, f *gguf.File, md *gguf.Metadata, o editOptions) (*outputFile, error) {
	if !o.inPlace {
		return rewrite(ctx, g, f, rewriting{md, o.out, f.Split(), "edit"})
	}
	b := newBar(g, "edit")
	defer b.finish()
	paths := f.Paths()
	if err := f.Replace(ctx, md, b.update); err != nil {
		return nil, err
	}
	return hashFiles(paths)
}

func printChanges(out io.Writer, changes []metadataDifference) {
	if len(changes) == 0 {
		fmt.Fprintln(out, "no key changes")
		return
	}
	t := newTable(out)
	t.row("metadata", "change", "from", "to")
	for _, m := range changes {
		t.row(m.Key, m.Change, m.from, m.to)
	}
	t.flush()
	fmt.Fprintln(out)
}
