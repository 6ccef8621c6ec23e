package main

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/convert/oci"
	"github.com/carat-llm/carat/convert/publish"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/urfave/cli/v2"
)

func pushCommand() *cli.Command {
	return &cli.Command{
		Name:      "push",
		Usage:     "put a model into a registry of containers, with what was measured of it",
		ArgsUsage: "MODEL.gguf oci://HOST/NAME[:TAG]",
		Description: `The artifact is that of CNCF's ModelPack: the GGUF file, or all files of a split one, a model card, the chat template and
the license are its layers. docker model pull, RamaLama, modctl, ORAS and carat pull read it. The same model has the same
digest; what the registry has already is not sent again, and the tag is written last.

--attach adds a document that refers to the model, as registries keep signatures: what carat gate --intoto and --cyclonedx
write, in Sigstore's bundles or bare; SPDX, SARIF. One that is about another file is refused.

oci:FOLDER[:TAG] writes an OCI layout, a folder that skopeo, ORAS and carat pull read. Credentials are those of docker
login. Registries of this machine are asked without TLS, others with it. See docs/oci.md.

EXAMPLES:
   carat push smollm2-Q4_K_M.gguf oci://ghcr.io/me/smollm2:q4_k_m
   carat gate m.gguf --policy policy.yaml --report r.json --intoto m.intoto.jsonl --cyclonedx bom.json
   carat push m.gguf oci://ghcr.io/me/m:q8 --figures r.json --attach m.intoto.jsonl --attach bom.json
   carat push smollm2-Q4_K_M.gguf oci:./layout:q4_k_m --link
   carat push smollm2-Q4_K_M.gguf oci://localhost:5000/smollm2 --dry-run --json

ENVIRONMENT:
   DOCKER_CONFIG  folder of the config.json with the credentials; by default ~/.docker
   HTTPS_PROXY    and NO_PROXY, as other programs have them`,
		Flags: group(outputGroup,
			&cli.StringSliceFlag{Name: "attach", Usage: "`FILE` attach an in-toto statement, a CycloneDX or SPDX inventory, or SARIF"},
			&cli.StringFlag{Name: "figures", Usage: "`REPORT.json` figures for the model card, of eval, compare or gate"},
			&cli.StringFlag{Name: "readme", Usage: "`FILE` the model card, in place of one that is made"},
			&cli.StringFlag{Name: "license-file", Usage: "`FILE` text of the license"},
			&cli.StringSliceFlag{Name: "annotation", Usage: "`KEY=VALUE` of the manifest, such as org.opencontainers.image.source=https://github.com/me/models"},
			plainHTTPFlag(),
			&cli.BoolFlag{Name: "link", Usage: "make hard links of the model in a layout, in place of copies; never write to it in place afterwards"},
			&cli.BoolFlag{Name: "dry-run", Usage: "list what would be there, send nothing"}),
		Action: func(c *cli.Context) error {
			g, err := globals(c)
			if err != nil {
				return err
			}
			args, err := positional(c, 2, "MODEL.gguf oci://HOST/NAME[:TAG]")
			if err != nil {
				return err
			}
			ref, err := ociRef(args[1])
			if err != nil {
				return err
			}
			o := pushOptions{
				attach: c.StringSlice("attach"), figures: c.String("figures"), readme: c.String("readme"), license: c.String("license-file"),
				annotations: c.StringSlice("annotation"), plainHTTP: plainHTTP(c), link: c.Bool("link"), dry: c.Bool("dry-run"),
			}
			if err := o.check(ref); err != nil {
				return err
			}
			return runPush(c.Context, g, args[0], ref, o)
		},
	}
}

type pushOptions struct {
	attach, annotations      []string
	figures, readme, license string
	plainHTTP                *bool
	link, dry                bool
}

func (o *pushOptions) check(ref oci.Ref) error {
	switch {
	case ref.Tag == "":
		return usagef("push needs a tag, not a digest: the digest is what comes of the model")
	case o.figures != "" && o.readme != "":
		return usagef("--figures is for the model card that is made, and --readme gives another one")
	case o.link && ref.Registry != "":
		return usagef("--link is for layouts: oci:FOLDER")
	case o.plainHTTP != nil && ref.Registry == "":
		return usagef("--plain-http has no effect: %s is a folder", ref.Name)
	}
	for _, a := range o.annotations {
		if k, _, ok := strings.Cut(a, "="); !ok || k == "" {
			return usagef("--annotation takes KEY=VALUE (got %q)", a)
		}
	}
	return nil
}

// contents reads what comes with the model.
func (o *pushOptions) contents(f *gguf.File) (c oci.Contents, err error) {
	const most = 4 << 20
	card := []byte(nil)
	if o.readme != "" {
		card, err = inputfile.ReadSmall(o.readme, most)
	} else {
		p := &publish.Plan{}
		if err = p.Models(f, ""); err == nil {
			card, err = modelCard(f, p, o.figures, "")
		}
	}
	if err != nil {
		return c, err
	}
	c.Files = append(c.Files, oci.File{Name: "README.md", Type: oci.Doc, Content: card})
	if o.license != "" {
		b, err := inputfile.ReadSmall(o.license, most)
		if err != nil {
			return c, err
		}
		c.Files = append(c.Files, oci.File{Name: "LICENSE", Type: oci.Doc, Content: b})
	}
	if t, ok := f.Metadata().String("tokenizer.chat_template"); ok && t != "" {
		c.Files = append(c.Files, oci.File{Name: "chat_template.jinja", Type: oci.WeightsConfig, Content: []byte(t)})
	}
	for _, path := range o.attach {
		b, err := inputfile.ReadSmall(path, most)
		if err != nil {
			return c, err
		}
		all, err := oci.Attachments(path, b)
		if err != nil {
			return c, err
		}
		c.Attachments = append(c.Attachments, all...)
	}
	c.Annotations = map[string]string{}
	for _, a := range o.annotations {
		k, v, _ := strings.Cut(a, "=")
		c.Annotations[k] = v
	}
	return c, nil
}

func runPush(ctx context.Context, g global, path string, ref oci.Ref, o pushOptions) error {
	f, err := gguf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	contents, err := o.contents(f)
	if err != nil {
		return err
	}
	reading := newBar(g, "reading "+filepath.Base(path))
	contents.Progress = reading.update
	a, err := oci.NewArtifact(ctx, f, contents)
	reading.finish()
	if err != nil {
		return err
	}
	p := &oci.Pushed{}
	if !o.dry {
		b := newBar(g, "push "+ref.String())
		p, err = ociClient(g, o.plainHTTP).Push(ctx, ref, a, oci.PushOptions{Progress: b.update, Link: o.link, Unchanged: f.Unchanged})
		b.finish()
		if err != nil {
			return pullError(ctx, err)
		}
	}
	return printPushed(g, ref, a, p, o.dry)
}
