package vocab

import (
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// looksSpecial is the reference's guess for tokens that are not marked.
func looksSpecial(s string) bool {
	return slices.Contains([]string{"<pad>", "<mask>", "<2mass>", "[@BOS@]"}, s) ||
		strings.HasPrefix(s, "<|") && strings.HasSuffix(s, "|>") ||
		strings.HasPrefix(s, "<｜") && strings.HasSuffix(s, "｜>") ||
		strings.HasPrefix(s, "<unused") && strings.HasSuffix(s, ">")
}

// decoder is tokenizer_config.json's added_tokens_decoder, and false when there is none.
func (f *folder) decoder() (map[int]addedToken, bool, error) {
	dec, ok := f.config["added_tokens_decoder"].(map[string]any)
	out := make(map[int]addedToken, len(dec))
	for k, v := range dec {
		id, err := strconv.Atoi(k)
		t, isToken := v.(map[string]any)
		content, isText := t["content"].(string)
		if err != nil || id < 0 || id >= maxVocab || !isToken || !isText {
			return nil, false, bad(filepath.Join(f.dir, "tokenizer_config.json"), "added_tokens_decoder: expected ids and tokens with content (got the id %q)", k)
		}
		special, _ := t["special"].(bool)
		normalized, _ := t["normalized"].(bool)
		out[id] = addedToken{id, content, special, normalized}
	}
	return out, ok, nil
}

// addedJSON is added_tokens.json, which older checkpoints have: tokens and their ids.
func (f *folder) addedJSON() (map[int]addedToken, error) {
	path := filepath.Join(f.dir, "added_tokens.json")
	m, err := readObject(path)
	out := make(map[int]addedToken, len(m))
	for t, v := range m {
		id, ok := v.(float64)
		if !ok || id < 0 || id >= maxVocab || id != float64(int(id)) {
			return nil, bad(path, "token %q has the invalid id %v", t, v)
		}
		out[int(id)] = addedToken{ID: int(id), Content: t}
	}
	return out, err
}

// additions grows the added tokens of tokenizer.json by what other files name, as transformers' AutoTokenizer does.
type additions struct {
	byID map[int]addedToken
	ids  map[string]int // of all tokens
	next int
}

// allAdded are the tokens that are found in a text before it is tokenized. A token that only a name refers to and
// that the model has no row for is left out.
func (f *folder) allAdded() (map[int]addedToken, error) {
	a := &additions{byID: map[int]addedToken{}, ids: make(map[string]int, len(f.json.Model.Vocab))}
	for t, id := range f.json.Model.Vocab {
		a.ids[t] = id
		a.next = max(a.next, id+1)
	}
	for _, t := range f.json.AddedTokens {
		if t.ID < 0 || t.ID >= maxVocab {
			return nil, bad(filepath.Join(f.dir, "tokenizer.json"), "added token %q has the invalid id %d", t.Content, t.ID)
		}
		a.put(t)
	}
	decoder, found, err := f.decoder()
	if err != nil {
		return nil, err
	}
	named := f.named(f.config)
	if !found {
		if decoder, err = f.addedJSON(); err != nil {
			return nil, err
		}
		other, err := readObject(filepath.Join(f.dir, "special_tokens_map.json"))
		if err != nil {
			return nil, err
		}
		named = f.named(other, f.config)
	}
	for _, id := range slices.Sorted(maps.Keys(decoder)) {
		t := decoder[id]
		_, taken := a.byID[id]
		if at, known := a.ids[t.Content]; known {
			t.ID = at
		} else if !taken {
			t.ID = a.next
		}
		a.put(t)
	}
	size, limited := f.opts.Config["vocab_size"].(float64)
	for _, text := range named {
		id, known := a.ids[text]
		if _, is := a.byID[id]; known && is {
			continue
		}
		if !known {
			id = a.next
		}
		if !limited || float64(id) < size {
			a.put(addedToken{ID: id, Content: text, Special: true})
		}
	}
	return a.byID, nil
}

func (a *additions) put(t addedToken) {
	a.byID[t.ID] = t
	a.ids[t.Content] = t.ID
	a.next = max(a.next, t.ID+1)
}

// named are the special tokens that files name: by role, the first file that does counts, and then the rest.
func (f *folder) named(files ...map[string]any) []string {
	var out []string
	add := func(v any) bool {
		if m, ok := v.(map[string]any); ok {
			v = m["content"]
		}
		s, ok := v.(string)
		if ok && s != "" {
			out = append(out, s)
		}
		return ok
	}
	for _, t := range specialTypes {
		for _, file := range files {
			if add(file[t+"_token"]) {
				break
			}
		}
	}
	for _, file := range files {
		for _, key := range []string{"additional_special_tokens", "extra_special_tokens"} {
			switch v := file[key].(type) {
			case []any:
				for _, t := range v {
					add(t)
				}
			case map[string]any:
				for _, name := range slices.Sorted(maps.Keys(v)) {
					add(v[name])
				}
			}
		}
	}
	return out
}
