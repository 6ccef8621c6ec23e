package oci

import (
	"fmt"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
)

// config is ModelPack's: https://github.com/modelpack/model-spec/blob/main/docs/config.md
type config struct {
	Descriptor facts     `json:"descriptor"`
	Config     technical `json:"config"`
	FS         modelFS   `json:"modelfs"`
}

type facts struct {
	Authors     []string `json:"authors,omitempty"`
	Vendor      string   `json:"vendor,omitempty"`
	Family      string   `json:"family,omitempty"`
	Name        string   `json:"name,omitempty"`
	Version     string   `json:"version,omitempty"`
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	DocURL      string   `json:"docURL,omitempty"`
	SourceURL   string   `json:"sourceURL,omitempty"`
	Licenses    []string `json:"licenses,omitempty"`
}

type technical struct {
	Architecture string        `json:"architecture,omitempty"`
	Format       string        `json:"format"`
	ParamSize    string        `json:"paramSize"`
	Precision    string        `json:"precision,omitempty"`
	Quantization string        `json:"quantization,omitempty"`
	Capabilities *capabilities `json:"capabilities,omitempty"`
}

type capabilities struct {
	In        []string `json:"inputTypes,omitempty"`
	Out       []string `json:"outputTypes,omitempty"`
	Languages []string `json:"languages,omitempty"`
}

type modelFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diffIds"`
}

// precisions are ModelPack's words for types that are not quantized.
var precisions = map[string]string{"F32": "float32", "F16": "float16", "BF16": "bfloat16"}

// configOf is what the metadata say of a model.
func configOf(f *gguf.File) config {
	md := f.Metadata()
	text := func(keys ...string) string {
		for _, key := range keys {
			if s, ok := md.String(key); ok && s != "" {
				return s
			}
		}
		return ""
	}
	list := func(s string) []string {
		if s == "" {
			return nil
		}
		return []string{s}
	}
	arch := text("general.architecture")
	c := config{
		Descriptor: facts{
			Authors: list(text("general.author")), Vendor: text("general.organization"), Family: arch, Name: text("general.name"),
			Version: text("general.version"), Description: text("general.description"), DocURL: text("general.url", "general.repo_url"),
			SourceURL: text("general.source.url", "general.source.repo_url", "general.base_model.0.repo_url"), Licenses: list(text("general.license")),
		},
		Config: technical{Architecture: arch, Format: "gguf", ParamSize: paramSize(f), Capabilities: &capabilities{In: []string{"text"}, Out: []string{"text"}}},
		FS:     modelFS{Type: "layers", DiffIDs: []string{}},
	}
	if n, ok := md.Int("general.file_type"); ok && recipe.FileType(n).Valid() {
		if name := recipe.FileType(n).String(); precisions[name] != "" {
			c.Config.Precision = precisions[name]
		} else {
			c.Config.Quantization = name
		}
	}
	if _, ok := md.Int(arch + ".pooling_type"); ok {
		c.Config.Capabilities.Out = []string{"embedding"}
	}
	for _, l := range md.Strings("general.languages") {
		if len(l) == 2 { // ISO 639
			c.Config.Capabilities.Languages = append(c.Config.Capabilities.Languages, strings.ToLower(l))
		}
	}
	return c
}

// paramSize is the number of weights as ModelPack writes it: one digit behind the point at most, and K, M, B or T.
func paramSize(f *gguf.File) string {
	n := 0.0
	for _, t := range f.Tensors() {
		n += float64(t.Info().Elements())
	}
	unit := "K"
	n /= 1e3
	for _, next := range []string{"M", "B", "T"} {
		if n < 999.95 {
			break
		}
		n, unit = n/1e3, next
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0") + unit
}
