package vocab

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
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
	Behavior         string `json:"behavior"`
	Invert           bool   `json:"invert"`
	IndividualDigits bool   `json:"individual_digits"`
	UseRegex         *bool  `json:"use_regex"`
	AddPrefixSpace   bool   `json:"add_prefix_space"`
}

// String spells the steps out, as the table of known pre-tokenizers does.
func (s *step) String() string {
	if s == nil {
		return "none"
	}
	switch s.Type {
	case "Sequence":
		var parts []string
		for _, p := range slices.Concat(s.PreTokenizers, s.Normalizers) {
			parts = append(parts, p.String())
		}
		return strings.Join(parts, " + ")
	case "Split":
		out := fmt.Sprintf("Split(%s%s, %s)", s.Pattern.Regex, s.Pattern.String, s.Behavior)
		if s.Invert {
			out += " inverted"
		}
		return out
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

// known is a pre-tokenizer by its structure.
type known struct {
	name, steps, normalizer string
	ignoreMerges            bool
}

const (
	llama3Split = `Split((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+, Isolated) + ByteLevel`
	qwen2Split  = `Split((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+, Isolated) + ByteLevel`
	gpt4oSplit  = `Split([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+, Isolated) + ByteLevel`
)

// knownPre lists the structures and the names that GGUF runtimes know them by.
var knownPre = []known{
	{"gpt-2", "ByteLevel(gpt-2)", "none", false},
	{"smollm", "Digits(single) + ByteLevel(gpt-2)", "none", false},
	{"llama-bpe", llama3Split, "none", true},
	{"glm4", llama3Split, "none", false},
	{"qwen2", qwen2Split, "NFC", false},
	{"gpt-4o", gpt4oSplit, "none", true},
	{"gpt-4o", gpt4oSplit, "none", false},
}

// pre recognises the pre-tokenizer, or takes the name given.
func (f *folder) pre() (string, error) {
	if f.opts.Pre != "" {
		return f.opts.Pre, nil
	}
	t := f.json
	got := known{steps: t.PreTokenizer.String(), normalizer: t.Normalizer.String(), ignoreMerges: t.Model.IgnoreMerges}
	var names []string
	for _, k := range knownPre {
		if k.steps == got.steps && k.normalizer == got.normalizer && k.ignoreMerges == got.ignoreMerges {
			return k.name, nil
		}
		if !slices.Contains(names, k.name) {
			names = append(names, k.name)
		}
	}
	return "", fmt.Errorf("%w: %s: unknown pre-tokenizer: %s, normalizer %s, ignore_merges %v; if it splits as one of %s or another that runtimes know, say so with --pre NAME",
		gguf.ErrInput, filepath.Join(f.dir, "tokenizer.json"), got.steps, got.normalizer, got.ignoreMerges, strings.Join(names, ", "))
}
