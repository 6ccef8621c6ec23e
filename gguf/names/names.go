// Package names holds the names that those who write GGUF files and those who read them agree upon.
//
// So far these are the pre-tokenizers, the values of tokenizer.ggml.pre. One table says how each splits a text; the
// converter recognises a tokenizer.json by it (Recognise), the runtime splits by it, and verify knows from it which
// names no runtime has.
package names

import (
	"slices"
	"strings"
)

// PreTokenizer says how a text is split before byte-level BPE joins the bytes of each part.
type PreTokenizer struct {
	// Name is the value of tokenizer.ggml.pre.
	Name string
	// Splits are regular expressions as tokenizer.json has them, applied one after the other: each divides the parts
	// that the one before left into its matches and what is between them. Nil where regular expressions over bytes do
	// not say it, or where nothing is known; such models are converted, but not run.
	Splits []string
	// IgnoreMerges: a part that is a token is taken whole.
	IgnoreMerges bool
	// EitherMerges: tokenizer.json is found with and without that setting under this name, since it makes no difference.
	EitherMerges bool
	// NFC: tokenizer.json composes Unicode first. Runtimes other than carat's leave that out.
	NFC bool
	// AddBOS: texts begin with BOS unless tokenizer.ggml.add_bos_token says otherwise.
	AddBOS bool
	// NoBOS: there is no BOS unless tokenizer.ggml.bos_token_id names one.
	NoBOS bool
}

// Find returns the pre-tokenizer of that name.
func Find(name string) (PreTokenizer, bool) {
	i := slices.IndexFunc(preTokenizers, func(p PreTokenizer) bool { return p.Name == name })
	if i < 0 {
		return PreTokenizer{}, false
	}
	return preTokenizers[i], true
}

// All returns all names in alphabetical order.
func All() []string {
	var out []string
	for _, p := range preTokenizers {
		out = append(out, p.Name)
	}
	slices.Sort(out)
	return out
}

// Recognise returns the pre-tokenizers that split as the given regular expressions of a tokenizer.json do and agree
// with its other settings. Names that share all of this come in the order of preference: the first is the most general.
func Recognise(splits []string, ignoreMerges, nfc bool) []PreTokenizer {
	want := canonical(splits)
	var out []PreTokenizer
	for _, p := range preTokenizers {
		if p.Splits != nil && (p.IgnoreMerges == ignoreMerges || p.EitherMerges) && p.NFC == nfc && slices.Equal(canonical(p.Splits), want) {
			out = append(out, p)
		}
	}
	return out
}

// SplitsAlike reports whether p divides every text as the given regular expressions do.
func (p PreTokenizer) SplitsAlike(splits []string) bool {
	return p.Splits != nil && slices.Equal(canonical(p.Splits), canonical(splits))
}

// spellings are ways to write the same thing that are found in the tokenizer.json of different families. The
// possessive quantifiers make no difference there, since what follows them cannot match what they matched.
var spellings = strings.NewReplacer(
	"\r", `\r`, "\n", `\n`, "\t", `\t`,
	`(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])`, contractions,
	`'(?i:[sdmt]|ll|ve|re)`, contractions,
	`'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])`, contractions,
	`(?i:'[sdmt]|'ll|'ve|'re)`, contractions,
	`[^\r\n\p{L}\p{N}]?+\p{L}+`, `[^\r\n\p{L}\p{N}]?\p{L}+`,
	` ?[^\s\p{L}\p{N}]++[\r\n]*`, ` ?[^\s\p{L}\p{N}]+[\r\n]*`,
	`|\s*[\r\n]|`, `|\s*[\r\n]+|`, // the first part takes all the line ends there are
	`\p{N}{1}|`, `\p{N}|`,
)

func canonical(splits []string) []string {
	out := make([]string, len(splits))
	for i, s := range splits {
		out[i] = spellings.Replace(spellings.Replace(s))
	}
	return out
}
