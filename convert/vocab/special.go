package vocab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/internal/inputfile"
)

// specialTypes are the special tokens in the order in which the reference looks for them, with GGUF's names.
var specialTypes = []struct{ name, key string }{
	{"bos", "bos"}, {"eos", "eos"}, {"unk", "unknown"}, {"sep", "seperator"}, {"pad", "padding"}, {"cls", "cls"}, {"mask", "mask"},
}

// postProcessor is what is used of tokenizer.json's post_processor.
type postProcessor struct {
	Type       string          `json:"type"`
	Processors []postProcessor `json:"processors"`
	Single     []templatePiece `json:"single"`
	Pair       []templatePiece `json:"pair"`
}

type templatePiece struct {
	SpecialToken struct{ ID string }
	Sequence     struct{ ID string }
}

// ordered is a map that remembers in which order its keys came.
type ordered[V any] struct {
	keys   []string
	values map[string]V
}

func (o *ordered[V]) set(k string, v V) {
	if _, ok := o.values[k]; !ok {
		o.keys = append(o.keys, k)
	}
	if o.values == nil {
		o.values = map[string]V{}
	}
	o.values[k] = v
}

// special writes the special tokens' ids, whether they are added to a text, and the chat template.
func (f *folder) special(l *list, vocab int) error {
	var ids ordered[int]
	var adds ordered[bool]
	setID := func(name string, id int) {
		if _, ok := ids.values[name]; !ok && id >= 0 && id < vocab {
			ids.set(name, id)
		}
	}
	content := map[string]string{} // of tokenizer_config.json's bos_token and so on
	for _, t := range specialTypes {
		switch v := f.config[t.name+"_token"].(type) {
		case string:
			content[t.name] = v
		case map[string]any:
			content[t.name], _ = v["content"].(string)
		}
	}
	if f.json != nil {
		if content["bos"] == "" {
			content["bos"] = content["cls"]
		}
		if content["eos"] == "" {
			content["eos"] = content["sep"]
		}
		if p := f.json.PostProcessor; p != nil {
			p.eachTemplate(func(t postProcessor) { t.adds(content, &adds) })
		}
	}
	for _, t := range specialTypes {
		if v, ok := f.config["add_"+t.name+"_token"].(bool); ok {
			adds.set(t.name, v)
		}
		if f.json == nil || content[t.name] == "" {
			continue
		}
		for _, a := range f.json.AddedTokens {
			if a.Content == content[t.name] {
				setID(t.name, a.ID)
				break
			}
		}
	}
	for _, t := range specialTypes {
		if v, ok := f.opts.Config[t.name+"_token_id"].(float64); ok {
			setID(t.name, int(v))
		}
	}
	for _, n := range ids.keys {
		l.add("tokenizer.ggml."+keyOf(n)+"_token_id", uint32(ids.values[n]))
	}
	for _, n := range adds.keys {
		switch n {
		case "bos", "eos", "sep":
			l.add("tokenizer.ggml.add_"+n+"_token", adds.values[n])
		}
	}
	return f.chatTemplate(l)
}

func keyOf(name string) string {
	for _, t := range specialTypes {
		if t.name == name {
			return t.key
		}
	}
	return name
}

func (p postProcessor) eachTemplate(visit func(postProcessor)) {
	if p.Type == "Sequence" {
		for _, x := range p.Processors {
			x.eachTemplate(visit)
		}
		return
	}
	if p.Type == "TemplateProcessing" {
		visit(p)
	}
}

// adds tells from the templates which tokens are added, in the reference's order.
func (p postProcessor) adds(content map[string]string, adds *ordered[bool]) {
	first, last := "", ""
	if len(p.Single) > 1 {
		if first = p.Single[0].SpecialToken.ID; first != "" {
			adds.set("bos", first == content["bos"] || first == content["cls"])
		}
		if last = p.Single[len(p.Single)-1].SpecialToken.ID; last != "" {
			adds.set("eos", last == content["eos"])
		}
	}
	pair := p.Pair
	if len(pair) > 0 && first != "" && pair[0].SpecialToken.ID == first {
		pair = pair[1:]
	}
	if len(pair) > 0 && last != "" && pair[len(pair)-1].SpecialToken.ID == last {
		pair = pair[:len(pair)-1]
	}
	if len(pair) < 3 || pair[0].Sequence.ID != "A" || pair[len(pair)-1].Sequence.ID != "B" {
		return
	}
	between := pair[1 : len(pair)-1]
	sep := false
	separates := func(s string) bool { return s != "" && (s == content["sep"] || s == content["eos"]) }
	if separates(between[0].SpecialToken.ID) && last == "" {
		sep = true
	}
	if len(between) == 2 && separates(between[1].SpecialToken.ID) {
		sep = true
	}
	adds.set("sep", sep)
}

// chatTemplate writes the template, or the default of several and the others by name.
func (f *folder) chatTemplate(l *list) error {
	var template any
	if b, err := inputfile.ReadText(filepath.Join(f.dir, "chat_template.jinja"), inputfile.MaxConfig); err == nil {
		template = string(b)
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	} else {
		var alt map[string]any
		if err := readJSON(filepath.Join(f.dir, "chat_template.json"), &alt); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		template = alt["chat_template"]
	}
	if t, ok := f.config["chat_template"]; ok {
		template = t
	}
	switch t := template.(type) {
	case string:
		l.add("tokenizer.chat_template", t)
	case []any:
		return namedTemplates(l, t, f.dir)
	}
	return nil
}

func namedTemplates(l *list, all []any, dir string) error {
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
			return -1
		}, name)
		if !ok || name == "" {
			return bad(dir, "chat_template: expected an entry with name and template (got %v)", fmt.Sprint(x))
		}
		if name == "default" {
			def = text
			continue
		}
		names = append(names, name)
		l.add("tokenizer.chat_template."+name, text)
	}
	if len(names) > 0 {
		l.add("tokenizer.chat_templates", names)
	}
	if def != "" {
		l.add("tokenizer.chat_template", def)
	}
	return nil
}
