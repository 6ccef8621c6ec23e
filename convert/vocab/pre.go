package vocab

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf/names"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/suggest"
)

// step is a normalizer or pre-tokenizer, or a sequence of them.
type step struct {
	Type          string `json:"type"`
	PreTokenizers []step `json:"pretokenizers"`
	Normalizers   []step `json:"normalizers"`
	Pattern       struct {
		Regex  string
		String string
	} `json:"pattern"`
	Behavior         string  `json:"behavior"`
	Invert           bool    `json:"invert"`
	IndividualDigits bool    `json:"individual_digits"`
	UseRegex         *bool   `json:"use_regex"`
	AddPrefixSpace   bool    `json:"add_prefix_space"`
	PrependScheme    string  `json:"prepend_scheme"` // of Metaspace
	Prepend          string  `json:"prepend"`
	Lowercase        *bool   `json:"lowercase"` // of BertNormalizer
	StripAccents     *bool   `json:"strip_accents"`
	Charsmap         *string `json:"precompiled_charsmap"` // of Precompiled
}

// String spells the steps out, as the table of known pre-tokenizers does.
func (s *step) String() string {
	if s == nil {
		return "none"
	}
	switch s.Type {
	case "Sequence":
		var parts []string
		for _, p := range s.flat() {
			parts = append(parts, p.String())
		}
		if parts == nil {
			return "none"
		}
		return strings.Join(parts, " + ")
	case "Split":
		out := fmt.Sprintf("Split(%s%s, %s)", s.Pattern.Regex, s.Pattern.String, s.Behavior)
		if s.Invert {
			out += " inverted"
		}
		return out
	case "Punctuation":
		return fmt.Sprintf("Punctuation(%s)", cmp.Or(s.Behavior, "Isolated"))
	case "Digits":
		if s.IndividualDigits {
			return "Digits(single)"
		}
		return "Digits(runs)"
	case "ByteLevel":
		out := "ByteLevel"
		if s.UseRegex == nil || *s.UseRegex {
			out += "(gpt-2)"
		}
		if s.AddPrefixSpace {
			out += "(space before)"
		}
		return out
	}
	return s.Type
}

// splits are the regular expressions that the steps divide a text by, or false when they do something else or do not
// make bytes of it, as byte-level BPE does.
func (s *step) splits() ([]string, bool) {
	steps := s.flat()
	var out []string
	asBytes := false
	for _, p := range steps {
		split, ok := p.split(len(steps) == 2)
		switch {
		case p.Type == "ByteLevel" && !asBytes && !p.AddPrefixSpace:
			if asBytes = true; p.UseRegex == nil || *p.UseRegex {
				out = append(out, names.GPT2)
			}
		case !ok, asBytes && p.Type != "Digits" && !strings.HasPrefix(split, "[0-9]"):
			// Behind ByteLevel a text is bytes, of which those of numbers are as they were (Falcon).
			return nil, false
		default:
			out = append(out, split)
		}
	}
	return out, asBytes && out != nil
}

// split is the regular expression of one step, alone but for ByteLevel or not.
func (s *step) split(alone bool) (string, bool) {
	switch {
	case s.Type == "Split" && s.isolates(alone) && s.Pattern.Regex != "":
		return s.Pattern.Regex, true
	case s.Type == "Split" && s.isolates(alone) && s.Pattern.String != "":
		return regexp.QuoteMeta(s.Pattern.String), true
	case s.Type == "Digits" && s.IndividualDigits:
		return names.Digit, true
	case s.Type == "Digits":
		return names.Digits, true
	case s.Type == "Punctuation" && s.Behavior == "Contiguous":
		return names.Punctuations, true
	case s.Type == "Punctuation" && (s.Behavior == "Isolated" || s.Behavior == ""):
		return names.Punctuation, true
	}
	return "", false
}

// isolates reports whether a Split keeps all of a text. Alone, a pattern that leaves nothing between its matches may
// also be written as one that removes what it does not match.
func (s *step) isolates(alone bool) bool {
	return s.Behavior == "Isolated" && !s.Invert || alone && s.Behavior == "Removed" && s.Invert
}

