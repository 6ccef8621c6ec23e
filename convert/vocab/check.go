package vocab

import (
	"slices"
	"time"

	"github.com/carat-llm/carat/gguf/names"
	"github.com/carat-llm/carat/runtime/tokenizer"
	"golang.org/x/text/unicode/norm"
)

// patience bounds the time that an expression of tokenizer.json may take on the check text.
const patience = time.Second

// byCheck tokenizes the reference's check text and asks by which name its ids are known. The answer counts only when
// that name is known to split as this tokenizer does, or nothing is known about how it splits; where only llama.cpp's
// words for it are known, when those give the same ids.
func (f *folder) byCheck(splits []string) (string, bool) {
	text := names.CheckText
	switch f.json.Normalizer.String() {
	case "none":
	case "NFC":
		text = norm.NFC.String(text)
	default:
		return "", false
	}
	m := &f.json.Model
	bpe := tokenizer.NewByteBPE(m.Vocab, m.Merges, m.IgnoreMerges)
	before, after, ok := f.surrounding()
	if !ok {
		return "", false
	}
	byWords := func(splits []string) ([]int32, error) {
		splitter, err := tokenizer.NewSplitter(splits, patience)
		ids := slices.Clone(before)
		if err == nil {
			splitter.Each(text, func(word string) { ids = bpe.Append(ids, word) })
		}
		return append(ids, after...), err
	}
	ids, err := byWords(splits)
	if err != nil {
		return "", false
	}
	name, ok := names.ByCheck(ids)
	if !ok {
		return "", false
	}
	p, ok := names.Find(name)
	if ok && p.Reworded {
		other, err := byWords(p.Splits)
		return name, err == nil && slices.Equal(ids, other)
	}
	return name, ok && (p.Splits == nil || p.SplitsAlike(splits))
}

// surrounding are the ids that the tokenizer puts before and after a text: its post-processor's, but classes derived
// from Llama's go by add_bos_token and add_eos_token instead. It is false when a token is not in the vocabulary.
func (f *folder) surrounding() (before, after []int32, ok bool) {
	ok = true
	id := func(token string) []int32 {
		for _, a := range f.json.AddedTokens {
			if a.Content == token {
				return []int32{int32(a.ID)}
			}
		}
		if v, known := f.json.Model.Vocab[token]; known {
			return []int32{int32(v)}
		}
		ok = false
		return nil
	}
	if class, _ := f.config["tokenizer_class"].(string); class == "LlamaTokenizerFast" || class == "LlamaTokenizer" {
		if add, given := f.config["add_bos_token"].(bool); add || !given {
			before = id(f.tokenText("bos"))
		}
		if add, _ := f.config["add_eos_token"].(bool); add {
			after = id(f.tokenText("eos"))
		}
		return before, after, ok
	}
	if p := f.json.PostProcessor; p != nil {
		p.each(func(t postProcessor) {
			if t.Type != "TemplateProcessing" {
				return
			}
			text := slices.IndexFunc(t.Single, func(x templatePiece) bool { return x.Sequence.ID != "" })
			for i, x := range t.Single {
				switch {
				case x.SpecialToken.ID == "":
				case i < text:
					before = append(before, id(x.SpecialToken.ID)...)
				default:
					after = append(after, id(x.SpecialToken.ID)...)
				}
			}
		})
	}
	return before, after, ok
}

// tokenText is tokenizer_config.json's bos_token and the like.
func (f *folder) tokenText(name string) string {
	switch v := f.config[name+"_token"].(type) {
	case string:
		return v
	case map[string]any:
		s, _ := v["content"].(string)
		return s
	}
	return ""
}
