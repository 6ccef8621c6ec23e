package vocab

import (
	"math"
	"path/filepath"
	"slices"
)

// specialTypes are the special tokens in the order in which the reference looks for them.
var specialTypes = []string{"bos", "eos", "unk", "sep", "pad", "cls", "mask"}

// keyOf are GGUF's names where they are others. cls has none.
var keyOf = map[string]string{"unk": "unknown", "sep": "seperator", "pad": "padding", "cls": ""}

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

// specials are the special tokens' ids, and whether they are added to a text.
type specials struct {
	types []string // which are looked for
	limit int      // ids from here on are passed over; 0 is no limit
	texts map[string]string
	ids   ordered[int]
	adds  ordered[bool]
}

// setID notes the first id that is found.
func (s *specials) setID(name string, id int) {
	if _, ok := s.ids.values[name]; !ok && id >= 0 && id <= math.MaxInt32 && (s.limit == 0 || id < s.limit) {
		s.ids.set(name, id)
	}
}

// special writes the special tokens and the chat template. The reference passes over ids from limit on for some
// tokenizers, and for others has no limit (0).
func (f *folder) special(l *list, limit int) error {
	s := &specials{types: specialTypes, limit: limit}
	f.find(s)
	f.byText(s)
	if err := f.chatEnd(s); err != nil {
		return err
	}
	s.write(l)
	if err := f.chatTemplate(l); err != nil {
		return err
	}
	if f.json != nil {
		f.json.Normalizer.flags(l)
	}
	switch size, _ := f.opts.Config["vocab_size"].(float64); {
	case f.opts.Class == "GemmaForCausalLM": // the reference takes every Gemma 1 for CodeGemma
		f.codeEnd(l, 107)
	case size == 32016 && f.isLlama(): // CodeLlama
		f.codeEnd(l, 32010)
	}
	return nil
}

// codeEnd writes the end of a gap that a model fills in code, where no file says another. The tokens before it have no key in
// the reference.
func (f *folder) codeEnd(l *list, id int) {
	code := &specials{types: []string{"eot"}}
	f.find(code)
	code.setID("eot", id)
	code.write(l)
}

// roles are special tokens by their text, for classes of which no file says all that they mean.
var roles = map[string][][2]string{
	"GlmForCausalLM":         {{"eos", "<|endoftext|>"}, {"eot", "<|user|>"}, {"unk", "<|endoftext|>"}},
	"Glm4ForCausalLM":        {{"eos", "<|endoftext|>"}, {"eot", "<|user|>"}, {"unk", "<|endoftext|>"}, {"bos", "<|endoftext|>"}},
	"Glm4MoeForCausalLM":     {{"bos", "[gMASK]"}, {"eot", "<|user|>"}, {"unk", "<|endoftext|>"}, {"eom", "<|observation|>"}},
	"Glm4MoeLiteForCausalLM": {{"bos", "[gMASK]"}, {"eot", "<|user|>"}, {"unk", "<|endoftext|>"}, {"eom", "<|observation|>"}},
}

// byText finds those that are not found yet.
func (f *folder) byText(s *specials) {
	for _, r := range roles[f.opts.Class] {
		if f.json == nil {
			return
		}
		for _, a := range f.json.AddedTokens {
			if a.Content == r[1] {
				s.setID(r[0], a.ID)
			}
		}
	}
}

func (s *specials) write(l *list) {
	for _, n := range s.ids.keys {
		key, other := keyOf[n]
		if !other {
			key = n
		}
		if key != "" {
			l.set("tokenizer.ggml."+key+"_token_id", uint32(s.ids.values[n]))
		}
	}
	for _, n := range s.adds.keys {
		if slices.Contains([]string{"bos", "eos", "sep"}, n) {
			l.set("tokenizer.ggml.add_"+n+"_token", s.adds.values[n])
		}
	}
}

// find looks for s.types in tokenizer.json, tokenizer_config.json and config.json, in this order.
func (f *folder) find(s *specials) {
	s.texts = map[string]string{}
	for name := range f.config {
		if t, ok := cutToken(name); ok {
			s.texts[t] = f.tokenText(t)
		}
	}
	if f.json != nil {
		if s.texts["bos"] == "" {
			s.texts["bos"] = s.texts["cls"]
		}
		if s.texts["eos"] == "" {
			s.texts["eos"] = s.texts["sep"]
		}
		if p := f.json.PostProcessor; p != nil {
			p.each(func(p postProcessor) { s.added(p, len(f.config) > 0) })
		}
	}
	if len(f.config) > 0 {
		for _, t := range s.types {
			if v, ok := f.config["add_"+t+"_token"].(bool); ok {
				s.adds.set(t, v)
			}
			if f.json == nil || s.texts[t] == "" {
				continue
			}
			for _, a := range f.json.AddedTokens {
				if a.Content == s.texts[t] {
					s.setID(t, a.ID)
					break
				}
			}
		}
	}
	text, _ := f.opts.Config["text_config"].(map[string]any)
	for _, t := range s.types {
		v := f.opts.Config[t+"_token_id"]
		if v == nil {
			v = text[t+"_token_id"]
		}
		if n, ok := v.(float64); ok && n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			s.setID(t, int(n))
		}
	}
}

// cutToken takes bos from bos_token.
func cutToken(key string) (string, bool) {
	const end = "_token"
	if len(key) <= len(end) || key[len(key)-len(end):] != end {
		return "", false
	}
	return key[:len(key)-len(end)], true
}

// chatTemplate writes the template, or the default of several and the others by name.
func (f *folder) chatTemplate(l *list) error {
	template, err := f.template()
	if err != nil {
		return err
	}
	switch t := template.(type) {
	case string:
		if t != "" {
			l.add("tokenizer.chat_template", t)
		}
	case []any:
		return namedTemplates(l, t, filepath.Join(f.dir, "tokenizer_config.json"))
	}
	return nil
}
