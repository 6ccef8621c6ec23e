package vocab

import (
	"path/filepath"
	"slices"
	"strings"
)

// byteFallback writes a BPE with byte fallback as the SentencePiece model that it came from (Llama 2, Mistral, Phi-3
// and Gemma as they are saved without tokenizer.model).
//
// Runtimes join pieces of such a model in the order of the scores of what they make, where tokenizer.json has a list
// of merges. The scores say the order of that list, so that both join alike.
func (f *folder) byteFallback(l *list) error {
	if err := f.noPre(); err != nil {
		return err
	}
	m := &f.json.Model
	path := filepath.Join(f.dir, "tokenizer.json")
	have, err := m.size(path)
	if err != nil {
		return err
	}
	base := have
	added, err := f.allAdded()
	if err != nil {
		return err
	}
	gemma := strings.HasPrefix(f.opts.Class, "Gemma")
	if !gemma {
		for id := range added {
			have = max(have, id+1)
		}
	}
	size, err := f.vocabSize(have)
	if err != nil {
		return err
	}
	v := newVocabulary(size)
	for t, id := range m.Vocab {
		typ := normal
		if isByteToken(t) {
			typ = byteToken
		}
		v.set(id, t, 0, typ)
	}
	for id, t := range added {
		switch {
		case id >= size:
			// Gemma 3 has one that the model has no row for: the reference leaves it out.
		case t.Special || gemma && looksSpecial(t.Content):
			v.set(id, t.Content, 0, control)
		case gemma || id >= base:
			v.set(id, t.Content, 0, userDefined)
		}
	}
	v.scoreByMerges(m.Merges)
	for id, typ := range v.types {
		if gemma && typ == userDefined {
			v.tokens[id] = strings.ReplaceAll(v.tokens[id], "▁", " ") // as they stand in a text
		}
	}
	v.write(l, "llama", "default", true)
	return f.special(l, size)
}

// scoreByMerges gives each token minus the place at which the merges make it for the first time, counted in tokens.
// Those that no merge makes follow in the order of their ids. Control and byte tokens, which are never made by
// merging, have 0, and padding keeps its own.
func (v *vocabulary) scoreByMerges(all merges) {
	place := make(map[string]int, len(v.tokens))
	for _, m := range all {
		if _, again := place[m[0]+m[1]]; !again {
			place[m[0]+m[1]] = len(place)
		}
	}
	next := len(place)
	for id, t := range v.tokens {
		if !slices.Contains([]int32{normal, userDefined}, v.types[id]) {
			continue
		}
		at, made := place[t]
		if !made {
			at = next
			next++
		}
		v.scores[id] = float32(0 - at)
	}
}

// isByteToken tells the tokens that stand for one byte, <0x00> to <0xFF>.
func isByteToken(t string) bool {
	if len(t) != 6 || t[:3] != "<0x" || t[5] != '>' {
		return false
	}
	return strings.Trim(t[3:5], "0123456789abcdefABCDEF") == ""
}
