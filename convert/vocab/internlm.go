package vocab

import (
	"slices"
	"strings"
)

// Classes whose SentencePiece models the reference reads by rules of their own.
const (
	internLM2 = "InternLM2ForCausalLM"
	internLM3 = "InternLM3ForCausalLM"
)

// internLM2 marks the pieces that are there for later use, and gives the piece of one zero byte a text, as which the reference takes a
// dragon.
func (v *vocabulary) internLM2() {
	for id, text := range v.tokens {
		if text == "\x00" {
			v.tokens[id] = "🐉"
		}
		if strings.HasPrefix(text, "[UNUSED") {
			v.types[id] = unused
		}
	}
}

// chatEnd makes the end of a turn the end of a text, in models for conversations.
func (f *folder) chatEnd(s *specials) error {
	if f.opts.Class != internLM2 && f.opts.Class != internLM3 {
		return nil
	}
	decoder, _, err := f.decoder()
	if err != nil {
		return err
	}
	named := make([]addedToken, 0, len(decoder))
	for _, t := range decoder {
		named = append(named, t)
	}
	if f.json != nil && f.opts.Class == internLM2 {
		named = append(named, f.json.AddedTokens...)
	}
	_, given := s.ids.values["eos"]
	end := slices.IndexFunc(named, func(t addedToken) bool {
		return t.Content == "<|im_end|>" && t.ID >= 0 && (f.opts.Class == internLM2 || t.Special && given)
	})
	if end >= 0 {
		s.ids.set("eos", named[end].ID)
	}
	return nil
}
