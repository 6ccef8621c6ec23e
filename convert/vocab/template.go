package vocab

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/internal/inputfile"
)

// template finds the chat template, a text or a list of named ones, as transformers' tokenizers do:
// chat_template.jinja with those of additional_chat_templates, else tokenizer_config.json's, else chat_template.json's.
func (f *folder) template() (any, error) {
	text, err := jinja(filepath.Join(f.dir, "chat_template.jinja"))
	if err == nil {
		return f.withAdditional(text)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if t := f.config["chat_template"]; t != nil {
		return t, nil
	}
	alt, err := readObject(filepath.Join(f.dir, "chat_template.json"))
	return alt["chat_template"], err
}

// withAdditional joins the default template with the files beside it, in the order of their names.
func (f *folder) withAdditional(text string) (any, error) {
	files, err := filepath.Glob(filepath.Join(globEscape(f.dir), "additional_chat_templates", "*.jinja"))
	if err != nil || len(files) == 0 {
		return text, err
	}
	all := []any{map[string]any{"name": "default", "template": text}}
	for _, file := range files {
		more, err := jinja(file)
		if err != nil {
			return nil, err
		}
		all = append(all, map[string]any{"name": strings.TrimSuffix(filepath.Base(file), ".jinja"), "template": more})
	}
	return all, nil
}

// globEscape keeps the characters of a folder's name from being patterns.
func globEscape(dir string) string {
	return strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`).Replace(dir)
}

// jinja reads a template. Line ends are those of Python's text files.
func jinja(path string) (string, error) {
	b, err := inputfile.ReadText(path, inputfile.MaxConfig)
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(b)), err
}

func namedTemplates(l *list, all []any, path string) error {
	var names []string
	def := ""
	for _, x := range all {
		m, _ := x.(map[string]any)
		name, _ := m["name"].(string)
		text, ok := m["template"].(string)
		name = strings.Map(func(r rune) rune {
			if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
				return r
			}
			return '_'
		}, name)
		if !ok || name == "" {
			return bad(path, "chat_template: expected an entry with name and template (got %v)", fmt.Sprint(x))
		}
		if name == "default" {
			def = text
			continue
		}
		l.set("tokenizer.chat_template."+name, text)
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		l.add("tokenizer.chat_templates", names)
	}
	if def != "" {
		l.add("tokenizer.chat_template", def)
	}
	return nil
}
