package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert/publish"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/urfave/cli/v2"
)

// exportFormats are what --to takes.
var exportFormats = []string{"ollama", "ollama-store", "lmstudio", "hub", "vllm", "mlc"}

func exportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "put a model where another program looks for it",
		ArgsUsage: "MODEL",
		Description: `--to says which program it is for, and -o is the folder that is written.

   your program                --to          what is written
   Ollama                      ollama        the model and a Modelfile, for: ollama create
                               ollama-store  the model in Ollama's own store, which lists it
   LM Studio                   lmstudio      PUBLISHER/MODEL/file.gguf in its folder of models
   vLLM, SGLang, transformers  vllm          a checkpoint of compressed-tensors, by --scheme
   MLC LLM, WebLLM             mlc           a checkpoint of MLC: q4f16_1 or q0f16
   the Hugging Face hub        hub           the model and a card: license, base model, sizes,
                                             --figures, and how it was made (--manifest)

Without -o the store is that of $OLLAMA_MODELS or ~/.ollama/models; --name on a card is who quantized the model.
No export is needed for llama.cpp, KoboldCpp, Jan, GPT4All or mistral.rs: they open the GGUF file. OpenVINO opens one that
carat build --for openvino wrote. For what reads safetensors alone: carat convert MODEL.gguf --to hf -o DIR.

MODEL is a GGUF file for ollama, ollama-store, lmstudio and hub; Ollama gets the chat template in its own language, if carat
knows one that writes the same conversations. For vllm and mlc it is better the checkpoint folder, whose weights are
quantized once, by a --calibration text if you give one; of a GGUF file (of a family that convert --to hf takes) Q4_0 goes
into w4a16 and q4f16_1 as it is, and Q8_0 into w8a16; other types are decoded first. Schemes of vllm: w4a16 and w8a16
(integers, a scale for each --group of weights), int8 and fp8 (a scale for each row, activations quantized too).

All files appear or none, and nothing is replaced without --force. Models are copied; --link makes hard links. See
docs/export.md.

EXAMPLES:
   carat export smollm2-Q4_K_M.gguf --to ollama -o ./smollm2
   carat export smollm2-Q4_K_M.gguf --to ollama-store --name smollm2:mine
   carat export smollm2-Q4_K_M.gguf --to lmstudio -o ~/.lmstudio/models --name me/smollm2-gguf
   carat export smollm2-Q4_K_M.gguf --to hub --figures report.json --name me -o ./upload
   carat export ./SmolLM2-135M --to vllm --scheme w4a16 --group 64 --calibration default -o ./SmolLM2-135M-W4A16
   carat export ./SmolLM2-135M --to mlc -o ./SmolLM2-135M-q4f16_1-MLC

ENVIRONMENT:
   OLLAMA_MODELS  folder of Ollama's store`,
		Flags: append(calibrationFlags(), group(outputGroup,
			&cli.StringFlag{Name: "to", Usage: "`FORMAT` ollama, ollama-store, lmstudio, vllm, mlc or hub"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`DIR` folder to write"},
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the model: NAME[:TAG] in Ollama's store, PUBLISHER/MODEL for LM Studio; by default the one that it has"},
			&cli.StringFlag{Name: "figures", Usage: "`REPORT.json` figures for the card of --to hub, of eval, compare or gate"},
			&cli.StringFlag{Name: "manifest", Usage: "`FILE.json` of carat build --manifest, for --to hub: it is put beside the card, which names it and says how the model was made"},
			&cli.StringFlag{Name: "scheme", Usage: "`SCHEME` w4a16, w8a16, int8 or fp8 for vllm; q4f16_1 or q0f16 for mlc"},
			&cli.IntFlag{Name: "group", Usage: "`32|64|128` weights of a row that share a scale, with w4a16 and w8a16; by default 128, or 32 where a file's are taken over"},
			&cli.StringFlag{Name: "outtype", Usage: "`auto|f16|bf16|f32` type of scales, and of what --to vllm does not quantize; auto is that of the model"},
			&cli.BoolFlag{Name: "force", Usage: "replace a model of that name"},
			&cli.BoolFlag{Name: "link", Usage: "make hard links of the model in place of copies; never write to it in place afterwards"},
			&cli.BoolFlag{Name: "dry-run", Usage: "list the files, write nothing"})...),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "MODEL")
			if err != nil {
				return err
			}
			o := exportOptions{to: c.String("to"), dir: c.String("output"), name: c.String("name"), force: c.Bool("force"), link: c.Bool("link"), dry: c.Bool("dry-run"),
				scheme: c.String("scheme"), report: c.String("figures"), manifest: c.String("manifest"), group: c.Int("group")}
			if o.outType = c.String("outtype"); !slices.Contains([]string{"", "auto", "f16", "bf16", "f32"}, o.outType) {
				return usagef("%s", suggest.OneOf("--outtype", o.outType, []string{"auto", "f16", "bf16", "f32"}))
			}
			if o.calibration, err = calibrationOf(c, false); err != nil {
				return err
			}
			if err := o.check(); err != nil {
				return err
			}
			switch o.to {
			case "vllm":
				return exportVLLM(c, g, arg, o)
			case "mlc":
				return exportMLC(c, g, arg, o)
			}
			return runPublish(c.Context, g, arg, o)
		},
	}
}

