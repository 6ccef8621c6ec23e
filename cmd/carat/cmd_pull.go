package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/carat-llm/carat/convert/hub"
	"github.com/carat-llm/carat/internal/display"
	"github.com/urfave/cli/v2"
)

func pullCommand() *cli.Command {
	return &cli.Command{
		Name:      "pull",
		Usage:     "download a model from the Hugging Face hub",
		ArgsUsage: "ORG/NAME[@REVISION][:FILE.gguf]",
		Description: `Fetches the files that carat reads into the cache that huggingface_hub keeps, where every other verb finds the model by the
same name, and where Python's programs find it: weights as safetensors (PyTorch's only where there are none), config,
tokenizer and model card. Of GGUF repositories, name the file or its type. Files that are there are not fetched again.

Every file is fetched in several parts at a time under another name, and gets its own when its checksum is right. Run
again after an interruption: it goes on where it ended. See docs/hub.md.

EXAMPLES:
   carat pull HuggingFaceTB/SmolLM2-135M
   carat build HuggingFaceTB/SmolLM2-135M --type Q4_K_M -o smollm2-Q4_K_M.gguf
   carat pull bartowski/SmolLM2-135M-Instruct-GGUF:Q4_K_M
   carat pull HuggingFaceTB/SmolLM2-135M@main --include '*.json' -o ./SmolLM2-135M

ENVIRONMENT:
   HF_TOKEN         token for private and gated models; by default the one that hf auth login stored
   HF_ENDPOINT      address of another hub, or of a mirror
   HF_HOME          folder of the cache (HF_HUB_CACHE: the one in it) and of the stored token
   HF_HUB_OFFLINE   1: use no network`,
		Flags: group(outputGroup,
			&cli.StringSliceFlag{Name: "include", Usage: "`GLOB` fetch the files whose names match, in place of those that carat reads"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`DIR` write the files to this folder, not to the cache"}),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "ORG/NAME")
			if err != nil {
				return err
			}
			ref, ok, err := hub.Parse(arg)
			if err != nil {
				return err
			}
			if !ok {
				return usagef("pull takes the name of a model on the hub, ORG/NAME (got %q)", arg)
			}
			return runPull(c.Context, g, ref, hub.PullOptions{Include: c.StringSlice("include"), Folder: c.String("output")})
		},
	}
}

// pulled is pull's JSON.
type pulled struct {
	Repository string       `json:"repository"`
	Revision   string       `json:"revision,omitempty"` // absent: main
	Commit     string       `json:"commit"`
	Path       string       `json:"path"`
	Bytes      int64        `json:"bytes"`
	Fetched    int64        `json:"fetched_bytes"`
	Files      []pulledFile `json:"files"`
}

type pulledFile struct {
	Name    string `json:"name"`
	Bytes   int64  `json:"bytes"`
	Sum     string `json:"sum"` // SHA-256, or git's SHA-1 of small files
	Fetched bool   `json:"fetched"`
}

func runPull(ctx context.Context, g global, ref hub.Ref, o hub.PullOptions) error {
	client, err := hub.NewClient()
	if err != nil {
		return err
	}
	client.Note = g.note
	b := newBar(g, "pull "+ref.String())
	o.Progress = b.update
	p, err := client.Pull(ctx, ref, o)
	b.finish()
	if err != nil {
		return pullError(ctx, err)
	}
	out := pulled{ref.ID, ref.Revision, p.Repo.Commit, p.Folder, p.Bytes, p.Fetched, []pulledFile{}}
	for _, f := range p.Files {
		out.Files = append(out.Files, pulledFile{f.Path, f.Size, f.Sum, f.Fetched})
	}
	if ref.File != "" {
		out.Path = filepath.Join(p.Folder, filepath.FromSlash(p.Files[0].Path))
	}
	switch {
	case g.json:
		return printJSON(g.out, out)
	case !g.quiet:
		out.print(g.out)
	}
	return nil
}

// pullError says of an interrupted run that it can go on.
func pullError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &interruption{"interrupted", "run it again to go on where it ended"}
	}
	return err
}

func (p *pulled) print(out io.Writer) {
	t := newTable(out)
	t.row("file", "     size", "")
	for _, f := range p.Files {
		how := "was there"
		if f.Fetched {
			how = "fetched"
		}
		t.row(f.Name, size(f.Bytes), how)
	}
	t.flush()
	printf(out, "\n%d files, %s, %s fetched, commit %s\n", len(p.Files), display.Bytes(p.Bytes), display.Bytes(p.Fetched), p.Commit)
	fmt.Fprintln(out, p.Path)
}
