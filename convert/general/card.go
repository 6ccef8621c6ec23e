package general

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/carat-llm/carat/internal/inputfile"
	"go.yaml.in/yaml/v4"
)

// modelCard reads the YAML front matter of README.md. Front matter that does not parse is no reason to refuse a
// model, as it is for the reference, but is said.
func (f *facts) modelCard(path string) error {
	b, err := inputfile.ReadText(path, inputfile.MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.frontMatter(b); err != nil {
		f.note("README.md: the front matter is not valid YAML (%v): what it says of name, license and the like is left out", err)
	}
	return nil
}

// lineEnds are those of Python's splitlines.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\x1c", "\n", "\x1d", "\n", "\x1e", "\n",
	"\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// cutFrontMatter is what stands between the lines "---", or after the first where there is no second.
func cutFrontMatter(readme string) string {
	rest, ok := strings.CutPrefix(lineEnds.Replace(readme)+"\n", "---\n")
	if !ok {
		return ""
	}
	front, _, _ := strings.Cut("\n"+rest, "\n---\n")
	return strings.ReplaceAll(strings.TrimPrefix(front, "\n"), "\t", "  ") + "\n" // some published cards indent by tabs
}

// cardText are the card's keys of the text fields: the first that is there and not null counts.
var cardText = map[string][]string{
	"name": {"name", "model_name"}, "author": {"author", "model_author", "model_creator"}, "version": {"version", "model_version"},
	"organization": {"organization", "model_organization"}, "description": {"description", "model_description"},
	"finetune": {"finetune", "model_finetune"}, "basename": {"basename", "model_basename", "model_type"},
	"size_label": {"size_label", "model_size_label"}, "license": {"license"}, "license.name": {"license_name"}, "license.link": {"license_link"},
	"source.url": {"url", "model_url"}, "source.doi": {"doi", "model_doi"}, "source.uuid": {"uuid", "model_uuid"},
	"source.repo_url": {"repo_url", "model_repo_url"},
}

func (f *facts) frontMatter(readme []byte) error {
	front := cutFrontMatter(string(readme))
	if front == "" {
		return nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(front), &doc); err != nil {
		return errors.New(strings.Join(strings.Fields(err.Error()), " "))
	}
	if len(doc.Content) == 0 {
		return nil
	}
	card := fields(doc.Content[0])
	for key, from := range cardText {
		for _, k := range from {
			if s, ok := textOf(card[k]); ok {
				f.put(key, s)
			} else if all := itemsOf(card[k]); key == "license" && len(all) > 0 {
				f.put(key, strings.Join(textsOf(all), ","))
			}
		}
	}
	f.bases = ancestorsOf(card, f.bases, "base_model", "base_models", "base_model_sources")
	f.datasets = ancestorsOf(card, f.datasets, "datasets", "dataset", "dataset_sources")
	for key, from := range map[string][]string{"tags": {"tags", "pipeline_tag"}, "languages": {"languages", "language"}} {
		if f.lists[key] != nil {
			continue
		}
		for _, k := range from {
			if s, ok := textOf(card[k]); ok {
				f.lists[key] = append(f.lists[key], s)
			}
			f.lists[key] = append(f.lists[key], textsOf(itemsOf(card[k]))...)
		}
	}
	return nil
}

// ancestor is a model or a data set that this model was made from: GGUF's fields of it.
type ancestor map[string]string

// ancestorKeys are an ancestor's fields in the order in which they are written.
var ancestorKeys = []string{"name", "author", "version", "organization", "description", "url", "doi", "uuid", "repo_url"}

// ancestorsOf reads the first of keys that the card has. given is what the user has said, and counts instead. A key
// without any is not the same as no key: the count 0 is written.
func ancestorsOf(card map[string]*yaml.Node, given []ancestor, keys ...string) []ancestor {
	if given != nil {
		return given
	}
	for _, k := range keys {
		n, ok := card[k]
		if !ok {
			continue
		}
		all := []ancestor{}
		if s, ok := textOf(n); ok {
			all = append(all, ancestorNamed(s))
		}
		for _, item := range itemsOf(n) {
			a := ancestor{}
			if s, ok := textOf(item); ok {
				a = ancestorNamed(s)
			}
			for _, key := range ancestorKeys {
				if s, ok := textOf(fields(item)[key]); ok {
					a[key] = s
				}
			}
			all = append(all, a)
		}
		return all
	}
	return nil
}

// ancestorNamed takes apart an id as in "organization/name", or an address.
func ancestorNamed(s string) ancestor {
	a := ancestor{}
	name := s
	if strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "ssh://") {
		a["repo_url"] = s
		_, name, _ = strings.Cut(s, "://")
		rest, ok := strings.CutPrefix(name, "huggingface.co/")
		org, model, _ := strings.Cut(rest, "/")
		if !ok || strings.HasPrefix(s, "ssh") || org == "" || model == "" || strings.Contains(model, "/") {
			return a // an address of something else says no more
		}
		name = rest
	}
	p := parseID(name, 0)
	a["name"], a["version"] = title(p.full), p.version
	if p.hasOrganization {
		a["organization"] = title(p.organization)
		if a["repo_url"] == "" {
			a["repo_url"] = fmt.Sprintf("https://huggingface.co/%s/%s", p.organization, p.full)
		}
	}
	return a
}