type exportOptions struct {
	to, dir, name, scheme, report, manifest, outType string
	group                                            int
	force, link, dry                                 bool
	calibration                                      calibrationOptions
}

// check finds what is missing, and fills in the folder of Ollama's store.
func (o *exportOptions) check() error {
	switch {
	case o.to == "":
		return usagef("export needs --to FORMAT: one of %s", strings.Join(exportFormats, ", "))
	case !slices.Contains(exportFormats, o.to):
		return usagef("%s", suggest.OneOf("--to", o.to, exportFormats))
	case o.to == "ollama" && o.name != "":
		return usagef("--name has no effect: ollama create gives the model its name")
	case o.to != "hub" && o.report != "":
		return usagef("--figures is for --to hub")
	case o.to != "hub" && o.manifest != "":
		return usagef("--manifest is for --to hub")
	case o.to == "hub" && o.force:
		return usagef("--force has no effect: --to hub makes a new folder")
	case o.to == "ollama" && o.force:
		return usagef("--force has no effect: --to ollama makes a new folder")
	case (o.to == "vllm" || o.to == "mlc") && (o.name != "" || o.force || o.link):
		return usagef("--name, --force and --link have no effect: --to %s makes a new folder", o.to)
	case o.to != "vllm" && o.to != "mlc" && o.scheme != "":
		return usagef("--scheme is for --to vllm and --to mlc")
	case o.to != "vllm" && (o.group != 0 || o.outType != ""):
		return usagef("--group and --outtype are for --to vllm")
	case o.to != "vllm" && o.to != "mlc" && o.calibration.set():
		return usagef("--calibration is for --to vllm and --to mlc, which quantize: carat build has it for GGUF files")
	case o.to == "ollama-store" && o.dir == "":
		o.dir = os.Getenv("OLLAMA_MODELS")
		if home, err := os.UserHomeDir(); o.dir == "" && err == nil {
			o.dir = filepath.Join(home, ".ollama", "models")
		}
	}
	if o.to == "mlc" && o.scheme == "" {
		o.scheme = "q4f16_1"
	}
	if o.dir == "" {
		return usagef("export needs -o DIR")
	}
	return nil
}

// publishPlan plans what --to asks for.
func publishPlan(f *gguf.File, o exportOptions) (*publish.Plan, string, error) {
	switch o.to {
	case "ollama":
		p, err := publish.OllamaFolder(f, o.dir)
		return p, "ollama create NAME -f " + filepath.Join(o.dir, "Modelfile"), err
	case "hub":
		p, err := hubPlan(f, o)
		return p, "hf upload ORG/NAME " + o.dir, err
	case "ollama-store":
		name := o.name
		if name == "" {
			name = publish.OllamaDefaultName(f)
		}
		p, err := publish.OllamaStore(f, o.dir, name, o.force)
		return p, "ollama run " + name, err
	}
	name := o.name
	if name == "" {
		name = publish.LMStudioName(f)
	}
	p, err := publish.LMStudio(f, o.dir, name, o.force)
	return p, name, err
}

// published is export's JSON.
type published struct {
	To    string          `json:"to"`
	Path  string          `json:"path"`
	Next  string          `json:"next,omitempty"` // how the program is told, or the name under which it lists the model
	Bytes int64           `json:"bytes"`
	Files []publishedFile `json:"files"`
	Notes []string        `json:"notes,omitempty"`
}

type publishedFile struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

func runPublish(ctx context.Context, g global, path string, o exportOptions) error {
	f, err := gguf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	p, next, err := publishPlan(f, o)
	if err != nil {
		return err
	}
	for _, note := range p.Notes {
		g.note(note)
	}
	p.Link = o.link
	if !o.dry {
		b := newBar(g, "export "+filepath.Base(path))
		p.Progress = b.update
		err := p.Run(ctx, func() error { return gguf.Unchanged(f) })
		b.finish()
		if err != nil {
			return err
		}
	}
	out := published{o.to, o.dir, next, p.Bytes(), []publishedFile{}, p.Notes}
	for _, x := range p.Files {
		out.Files = append(out.Files, publishedFile{x.Path, x.Bytes})
	}
	switch {
	case g.json:
		return printJSON(g.out, out)
	case !g.quiet:
		t := newTable(g.out)
		for _, x := range out.Files {
			t.row(size(x.Bytes), x.Path)
		}
		t.flush()
		printf(g.out, "\n%d files, %s\n%s\n", len(out.Files), display.Bytes(out.Bytes), next)
	}
	return nil
}
