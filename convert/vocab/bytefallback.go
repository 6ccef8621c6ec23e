package vocab

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/internal/hint"
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
	prefix, ok := f.json.prefixed()
	if !ok && f.opts.Pre == "" {
		err := bad(path, "unknown pre-tokenizer of a SentencePiece tokenizer: %s", f.json.PreTokenizer)
		return hint.Wrap(err, "--pre default leaves it out")
	}
	added, err := f.allAdded()
	if err != nil {
		return err
	}
	if strings.HasPrefix(f.opts.Class, "Gemma4") {
		return f.gemma4(l, have, added)
	}
	gemma := strings.HasPrefix(f.opts.Class, "Gemma")
	if !gemma {
		have = withAdded(have, added)
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
		default:
			v.set(id, t.Content, 0, userDefined)
		}
	}
	v.scoreByMerges(m.Merges)
	if gemma {
		v.spaceAdded()
	}
	if !prefix && !gemma && len(*l) == 0 {
		l.add("tokenizer.ggml.add_space_prefix", false) // the default is true
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

// gemma4 writes Gemma 4's tokenizer, which has a model of its own: runtimes go by the merges, and scores are the
// reference's placeholder. Some control tokens are shown, since replies are read by them. base is the size of the vocabulary
// without the added tokens.
func (f *folder) gemma4(l *list, base int, added map[int]addedToken) error {
	m := &f.json.Model
	have := withAdded(base, added)
	const mask = "<mask>" // which the tokenizer's class adds where it is not there
	if _, ok := m.Vocab[mask]; !ok {
		added[have] = addedToken{ID: have, Content: mask, Special: true}
		have++
	}
	v := newVocabulary(have)
	for t, id := range m.Vocab {
		typ := normal
		if isByteToken(t) {
			typ = byteToken
		}
		v.set(id, t, -1000, typ)
	}
	named := append(f.named(f.config), mask)
	shown := []string{"<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", `<|"|>`}
	for id, t := range added {
		switch {
		case slices.Contains(named, t.Content):
			v.set(id, t.Content, -1000, control)
		case id >= base || slices.Contains(shown, t.Content):
			v.set(id, t.Content, -1000, userDefined)
		}
	}
	l.add("tokenizer.ggml.model", "gemma4")
	l.add("tokenizer.ggml.tokens", v.tokens)
	l.add("tokenizer.ggml.scores", v.scores)
	l.add("tokenizer.ggml.token_type", v.types)
	if len(m.Merges) > 0 {
		l.add("tokenizer.ggml.merges", m.Merges.joined())
	}
	if err := f.special(l, 0); err != nil {
		return err
	}
	l.set("tokenizer.ggml.add_space_prefix", false)
	l.set("tokenizer.ggml.add_bos_token", true)
	return nil
}
