package main

import (
	"context"
	"fmt"
	"io"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/urfave/cli/v2"
)

func hashCommand() *cli.Command {
	return &cli.Command{
		Name:      "hash",
		Usage:     "show the SHA-256 of a model's files and tensors",
		ArgsUsage: "MODEL",
		Description: `The hashes of tensors do not depend on metadata, order, alignment or splits, so they show what two files have in
common. A checkpoint folder is hashed as the GGUF file that convert would write, tensors only. --check compares with
the output of an earlier --json (or of inspect --json --hash), ignoring the names of files; the exit code is 1 when
anything differs.

EXAMPLES:
   carat hash model.gguf
   carat hash model.gguf --json > model.hashes.json
   carat hash copy.gguf --check model.hashes.json`,
		Flags: group("COMPARE", &cli.StringFlag{Name: "check", Usage: "`FILE.json` compare with stored hashes"}),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "MODEL")
			if err != nil {
				return err
			}
			return runHash(c.Context, g, arg, c.String("check"))
		},
	}
}

// hashes is hash's JSON.
type hashes struct {
	*gguf.Hashes
	Check *hashCheck `json:"check,omitempty"`
}

type hashCheck struct {
	Equal       bool     `json:"equal"`
	Differences []string `json:"differences"`
}

func runHash(ctx context.Context, g global, path, check string) error {
	var before *gguf.Hashes
	var err error
	if check != "" {
		if before, err = readHashes(g.in, check); err != nil {
			return err
		}
	}
	m, err := convert.OpenPath(path, convert.Options{})
	if err != nil {
		return err
	}
	defer m.Close()
	b := newBar(g, "hash")
	defer b.finish()
	h := hashes{}
	if h.Hashes, err = gguf.Hash(ctx, m, g.threads, b.update); err != nil {
		return err
	}
	b.finish()
	if before != nil {
		d := h.Differences(before)
		h.Check = &hashCheck{len(d) == 0, d}
	}
	if g.json {
		if err := printJSON(g.out, h); err != nil {
			return err
		}
	} else if !g.quiet {
		h.print(g.out)
	}
	if h.Check != nil && !h.Check.Equal {
		return &refusal{fmt.Sprintf("%s differs from %s in %d places", path, check, len(h.Check.Differences))}
	}
	return nil
}

// readHashes reads the file at path, or standard input for "-".
func readHashes(in io.Reader, path string) (*gguf.Hashes, error) {
	if path != "-" {
		return gguf.ReadHashes(path)
	}
	b, err := stdinOf(in).bytes()
	if err != nil {
		return nil, err
	}
	return gguf.ParseHashes("standard input", b)
}

// print lists the hashes, or with --check only what differs.
func (h hashes) print(out io.Writer) {
	if h.Check != nil {
		for _, d := range h.Check.Differences {
			printf(out, "%s\n", d)
		}
		if h.Check.Equal {
			printf(out, "equal: %d tensors\n", len(h.Tensors))
		}
		return
	}
	t := newTable(out)
	t.row("sha256", "     bytes", "type", "name")
	for _, f := range h.Files {
		t.row(f.SHA256, fmt.Sprintf("%10d", f.Bytes), "file", f.Name)
	}
	for _, x := range h.Tensors {
		t.row(x.SHA256, fmt.Sprintf("%10d", x.Bytes), x.Type, x.Name)
	}
	t.flush()
}
