package main

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/convert/publish"
	"github.com/carat-llm/carat/eval/page"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/quantize/manifest"
	"github.com/carat-llm/carat/quantize/recipe"
)

// manifestName is what a manifest is called beside a card.
const manifestName = "carat-manifest.json"

// hubPlan plans a folder to upload to the hub: the model, and a card with the figures of a report and what a manifest says of how it
// was made, if they are given.
func hubPlan(f *gguf.File, o exportOptions) (*publish.Plan, error) {
	p, err := publish.HubFolder(f, o.dir)
	if err != nil {
		return nil, err
	}
	b, err := modelCard(f, p, o.report, o.name)
	if err != nil {
		return nil, err
	}
	if o.manifest == "" {
		b = append(b, madeBy(f.Metadata(), nil, "")...)
	} else {
		made, record, err := manifest.Read(o.manifest)
		if err != nil {
			return nil, err
		}
		if err := made.Of(f.Paths()...); err != nil {
			return nil, fmt.Errorf("%s: %w", o.manifest, err)
		}
		p.Add(filepath.Join(o.dir, manifestName), record)
		b = append(b, madeBy(f.Metadata(), made, manifestName)...)
	}
	p.Add(filepath.Join(o.dir, "README.md"), b)
	return p, nil
}

// modelCard is the card of a model in the files of p, with the figures of a report if its name is not "".
func modelCard(f *gguf.File, p *publish.Plan, figures, by string) ([]byte, error) {
	r := &report.Report{}
	if figures != "" {
		var err error
		if r, err = report.Read(figures); err != nil {
			return nil, err
		}
	}
	md := f.Metadata()
	text := func(key string) string { s, _ := md.String(key); return s }
	name := cmp.Or(text("general.name"), strings.TrimSuffix(filepath.Base(f.Paths()[0]), ".gguf"))
	base := text("general.base_model.0.repo_url")
	base = strings.TrimPrefix(base, "https://huggingface.co/")
	front := page.Front{BaseModel: base, License: text("general.license"), QuantizedBy: by, Intro: hubIntro(f, p, name)}
	var b bytes.Buffer
	err := front.Card(&b, r)
	return b.Bytes(), err
}

// hubIntro is the card's title and table of files.
func hubIntro(f *gguf.File, p *publish.Plan, name string) string {
	elements, fileType := int64(0), "GGUF"
	for _, t := range f.Tensors() {
		elements += t.Info().Elements()
	}
	if n, ok := f.Metadata().Int("general.file_type"); ok && recipe.FileType(n).Valid() {
		fileType = recipe.FileType(n).String()
	}
	safe := strings.NewReplacer("|", "\\|", "<", "&lt;", "\n", " ")
	var b strings.Builder
	fmt.Fprintf(&b, "# %s, %s\n\n| file | size |\n|---|---|\n", safe.Replace(display.Name(name)), fileType)
	for _, x := range p.Files {
		fmt.Fprintf(&b, "| %s | %s |\n", safe.Replace(display.Name(filepath.Base(x.Path))), display.Bytes(x.Bytes))
	}
	fmt.Fprintf(&b, "\n%.3f bits per weight, of %d weights.\n\n", float64(8*p.Bytes())/float64(max(1, elements)), elements)
	return b.String()
}
