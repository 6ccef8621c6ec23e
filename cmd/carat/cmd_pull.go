package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/convert/hub"
	"github.com/carat-llm/carat/convert/oci"
	"github.com/carat-llm/carat/internal/display"
	"github.com/urfave/cli/v2"
)

func pullCommand() *cli.Command {
	return &cli.Command{
		Name:      "pull",
		Usage:     "download a model from the Hugging Face hub or a registry of containers",
		ArgsUsage: "ORG/NAME[@REVISION][:FILE.gguf] | oci://HOST/NAME[:TAG]",
		Description: `Fetches the files that carat reads into the cache that huggingface_hub keeps, where every other verb finds the model by the
same name, and where Python's programs find it: weights as safetensors (PyTorch's only where there are none), config,
tokenizer and model card. Of GGUF repositories, name the file or its type. Files that are there are not fetched again.

Every file is fetched in several parts at a time under another name, and gets its own when its checksum is right. Run
again after an interruption: it goes on where it ended. See docs/hub.md.

oci://HOST/NAME[:TAG|@DIGEST] is a model in a registry of containers, as carat push, docker model, modctl and Ollama put
it there, and oci:FOLDER[:TAG] one in an OCI layout. It goes into a cache of carat's, or into -o DIR. See docs/oci.md.

EXAMPLES:
   carat pull HuggingFaceTB/SmolLM2-135M
   carat build HuggingFaceTB/SmolLM2-135M --type Q4_K_M -o smollm2-Q4_K_M.gguf
   carat pull bartowski/SmolLM2-135M-Instruct-GGUF:Q4_K_M
   carat pull HuggingFaceTB/SmolLM2-135M@main --include '*.json' -o ./SmolLM2-135M
   carat pull oci://ghcr.io/me/smollm2:q4_k_m
   carat run oci://ghcr.io/me/smollm2:q4_k_m -p "Once upon a time"
   carat pull oci://ghcr.io/me/smollm2:q4_k_m --attached -o ./smollm2

ENVIRONMENT:
   HF_TOKEN         token for private and gated models; by default the one that hf auth login stored
   HF_ENDPOINT      address of another hub, or of a mirror
   HF_HOME          folder of the cache (HF_HUB_CACHE: the one in it) and of the stored token
   HF_HUB_OFFLINE   1: use no network
   DOCKER_CONFIG    folder of the config.json with credentials for registries; by default ~/.docker
   CARAT_OCI_CACHE  folder of models of registries; by default carat/oci in the user's cache folder`,
		Flags: group(outputGroup,
			&cli.StringSliceFlag{Name: "include", Usage: "`GLOB` fetch the files whose names match, in place of those that carat reads"},
			&cli.BoolFlag{Name: "attached", Usage: "of a registry: also fetch what is attached to the model, statements and inventories, into the folder attached"},
			plainHTTPFlag(),
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`DIR` write the files to this folder, not to the cache"}),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "ORG/NAME")
			if err != nil {
				return err
			}
			if strings.HasPrefix(arg, "oci:") {
				return pullOCI(c, g, arg)
			}
			ref, ok, err := hub.Parse(arg)
			if err != nil {
				return err
			}
			if !ok {
				return usagef("pull takes the name of a model on the hub, ORG/NAME, or oci://HOST/NAME (got %q)", arg)
			}
			if c.Bool("attached") || c.IsSet("plain-http") {
				return usagef("--attached and --plain-http are for registries: oci://HOST/NAME")
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

// pullOCI pulls from a registry, or from a layout.
func pullOCI(c *cli.Context, g global, arg string) error {
	ref, err := ociRef(arg)
	o := oci.PullOptions{Folder: c.String("output"), Attached: c.Bool("attached")}
	switch {
	case err != nil:
		return err
	case len(c.StringSlice("include")) > 0:
		return usagef("--include is for models of the hub")
	case ref.Registry == "" && o.Folder == "":
		return usagef("pull of a layout needs -o DIR")
	case ref.Registry == "" && c.IsSet("plain-http"):
		return usagef("--plain-http has no effect: %s is a folder", ref.Name)
	}
	b := newBar(g, "pull "+ref.String())
	o.Progress = b.update
	p, err := ociClient(g, plainHTTP(c)).Pull(c.Context, ref, o)
	b.finish()
	if err != nil {
		return pullError(c.Context, err)
	}
	for _, t := range p.Unknown {
		g.note(fmt.Sprintf("%s: a layer of the media type %q has no name, and was left out", ref, t))
	}
	return printPulledOCI(g, ref, p)
}

// pullError says of an interrupted run that it can go on.
func pullError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &interruption{"interrupted", "run it again to continue where it ended"}
	}
	return err
}

func (p *pulled) print(out io.Writer) {
	t := newTable(out)
	t.row("file", "     size", "")
	for _, f := range p.Files {
		t.row(f.Name, size(f.Bytes), fetchedOr(f.Fetched))
	}
	t.flush()
	printf(out, "\n%d files, %s, %s fetched, commit %s\n", len(p.Files), display.Bytes(p.Bytes), display.Bytes(p.Fetched), p.Commit)
	fmt.Fprintln(out, p.Path)
}

func fetchedOr(fetched bool) string {
	if fetched {
		return "fetched"
	}
	return "was there"
}
