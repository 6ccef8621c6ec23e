package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/carat-llm/carat/gguf"
	"github.com/dlclark/regexp2/v2"
)

// splitter is a pre-tokenizer: patterns that are applied one after the other, each to the pieces that the
// one before left.
type splitter struct {
	patterns     []*regexp2.Regexp
	ignoreMerges bool // a word that is a token is taken whole
	nfc          bool // Unicode is composed first
}

const (
	gpt2Pattern   = `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	llama3Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	qwen2Pattern  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	gpt4oPattern  = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// known lists the pre-tokenizers by the names of tokenizer.ggml.pre. A new one is a line here.
var known = map[string]struct {
	patterns          []string
	ignoreMerges, nfc bool
}{
	"gpt-2":     {patterns: []string{gpt2Pattern}},
	"smollm":    {patterns: []string{`\p{N}`, gpt2Pattern}},
	"llama-bpe": {patterns: []string{llama3Pattern}, ignoreMerges: true},
	"smaug-bpe": {patterns: []string{llama3Pattern}, ignoreMerges: true},
	"glm4":      {patterns: []string{llama3Pattern}},
	"qwen2":     {patterns: []string{qwen2Pattern}, nfc: true},
	"gpt-4o":    {patterns: []string{gpt4oPattern}, ignoreMerges: true},
}

var (
	compiled   = map[string]splitter{}
	compiledMu sync.Mutex
)

func splitterFor(name string) (splitter, error) {
	k, ok := known[name]
	if !ok {
		var names []string
		for n := range known {
			names = append(names, n)
		}
		slices.Sort(names)
		return splitter{}, fmt.Errorf("%w: tokenizer: tokenizer.ggml.pre is %q: this carat runs %s", gguf.ErrInput, name, strings.Join(names, ", "))
	}
	compiledMu.Lock()
	defer compiledMu.Unlock()
	if s, ok := compiled[name]; ok {
		return s, nil
	}
	s := splitter{ignoreMerges: k.ignoreMerges, nfc: k.nfc}
	for _, p := range k.patterns {
		s.patterns = append(s.patterns, regexp2.MustCompile(p))
	}
	compiled[name] = s
	return s, nil
}

// split cuts text; nothing of it is lost. Bytes that are no UTF-8 make pieces of their own.
func (s *splitter) split(text string) []string {
	pieces := validRuns(text)
	for _, re := range s.patterns {
		var out []string
		for _, p := range pieces {
			out = appendSplit(out, re, p)
		}
		pieces = out
	}
	return pieces
}

// appendSplit appends the matches of re in text and what is between them.
func appendSplit(out []string, re *regexp2.Regexp, text string) []string {
	matches, err := re.FindAllStringIndex(text, -1)
	if err != nil {
		return append(out, text) // only a time limit can fail, and none is set
	}
	at := 0
	for _, m := range matches {
		if m[0] > at {
			out = append(out, text[at:m[0]])
		}
		if m[1] > m[0] {
			out = append(out, text[m[0]:m[1]])
		}
		at = m[1]
	}
	if at < len(text) {
		out = append(out, text[at:])
	}
	return out
}

// validRuns cuts text into valid UTF-8 and runs of other bytes.
func validRuns(text string) []string {
	var out []string
	start, valid := 0, true
	flush := func(end int) {
		if end > start {
			out = append(out, text[start:end])
		}
		start = end
	}
	for i, r := range text {
		// A decoding error is U+FFFD of width 1; the character itself has width 3.
		ok := r != 0xfffd || strings.HasPrefix(text[i:], "�")
		if ok != valid {
			flush(i)
			valid = ok
		}
	}
	flush(len(text))
	return out
}