// flat are the steps one after the other.
func (s *step) flat() []step {
	if s == nil {
		return nil
	}
	if s.Type != "Sequence" {
		return []step{*s}
	}
	var out []step
	for _, p := range slices.Concat(s.PreTokenizers, s.Normalizers) {
		out = append(out, p.flat()...)
	}
	return out
}

// flags writes what runtimes do to a text first.
func (s *step) flags(l *list) {
	var lower, strip *bool
	yes := true
	for _, n := range s.flat() {
		switch n.Type {
		case "Lowercase":
			lower = &yes
		case "StripAccents":
			strip = &yes
		case "BertNormalizer":
			lower, strip = n.Lowercase, n.StripAccents
			if lower == nil {
				lower = new(bool)
			}
		}
	}
	if lower != nil {
		l.set("tokenizer.ggml.normalizer.lowercase", *lower)
	}
	if strip != nil {
		l.set("tokenizer.ggml.normalizer.strip_accents", *strip)
	}
}

// pre recognises the pre-tokenizer, or takes the name given.
//
// What splits alike may have several names. Where the ids of the reference's check text are those of a published
// tokenizer it is that one's name; the most general name otherwise.
func (f *folder) pre() (string, error) {
	if f.opts.Pre != "" {
		return f.opts.Pre, nil
	}
	t := f.json
	switch {
	case f.isSpaced():
		return "granite-embed-multi-311m", nil
	case t.PreTokenizer != nil && t.PreTokenizer.Type == "Whitespace" && slices.Contains([]string{"none", "Lowercase"}, t.Normalizer.String()):
		return "whitespace", nil
	}
	if splits, ok := t.PreTokenizer.splits(); ok {
		if name, ok := f.byCheck(splits); ok {
			return name, nil
		}
		if normalizer := t.Normalizer.String(); normalizer == "none" || normalizer == "NFC" {
			if like := names.Recognise(splits, t.Model.IgnoreMerges, normalizer == "NFC"); len(like) > 0 {
				return like[0].Name, nil
			}
		}
	}
	err := bad(filepath.Join(f.dir, "tokenizer.json"), "unknown pre-tokenizer: %s, normalizer %s, ignore_merges %v",
		t.PreTokenizer, t.Normalizer, t.Model.IgnoreMerges)
	return "", hint.Wrap(err, "if you know which of GGUF's names splits text in the same way, pass it with --pre NAME; names: %s",
		strings.Join(names.All(), ", "))
}

// checkName refuses a name that no runtime has.
func checkName(pre string) error {
	if _, ok := names.Find(pre); ok || pre == "" {
		return nil
	}
	err := fmt.Errorf("--pre: unknown pre-tokenizer %q%s", pre, suggest.DidYouMean(pre, names.All()))
	return hint.Wrap(preError{err}, "runtimes know %s", strings.Join(names.All(), ", "))
}

// prefixed reports whether a space goes before a text of a SentencePiece-style tokenizer, and false for ok when it
// splits a text in a way that runtimes do not know of such.
func (t *tokenizerJSON) prefixed() (prefix, ok bool) {
	for _, s := range t.Normalizer.flat() {
		prefix = prefix || s.Type == "Prepend" && s.Prepend == "▁"
	}
	for _, s := range t.PreTokenizer.flat() {
		switch {
		case s.Type == "Metaspace":
			prefix = prefix || s.PrependScheme == "always" || s.PrependScheme == "first" || s.PrependScheme == "" && s.AddPrefixSpace
		case s.Type == "Split" && s.Pattern.String == " ": // there are no spaces any more
		default:
			return prefix, false
		}
	}
	return prefix, true
}

// noPre refuses a name that would have no effect: SentencePiece's vocabularies are not split before joining.
func (f *folder) noPre() error {
	if f.opts.Pre == "" || f.opts.Pre == "default" {
		return nil
	}
	return preError{fmt.Errorf("--pre %s has no effect: %s has a SentencePiece tokenizer, which splits no text beforehand", f.opts.Pre, f.dir)}
}

// isSpaced tells tokenizers that are like Gemma's, but that the reference writes as BPE: ModernBERT's for many languages.
func (f *folder) isSpaced() bool {
	return f.json.Model.ByteFallback && strings.HasPrefix(f.opts.Class, "ModernBert")
}
