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
	// Also are other expressions that tokenizers of that name are published with. They divide some texts further, but
	// nowhere where the vocabulary of such a model has something to join.
	Also [][]string
	// Reworded: Splits are what llama.cpp does; how tokenizer.json of such models says it is not known here.
	Reworded bool
	// Joins says what is joined within a part.
	Joins Joins
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

// Joins is what a tokenizer begins with where it joins the units of a part.
type Joins int

const (
	// Bytes are written as characters, each by one (GPT-2's way).
	Bytes Joins = iota
	// Spaced are characters, with spaces written as ▁ and bytes as <0x00> where a character is no token.
	Spaced
	// Words are characters as they are; white space between the parts is dropped.
	Words
)

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
		if p.Joins == Bytes && (p.IgnoreMerges == ignoreMerges || p.EitherMerges) && p.NFC == nfc && p.splitsAlike(want) {
			out = append(out, p)
		}
	}
	return out
}

// SplitsAlike reports whether p divides every text as the given regular expressions do, for what its models can tell.
func (p PreTokenizer) SplitsAlike(splits []string) bool { return p.splitsAlike(canonical(splits)) }

func (p PreTokenizer) splitsAlike(want []string) bool {
	if p.Splits == nil {
		return false
	}
	alike := func(s []string) bool { return slices.Equal(canonical(s), want) }
	return alike(p.Splits) || slices.ContainsFunc(p.Also, alike)
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
	`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`, GPT2,
	`[.,!?…。，、।۔،])]+`, `.,!?…。，、।۔،)]+`, // BLOOM's, a class within a class
	`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]`, notHan+upper+`)`,
	`[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]`, notHan+lower+`)`,
	`[\p{Han}]+`, `\p{Han}+`,
)

// Canonical spells a regular expression as the table does.
func Canonical(split string) string { return spellings.Replace(spellings.Replace(split)) }

func canonical(splits []string) []string {
	out := make([]string, len(splits))
	for i, s := range splits {
		out[i] = Canonical(s)
	}
	return out
}
