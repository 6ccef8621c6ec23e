package general

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/carat-llm/carat/internal/inputfile"
	"go.yaml.in/yaml/v4"
)

// modelCard reads the YAML front matter of README.md. Front matter that does not parse is no reason to
// refuse a model: the reference goes on too.
func (f *facts) modelCard(path string) error {
	b, err := inputfile.ReadText(path, inputfile.MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f.frontMatter(b)
	return nil
}

func (f *facts) frontMatter(readme []byte) {
	text := strings.ReplaceAll(string(readme), "\r\n", "\n")
	rest, ok := strings.CutPrefix(text, "---\n")
	if !ok {
		return
	}
	front, _, ok := strings.Cut(rest, "\n---")
	if !ok {
		return
	}
	var card map[string]any
	if yaml.Unmarshal([]byte(front), &card) != nil {
		return
	}
	for key, from := range map[string][]string{
		"name": {"name", "model_name"}, "author": {"author", "model_creator"}, "version": {"version"}, "organization": {"organization", "model_org"},
		"description": {"description", "model_description"}, "quantized_by": {"quantized_by"},
		"license": {"license"}, "license.name": {"license_name"}, "license.link": {"license_link"},
	} {
		for _, k := range from {
			if s, ok := card[k].(string); ok {
				f.put(key, s)
			}
		}
	}
	f.bases = append(f.bases, listOf(card, "base_model", "base_models", "base_model_sources")...)
	f.datasets = append(f.datasets, listOf(card, "datasets", "dataset")...)
	for key, from := range map[string][]string{"tags": {"tags", "pipeline_tag"}, "languages": {"languages", "language"}} {
		if len(f.lists[key]) == 0 {
			f.lists[key] = listOf(card, from...)
		}
	}
}

// listOf joins the strings under keys, each once; a single string is a list of one.
func listOf(card map[string]any, keys ...string) []string {
	var out []string
	for _, k := range keys {
		switch v := card[k].(type) {
		case string:
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		case []any:
			for _, s := range stringsOf(v) {
				if !slices.Contains(out, s) {
					out = append(out, s)
				}
			}
		}
	}
	return out
}
